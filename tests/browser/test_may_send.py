""" "May I send this to them?" on a partner's page: answered in words, in both directions, before anything is written."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_the_accord_answers_before_anything_is_written(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/partners/fr/")
    page.select_option("[name=purpose]", "investigation")
    page.select_option("[name=crime_area]", "0601")
    page.select_option("[name=category]", "suspect")
    page.locator("form[action='#may-send'] button").press("Enter")
    page.wait_for_selector("#may-send ~ .notice-good")
    asked = page.url
    try:
        for language in ("fr", "ar"):
            SignIn(page).choose_language(language)
            for width in (NARROW, WIDE):
                looking.at_width(width)
                page.goto(asked)
                settled(page)
                looking.picture(f"{language}-partner-{width}")
                looking.check()
    finally:
        SignIn(page).choose_language("ar")
