"""The story of the demonstration by hand: a French officer asks, a Moroccan officer answers, each in their own language."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import open_page
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import Dossier, Request, Search, SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

QUESTION = "Quels téléphones et véhicules lui connaissez-vous ?\nNous avons le +33 6 00 00 00 17."
ANSWER = "نعرفه. هاتفه +212 600 000 417 وسيارته 12345-أ-6. نرجو عدم استعمال المعلومة أمام القضاء قبل إذننا."


@pytest.fixture
def claire(browser: Browser, nodes: Federation, complaints: list[str]) -> Iterator[Page]:
    """A French liaison officer at her desk."""
    context = browser.new_context(base_url=nodes.fr.url, viewport={"width": WIDE, "height": 900}, locale="fr-FR")
    page = open_page(context, complaints)
    SignIn(page).sign_in("claire", PASSWORD)
    SignIn(page).choose_language("fr")  # whatever the test before left her in
    yield page
    context.close()


@pytest.fixture
def nadia(page: Page) -> Page:
    """A Moroccan liaison officer at hers; the ``page`` fixture fails the test on any complaint of either browser."""
    SignIn(page).sign_in("nadia", PASSWORD)
    return page


def test_a_question_is_asked_in_french_and_answered_in_arabic(
    claire: Page, nadia: Page, request: pytest.FixtureRequest, looking: Looking
) -> None:
    french = Looking(claire, looking.folder, "fr")
    search = Search(claire)
    search.ask("Youssef Ben Hammou Ziani", partners=["ma"], reference="PV 2026/0417")
    search.wait_for_answers()
    french.picture("fr-search")
    french.check()
    search.follow_the_hit()

    form = Request(claire)
    form.send()
    claire.wait_for_selector(".error-summary")
    assert claire.evaluate("document.activeElement.classList.contains('error-summary')")
    french.picture("fr-request-incomplete")
    french.check()
    form.fill(
        question=QUESTION,
        crime_area="0601",
        offence="Importation de 340 kg de cocaïne, saisie au Havre le 2026-11-19.",
        objective_reasons="Votre nœud a signalé une concordance.",
        category="suspect",
        link="Son téléphone a appelé le destinataire du conteneur.",
        urgency="life_or_limb",
        urgency_reasons="Un témoin est menacé.",
        title="Conteneur du Havre",
    )
    form.wait_until_considered()
    assert "Maroc" in claire.inner_text("#considered")
    form.send()
    claire.wait_for_selector("ol.timeline")
    dossier = urlsplit(claire.url).path
    french.check()

    arabic = looking
    Dossier(nadia).wait_for_act("answer", dossier)
    settled(nadia)
    assert SignIn(nadia).direction == "rtl"
    arabic.picture("ar-dossier")
    arabic.check()
    nadia.goto("/")
    assert nadia.locator(".task .deadline-soon").count() >= 1
    arabic.picture("ar-desk")
    arabic.check()
    nadia.goto(dossier)
    Dossier(nadia).begin("answer")
    answer = Request(nadia)
    answer.wait_until_considered()
    answer.fill(code_extent="full", text=ANSWER)
    answer.tick("handling", "H1")
    arabic.picture("ar-answer")
    arabic.check()
    answer.send()
    nadia.wait_for_selector("ol.timeline")

    Dossier(claire).wait_for_act("reopen", dossier)
    text = claire.locator(".part-text[lang=ar] p").first
    assert text.get_attribute("dir") == "auto"
    assert text.locator("bdi[dir=ltr]").first.inner_text() == "+212 600 000 417"
    assert claire.locator(".timeline-good .mark", has_text="H1").count() >= 1
    french.picture("fr-dossier-answered")
    french.check()


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_every_place_in_arabic(nadia: Page, looking: Looking, width: int) -> None:
    looking.at_width(width)
    paths = [urlsplit(str(one.get_attribute("href"))).path for one in nadia.locator("nav.places a").all()]
    assert len(paths) >= 6
    for path in [*paths, "/dossiers/new/", "/partners/fr/"]:
        nadia.goto(path)
        settled(nadia)
        looking.picture(f"ar-{path.strip('/').replace('/', '-') or 'desk'}-{width}")
        looking.check()


def test_an_accord_and_a_subject_in_arabic(nadia: Page, nodes: Federation, looking: Looking) -> None:
    nadia.goto(f"/accords/{nodes.accord}/")
    looking.picture("ar-accord")
    looking.check()
    nadia.goto("/register/")
    nadia.click("table tbody a >> nth=0")
    nadia.wait_for_selector(".property")
    looking.picture("ar-subject")
    looking.check()


def test_the_auditor_verifies_the_logs(page: Page, looking: Looking) -> None:
    SignIn(page).sign_in("audit-ma", PASSWORD)
    page.goto("/audit/")
    looking.check()
    page.click(".page-acts button")
    page.wait_for_selector(".notice-good")
    looking.picture("ar-verified")
    looking.check()


def test_the_dossier_on_paper_spells_its_conditions_out(nadia: Page, looking: Looking) -> None:
    nadia.goto("/dossiers/?state=all")
    nadia.click("table tbody a >> nth=0")
    nadia.wait_for_selector("ol.timeline")
    nadia.emulate_media(media="print")
    assert not nadia.locator("nav.places").is_visible()
    assert nadia.locator(".conditions li").first.is_visible()
    looking.picture("ar-dossier-print")
