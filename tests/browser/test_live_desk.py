"""An open desk shows what arrives without a reload, says so once, and leaves when its session is over."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.steps import ask
from tests.browser.ground import PASSWORD, Federation
from tests.browser.pages import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_what_arrives_stands_on_an_open_desk_without_a_reload(page: Page, nodes: Federation) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/")
    page.evaluate("window.notReloaded = true")
    before = page.locator("#desk-said").get_attribute("data-count")
    ask(Person(nodes.fr.url, "claire", PASSWORD), "ma")
    page.wait_for_selector(f"#desk-said:not([data-count='{before}'])", state="attached", timeout=30_000)
    # More may arrive in the meantime: whatever the page says now is what its title says.
    page.wait_for_function(
        "() => document.title.startsWith(`(${document.querySelector('#desk-said').dataset.count}) `)"
    )
    assert page.locator("#announcements").text_content()
    assert page.evaluate("window.notReloaded")


def test_an_open_desk_leaves_when_its_session_is_over(page: Page) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/")
    elsewhere = page.context.new_page()
    elsewhere.goto("/writing/")
    elsewhere.evaluate("document.querySelector('form[action$=\"/accounts/logout/\"]').submit()")
    page.wait_for_url("**/accounts/login/**", timeout=30_000)
