"""Direct lines in a real browser: the line, the band that rings above every page, the roster; in Arabic and French, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import open_page
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def claire(browser: Browser, nodes: Federation, complaints: list[str]) -> Iterator[Page]:
    """A French liaison officer at her desk."""
    context = browser.new_context(base_url=nodes.fr.url, viewport={"width": WIDE, "height": 900}, locale="fr-FR")
    page = open_page(context, complaints)
    SignIn(page).sign_in("claire", PASSWORD)
    yield page
    context.close()


def test_a_call_rings_above_the_page_that_is_open_and_is_answered_in_one_press(
    claire: Page, page: Page, looking: Looking
) -> None:
    french = Looking(claire, looking.folder, "fr")
    claire.goto("/channels/")
    french.picture("fr-channels-empty")
    french.check()
    claire.goto("/dossiers/new/channel/?to=ma")
    claire.select_option("[name=code_purpose]", "prevention")
    claire.fill("[name=title]", "Permanence")
    claire.click("button[name=do][value=send]")
    claire.wait_for_url("**/dossiers/*/")
    line = claire.url.rstrip("/").rsplit("/", 1)[1]
    claire.goto(f"/channels/{line}/")
    claire.fill(".write-box [name=text]", "Le Stella entre au port.")
    claire.press(".write-box [name=text]", "Control+Enter")
    claire.wait_for_selector(".said-own >> text=Le Stella")

    SignIn(page).sign_in("nadia", PASSWORD)
    claire.click("details.confirm > summary")
    claire.select_option("[name=call-urgency]", "life_or_limb")
    claire.click("details.confirm form button")
    claire.wait_for_selector(".call-open")
    french.picture("fr-channel-calling")
    french.check()

    page.wait_for_selector("[data-ringing]", timeout=30_000)
    looking.picture("ar-desk-ringing")
    looking.check()
    for width in (NARROW, WIDE):
        looking.at_width(width)
        page.goto(f"/channels/{line}/")
        settled(page)
        looking.picture(f"ar-channel-{width}")
        looking.check()
        assert looking.sticking_out() == []
    page.click(".ringing form button")
    page.wait_for_url(f"**/channels/{line}/")
    assert page.locator("[data-ringing]").count() == 0
    claire.wait_for_selector(".call-answers >> text=العمراني", timeout=30_000)
    assert claire.locator(".call-open").count() == 0
    french.check()


def test_the_roster_is_written_in_arabic_on_a_telephone(page: Page, looking: Looking) -> None:
    looking.at_width(NARROW)
    SignIn(page).sign_in("driss", PASSWORD)
    page.goto("/duty/")
    form = page.locator("section[aria-labelledby=add]")
    form.locator("[name=officer]").select_option("nadia")
    form.locator("[name=starts_at]").fill("2026-01-01T08:00")
    form.locator("[name=ends_at]").fill("2026-01-02T08:00")
    form.locator("button").click()
    settled(page)
    looking.picture("ar-roster-390")
    looking.check()
    assert looking.sticking_out() == []
