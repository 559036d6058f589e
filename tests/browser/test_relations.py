"""The relations of a subject: drawn without a complaint of the content security policy, gone through by keys, beside a table."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_relations_are_drawn_and_gone_through_by_keys(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/register/")
    found = page.eval_on_selector_all("tbody a[href^='/register/']", "all => all.map((one) => one.pathname)")
    one, other = list(dict.fromkeys(found))[:2]
    page.goto(f"/register/pairs/{one.split('/')[2]}/{other.split('/')[2]}/")
    page.check("[name=verdict][value=unsure]")
    page.fill("[name=reason]", "Même ville, rien de plus.")
    page.locator("form[action$='/judge/'] button").last.press("Enter")
    page.wait_for_load_state()
    address = one
    try:
        for language in ("fr", "ar"):
            SignIn(page).choose_language(language)
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto(address)
                settled(page)
                page.wait_for_selector("#relations-graph[data-drawn=yes]")
                looking.picture(f"{language}-subject-{width}")
                looking.check()
        page.focus("#relations-graph")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#relations-said")
    finally:
        SignIn(page).choose_language("ar")
