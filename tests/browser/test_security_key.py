"""A security key as second factor, by Chromium's virtual authenticator; and the list of sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import open_page
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def by_name(browser: Browser, nodes: Federation, complaints: list[str]) -> Iterator[Page]:
    """A page that opens the node by name: no browser makes a key for a number."""
    url = nodes.ma.url.replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=url, viewport={"width": 1366, "height": 900}, locale="en-GB")
    page = open_page(context, complaints)
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    yield page
    context.close()
    assert complaints == []


def prove(page: Page) -> None:
    """Before the second factor is changed, the password is asked for once more."""
    if "reauthenticate" in page.url:
        Looking(page, None, "prove").check()
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/2fa/webauthn/**")


def test_a_key_is_added_asked_for_at_the_next_sign_in_and_taken_away(by_name: Page) -> None:
    page, looking = by_name, Looking(by_name, None, "key")
    SignIn(page).sign_in("driss", PASSWORD)
    page.goto("/accounts/2fa/")
    looking.check()
    page.click("a[href='/accounts/2fa/webauthn/add/']")
    prove(page)
    looking.check()
    page.fill("input[name=name]", "مفتاح المكتب")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(re.compile(r"/accounts/2fa/(webauthn/$|recovery)"))
    page.goto("/accounts/2fa/webauthn/")
    assert "مفتاح المكتب" in page.inner_text("main")
    for width in (NARROW, WIDE):
        looking.at_width(width)
        looking.check()
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "driss")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/accounts/2fa/authenticate/")
    assert page.locator("nav.places").count() == 0
    looking.check()
    page.click("#mfa_webauthn_authenticate")
    page.wait_for_selector("nav.places")
    page.goto("/accounts/2fa/webauthn/")
    page.click("a[href$='/remove/']")
    prove(page)
    looking.check()
    page.click("form .btn-danger")
    page.wait_for_url("**/accounts/2fa/**")
    page.goto("/accounts/2fa/webauthn/")
    assert "مفتاح المكتب" not in page.inner_text("main")


def test_a_session_elsewhere_is_seen_and_ended(
    page: Page, looking: Looking, browser: Browser, nodes: Federation, complaints: list[str]
) -> None:
    elsewhere = browser.new_context(base_url=nodes.ma.url, user_agent="Lost telephone")
    lost = open_page(elsewhere, complaints)
    SignIn(lost).sign_in("nadia", PASSWORD)
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/sessions/")
    for width in (NARROW, WIDE):
        looking.at_width(width)
        looking.picture(f"sessions-{width}")
        looking.check()
    row = page.locator("tr", has_text="Lost telephone")
    assert row.count() == 1
    row.locator("details summary, button").first.click()
    row.locator("form button").last.click()
    page.wait_for_selector(".notice-good, .message, [role=status]")
    assert page.locator("tr", has_text="Lost telephone").count() == 0
    lost.goto("/")
    assert "/accounts/login/" in lost.url
    elsewhere.close()
