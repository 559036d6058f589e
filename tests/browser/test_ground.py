"""The ground of all pages in a real browser: both directions, both widths, keyboard, errors, no complaint anywhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import open_page
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [
        ("ar", NARROW, "light"),
        ("ar", WIDE, "dark"),
        ("fr", NARROW, "dark"),
        ("fr", WIDE, "light"),
        ("en", WIDE, "light"),
    ],
)
def test_every_component_in_every_language(
    page: Page, looking: Looking, language: str, width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    looking.at_width(width)
    SignIn(page).open("/styleguide/")
    SignIn(page).choose_language(language)
    settled(page)
    looking.picture(f"styleguide-{language}-{width}-{scheme}")
    assert SignIn(page).direction == ("rtl" if language == "ar" else "ltr")
    for closed in page.locator("details:not(.menu) > summary").all():
        closed.click()
    looking.check()


def test_the_entrance_in_arabic_on_a_telephone(page: Page, looking: Looking) -> None:
    looking.at_width(NARROW)
    SignIn(page).open("/accounts/login/")
    SignIn(page).choose_language("ar")
    settled(page)
    looking.picture("sign-in-ar-390")
    looking.check()


def test_signing_in_by_keyboard_leads_to_the_desk_in_ones_own_language(page: Page, looking: Looking) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("input[name=login]")
    page.keyboard.type("nadia")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav.places")
    assert SignIn(page).direction == "rtl"
    assert page.locator("nav.places a[aria-current=page]").count() == 1
    looking.check()


def test_the_menu_opens_and_closes_by_keyboard(page: Page) -> None:
    SignIn(page).sign_in("driss", PASSWORD)
    page.focus("details.menu:not(.guide) summary")
    page.keyboard.press("Enter")
    assert page.locator("details.menu:not(.guide)[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("details.menu:not(.guide)[open]").count() == 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    first = page.locator("details.menu:not(.guide) a").first
    assert page.evaluate("document.activeElement.getAttribute('href')") == first.get_attribute("href")


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_open_menu_stays_on_a_narrow_page(page: Page, looking: Looking, language: str) -> None:
    looking.at_width(NARROW)
    SignIn(page).sign_in("driss", PASSWORD)
    SignIn(page).choose_language(language)
    page.locator("details.menu:not(.guide) summary").click()
    box = page.locator("details.menu:not(.guide) .menu-box").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW
    SignIn(page).choose_language("ar")


@pytest.mark.parametrize("path", ["/accounts/2fa/", "/accounts/password/change/", "/accounts/logout/"])
def test_pages_of_the_account_are_ours(page: Page, looking: Looking, path: str) -> None:
    SignIn(page).sign_in("driss", PASSWORD)
    page.goto(path)
    assert page.locator("header.top").count() == 1
    looking.check()


def test_a_page_that_is_not_there_says_what_to_do(page: Page, looking: Looking) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    answer = page.goto("/nowhere/")
    assert answer is not None
    assert answer.status == 404
    assert page.locator(".error-steps li").count() >= 1
    looking.picture("not-found-ar-1366")
    looking.check()


def test_signing_out(page: Page) -> None:
    SignIn(page).sign_in("driss", PASSWORD)
    page.click("details.menu:not(.guide) summary")
    page.click("details.menu:not(.guide) form button")
    page.wait_for_url("**/accounts/login/**")


def test_the_pages_work_without_a_script(browser: Browser, nodes: Federation) -> None:
    context = browser.new_context(base_url=nodes.ma.url, java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", "driss")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{nodes.ma.url}/")
    page.click("details.menu:not(.guide) summary")
    assert page.locator("details.menu:not(.guide) form button").is_visible()
    page.click("nav.places a >> nth=2")
    page.wait_for_url("**/dossiers/")
    page.locator("h1").wait_for(state="visible")
    context.close()


def test_the_harness_hears_what_it_should(browser: Browser, nodes: Federation) -> None:
    """A page that breaks the policy is caught: an inline style and an inline script both complain."""
    complaints: list[str] = []
    context = browser.new_context(base_url=nodes.ma.url)
    page = open_page(context, complaints)
    page.goto("/accounts/login/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    page.evaluate("() => { const s = document.createElement('script'); s.textContent = '1'; document.body.append(s); }")
    page.wait_for_timeout(100)
    context.close()
    assert any("style" in one for one in complaints)
    assert any("script" in one for one in complaints)
