"""Alerts, hits and reports as officers see them: in three languages, narrow and wide, nothing sticking out, no rule broken."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.chapters import alerts
from tansiq.demo.nodes import wait_for
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FORMS = ["/dossiers/new/alert/?alert_class=wanted_arrest", "/dossiers/new/report/"]


@pytest.fixture(scope="module")
def met(nodes: Federation) -> tuple[str, str]:
    """A French alert that meets a record in Morocco, and the hit that Nadia has reported."""
    claire, nadia = (Person(nodes.fr.url, "claire", PASSWORD), Person(nodes.ma.url, "nadia", PASSWORD))
    alert = alerts.issue(claire, "ma")
    wait_for("the match in Morocco", lambda: f"/alerts/{alert}/" in nadia.open("/").links)
    return alert, alerts.report_hit(nadia, f"/dossiers/new/alert_hit/?alert={alert}")


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_boards_forms_an_alert_and_a_hit(page: Page, looking: Looking, met: tuple[str, str], language: str) -> None:
    alert, hit = met
    sign_in = SignIn(page)
    sign_in.sign_in("nadia", PASSWORD)
    sign_in.choose_language(language)
    try:
        for width in (NARROW, WIDE):
            looking.at_width(width)
            for path in ["/alerts/", f"/alerts/{alert}/", f"/dossiers/{hit}/", "/reports/", *FORMS]:
                page.goto(path)
                settled(page)
                looking.picture(f"{language}-{path.strip('/').split('?')[0].replace('/', '-')[:30]}-{width}")
                looking.check()
        assert sign_in.direction == ("rtl" if language == "ar" else "ltr")
    finally:
        sign_in.choose_language("ar")


def test_a_part_is_added_by_a_button_and_keeps_what_was_written(
    page: Page, looking: Looking, met: tuple[str, str]
) -> None:
    assert met
    SignIn(page).sign_in("nadia", PASSWORD)
    page.goto("/dossiers/new/report/")
    page.fill("[name=b0_text]", "حمولة متوقعة يوم الجمعة")
    page.click("button[value='add:subject/Vessel']")
    page.wait_for_selector("[name=b1_imoNumber]")
    assert page.input_value("[name=b0_text]") == "حمولة متوقعة يوم الجمعة"
    assert page.locator(".error-summary").count() == 0
    looking.check()
