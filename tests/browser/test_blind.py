"""A question put blindly, as the officer sees it: purpose and case first, what each side learns before asking, hit and no hit after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.nodes import wait_for
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import Search, SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ASKED = {"names": "Youssef Ziani", "birth_date": "1984-03-17"}
UNKNOWN = {"names": "Wilhelmina Oberstadt", "birth_date": "1951-08-09"}
CASE = {"purpose": "investigation", "reference": "PV 2026/11-417"}


@pytest.fixture(scope="module")
def ready(nodes: Federation) -> str:
    """The weaker of the families that the accord allows, in French, once Morocco's filters stand in France."""
    claire = Person(nodes.fr.url, "claire", PASSWORD)
    family = "Un mot du nom et la date de naissance complète"

    def offered() -> bool:
        page = claire.open("/search/")
        form = page.form("/search/", having="purpose")
        told = claire.send(
            page, form, may_fail=True, partners=["ma"], blindly="on", crime_area="0601", do="check", **ASKED, **CASE
        )
        return family in told.text

    wait_for("Morocco's filters in France", offered, seconds=90)
    return family


@pytest.fixture
def claire(page: Page, nodes: Federation, ready: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Claire in France, in the language of the test."""
    assert ready
    language = request.node.callspec.params["language"]
    page.goto(f"{nodes.fr.url}/accounts/login/")
    page.fill("input[name=login]", "claire")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_selector("nav.places")
    SignIn(page).choose_language(language)
    yield page
    page.goto(f"{nodes.fr.url}/")
    SignIn(page).choose_language("fr")


def fill(page: Page, told: dict[str, str]) -> None:
    for name, value in told.items():
        control = page.locator(f"[name={name}]")
        control.select_option(value) if name == "purpose" else control.fill(value)


def send(page: Page) -> None:
    """Ask, and wait for the answers; the first search of a node reads its register, which may take a while."""
    page.locator("form .form-acts .btn-primary").click(no_wait_after=True)
    page.wait_for_url("**/search/*-*/", timeout=120_000)
    Search(page).wait_for_answers()


@pytest.mark.parametrize(("language", "width"), [("ar", NARROW), ("ar", WIDE), ("fr", WIDE), ("fr", NARROW)])
def test_purpose_first_then_what_each_side_learns_then_the_answer(
    claire: Page, nodes: Federation, looking: Looking, language: str, width: int
) -> None:
    looking.at_width(width)
    claire.goto(f"{nodes.fr.url}/search/")
    fill(claire, ASKED)
    claire.check("[name=partners][value=ma]")
    claire.check("[name=blindly]")
    claire.click("button[name=do][value=check]")
    claire.wait_for_selector(".error-summary a[href='#id_purpose']")
    assert claire.locator(".error-summary a[href='#id_reference']").count() == 1
    looking.check()

    fill(claire, CASE)
    claire.click("button[name=do][value=check]")
    considered = claire.locator("#considered")
    considered.wait_for()
    assert considered.locator("li li .absent").count() == 2
    settled(claire)
    looking.picture(f"blind-{language}-before-{width}")
    looking.check()

    send(claire)
    assert claire.locator("#answers .status-careful").count() == 1
    assert claire.locator("#answers .hit").count() >= 1
    settled(claire)
    looking.picture(f"blind-{language}-hit-{width}")
    looking.check()


@pytest.mark.parametrize("language", ["fr"])
def test_no_hit_offers_no_request_and_a_hit_opens_one(
    claire: Page, nodes: Federation, looking: Looking, language: str
) -> None:
    for told, hits in ((UNKNOWN, 0), (ASKED, 1)):
        claire.goto(f"{nodes.fr.url}/search/")
        fill(claire, {**told, **CASE})
        claire.check("[name=partners][value=ma]")
        claire.check("[name=blindly]")
        send(claire)
        assert claire.locator("#answers .btn-primary").count() == hits
        looking.picture(f"blind-{language}-{hits}")
        looking.check()
    Search(claire).follow_the_hit()
    assert claire.input_value("[name=name]") == ASKED["names"]
