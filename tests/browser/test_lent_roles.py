"""A role is lent for a while, and the line to a partner is tested: by keys, in both directions and widths, axe clean."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
REASON = "الضابط المخوّل لا يجيب والأمر يتعلّق بحياة إنسان."


def looked_at(page: Page, looking: Looking, address: str, name: str) -> None:
    """The page in Arabic and French, narrow and wide."""
    for language in ("fr", "ar"):
        SignIn(page).choose_language(language)
        for width in (NARROW, WIDE):
            looking.at_width(width)
            page.goto(address)
            settled(page)
            looking.picture(f"{language}-{name}-{width}")
            looking.check()


def test_a_role_is_asked_for_granted_seen_and_ended(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/people/roles/")
    page.select_option("#id_role", "approver")
    page.fill("#id_reason", REASON)
    page.locator("#id_reason").press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("form[action$='/end/']")
    page.context.clear_cookies()
    SignIn(page).sign_in("admin-ma", PASSWORD)
    page.goto("/people/roles/")
    looking.picture("decide")
    looking.check()
    page.locator("form[action$='/grant/'] button").press("Enter")
    page.wait_for_selector(".ribbon a[href='/people/roles/']")
    looked_at(page, looking, "/people/roles/", "roles")
    page.locator("form[action$='/end/'] button").first.press("Enter")
    page.wait_for_selector(".ribbon a[href='/people/roles/']", state="detached")


def test_the_line_to_a_partner_is_tested(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/partners/fr/")
    page.locator("form[action$='/line/'] button").press("Enter")
    page.wait_for_selector("#line-tests .way")
    page.wait_for_selector("#line-tests form")
    assert page.locator("#line-tests .way").count() == 1
    looked_at(page, looking, "/partners/fr/", "line")
