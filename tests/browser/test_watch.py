"""The foot of the desk: a view is kept and a watch handed over, axe clean in both directions and widths."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_view_is_kept_and_a_watch_handed_over(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/?only=urgent")
    page.locator("details:has(#view-name) summary").press("Enter")
    page.fill("#view-name", "ليلاً")
    page.keyboard.press("Enter")
    page.wait_for_selector("nav a[aria-current] >> text=ليلاً")
    try:
        for language in ("fr", "ar"):
            SignIn(page).choose_language(language)
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto("/?only=urgent")
                settled(page)
                page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
                looking.picture(f"{language}-watch-{width}")
                looking.check()
        page.locator("form[action='/desk/views/'] button[name=drop]").press("Enter")
        page.wait_for_selector("nav a[aria-current] >> text=ليلاً", state="detached")
    finally:
        SignIn(page).choose_language("ar")
