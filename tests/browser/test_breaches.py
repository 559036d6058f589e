"""A data breach in the browser: written down, told to a partner by a draft, the authority noted; axe clean in both directions."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import Looking
from tests.browser.pages import SignIn, look_both_ways

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_breach_is_written_down_and_partners_are_told(page: Page, looking: Looking, nodes: Federation) -> None:
    SignIn(page).sign_in("audit-ma", PASSWORD)
    page.goto("/rights/")
    page.locator("main a[href='/rights/breaches/']").press("Enter")
    page.wait_for_url("**/rights/breaches/")
    look_both_ways(page, looking, "breaches")
    page.check("[name=natures][value=confidentiality]")
    page.check("[name=risk][value=risk]")
    page.fill("[name=happened]", "فُقد حاسوب محمول في محطة القطار.")
    page.fill("[name=consequences]", "قد يطّلع عليه غير المعنيين.")
    page.fill("[name=measures]", "أُلغيت الصلاحيات.")
    page.get_by_role("button", name="دوّنه").press("Enter")
    page.wait_for_url("**/rights/breaches/*-*/")
    page.locator("[name=partners]").first.check()
    page.locator("form[action$='/notify/'] button").press("Enter")
    page.wait_for_selector("li[id^=notice-]")
    page.fill("[name=supervisor-note]", "عبر البوابة، رقم 44")
    page.locator("form:has([name=supervisor-note]) button").press("Enter")
    page.wait_for_selector("[name=supervisor-note]", state="detached")
    look_both_ways(page, looking, "breach")
