"""A list asked blindly, as the officer sees it: what it costs first, then who knows whom, and from there a request."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.nodes import wait_for
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROWS = b"p1\tYoussef Ziani\t1984-03-17\np2\tWilhelmina Oberstadt\t1951-08-09\np3\tNobody Dated\n"
CASE = {"purpose": "investigation", "reference": "PV 2026/11-417", "crime_area": "0601"}


@pytest.fixture(scope="module")
def prepared(nodes: Federation) -> str:
    """The address of a list that Claire brought once Morocco's filters stood in France; nothing was asked yet."""
    claire = Person(nodes.fr.url, "claire", PASSWORD)
    found: list[str] = []

    def is_ready() -> bool:
        page = claire.open("/search/lists/")
        form = page.form("/search/lists/", having="list")
        done = claire.send(page, form, files={"list": ("vol.tsv", ROWS)}, partners=["ma"], **CASE)
        found.append(done.url)
        return any("/begin/" in form.action for form in done.forms)

    wait_for("Morocco's filters in France", is_ready, seconds=90, every=1)
    return found[-1]


@pytest.mark.parametrize(("language", "widths"), [("fr", (NARROW, WIDE)), ("ar", (WIDE, NARROW))])
def test_a_list_tells_its_cost_then_who_knows_whom(
    page: Page, nodes: Federation, looking: Looking, prepared: str, language: str, widths: tuple[int, int]
) -> None:
    page.goto(f"{nodes.fr.url}/accounts/login/")
    page.fill("input[name=login]", "claire")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("nav.places")
    SignIn(page).choose_language(language)
    page.goto(prepared)
    if begin := page.locator("form[action$='/begin/'] button").all():
        seen(page, looking, widths, f"{language}-blind-list-prepared")
        begin[0].click()
    page.wait_for_selector("#screening:not([hx-get]) li[id^=hit-]", timeout=60_000)
    assert page.locator("li[id^=hit-]").count() == 1
    assert "Wilhelmina" not in page.locator("main").inner_text()
    seen(page, looking, widths, f"{language}-blind-list")
    page.click("li[id^=hit-] .btn-primary")
    page.wait_for_url("**/dossiers/new/**")
    assert page.locator("[name=name]").input_value() == "Youssef Ziani"
    assert page.locator("[name=partners][value=ma]").is_checked()


def seen(page: Page, looking: Looking, widths: tuple[int, int], called: str) -> None:
    """Looked at in both widths."""
    for width in widths:
        looking.at_width(width)
        settled(page)
        looking.picture(f"{called}-{width}")
        assert looking.sticking_out() == []
        assert looking.axe_findings() == []
