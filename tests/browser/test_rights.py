"""A data-subject request in the browser: registered, looked for, judged and decided by keyboard and mouse, axe clean in both directions."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import Looking
from tests.browser.pages import SignIn, look_both_ways

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_request_is_looked_for_and_decided(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("audit-ma", PASSWORD)
    page.goto("/rights/")
    look_both_ways(page, looking, "rights")
    page.check("[name=right][value=access]")
    page.select_option("[name=channel]", "letter")
    page.fill("[name=names]", "يوسف الزياني")
    page.fill("[name=contact]", "حي السلام، الرباط")
    page.get_by_role("button", name="سجّل").press("Enter")
    page.wait_for_url("**/rights/*-*/")
    page.fill("[name=how]", "جواز السفر")
    page.locator("form[action$='/identify/'] button").press("Enter")
    page.locator("form[action$='/look/'] button").press("Enter")
    page.wait_for_selector("article[id^=holding-]")
    for _ in range(60):
        if "رُوجعت مدخلاتنا:" in page.content():
            break
        page.wait_for_timeout(500)
        page.reload()
    while page.locator("button[value=theirs]:not([aria-pressed])").count():
        page.locator("button[value=theirs]:not([aria-pressed])").first.press("Enter")
        page.wait_for_load_state()
    look_both_ways(page, looking, "right")
