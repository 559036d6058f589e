"""The pages beside the story, with something on each where that is cheap: in Arabic and French, narrow and wide."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page

from tansiq.demo.browser import Person
from tansiq.demo.chapters.alerts import in_days
from tansiq.demo.nodes import wait_for
from tansiq.demo.steps import ask, dossier_of
from tests.browser.ground import PASSWORD, Federation
from tests.browser.looking import NARROW, WIDE, Looking
from tests.browser.pages import Search, SignIn, settled

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LIST = "Ref;Name;Born\n1;يوسف بن حمو الزياني;17/03/1984\n2;Nadia Example;no day\n".encode()
NAMES = "1\tيوسف بن حمو الزياني\t1984-03-17\n2\tNobody Whosoever\t1950-01-01\n".encode()
EMPTY = [
    "/overdue/?state=all",
    "/duty/",
    "/channels/",
    "/dossiers/new/channel/",
    "/dossiers/?kind=correspondence",
    "/partners/correspondents/",
    "/register/review/",
    "/register/imports/",
    "/register/duplicates/",
    "/search/lists/",
    "/copies/",
]
LANGUAGES = ["ar", "fr"]


@pytest.fixture(scope="module")
def held(nodes: Federation) -> list[str]:
    """What an officer in Rabat finds: a request that is owed an answer, an exercise, a letter from outside, a list looked at, one screened."""
    nadia = Person(nodes.ma.url, "nadia", PASSWORD)
    ask(nadia, "fr")
    exercise = ask(nadia, "fr", exercise="on")
    party, letter = _letter(nadia)
    order = _brought(nadia)
    return [
        f"/dossiers/{exercise}/",
        f"/dossiers/{exercise}/print/",
        f"/dossiers/new/correspondence/?to={party}",
        f"/dossiers/{letter}/",
        order,
        _screened(nadia),
        *EMPTY,
    ]


def _letter(person: Person) -> tuple[str, str]:
    """A correspondent in Spain, and a message of theirs; its party and its dossier."""
    page = person.open("/partners/correspondents/")
    form = page.form("/partners/correspondents/", having="name")
    page = person.send(page, form, name="Fiscalía de Cádiz", state="es", channel="siena")
    party = "ext:es-fiscalia-de-cadiz"
    page = person.open(f"/dossiers/new/correspondence/?to={party}")
    done = person.send(
        page,
        page.form("/dossiers/new/correspondence/", having="code_dated"),
        b0_text="¿Conocen a esta persona?",
        code_direction="incoming",
        code_dated=f"{datetime.now(UTC):%Y-%m-%d}",
        code_purpose="investigation",
        code_due=in_days(3),
        their_reference="DP 118/2026",
        language="es",
        title="رسالة من قادس",
        do="send",
    )
    return party, dossier_of(done)


def _brought(person: Person) -> str:
    """A CSV whose columns are not explained yet; the address of its page."""
    page = person.open("/register/imports/")
    form = page.form("/register/imports/", having="list_key")
    done = person.send(page, form, files={"file": ("قائمة.csv", LIST)}, list_key="invented", name="قائمة")
    address = done.url.removeprefix(person.url)
    wait_for("the columns", lambda: "column-0" in _fields(person, address))
    return address


def _fields(person: Person, address: str) -> set[str]:
    return {name for form in person.open(address).forms for name in form.names}


def _screened(person: Person) -> str:
    page = person.open("/search/lists/")
    form = page.form("/search/lists/", having="list")
    told = {"purpose": "investigation", "reference": "م 2026/9"}
    done = person.send(page, form, files={"list": ("أسماء.tsv", NAMES)}, **told)
    return done.url.removeprefix(person.url)


def look(page: Page, looking: Looking, paths: list[str], language: str) -> list[str]:
    """Look at every page in both widths; returns what was found wrong, so that one run tells everything."""
    found = []
    for path in paths:
        for width in (NARROW, WIDE):
            looking.at_width(width)
            page.goto(path)
            settled(page)
            called = path.split("?")[0].strip("/").replace("/", "-")
            looking.picture(f"{language}-{called[:12]}-{called[-24:]}-{width}")
            found += [f"{path} at {width}: {one}" for one in (*looking.sticking_out(), *looking.axe_findings())]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_other_page_of_a_liaison_officer(page: Page, looking: Looking, held: list[str], language: str) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    SignIn(page).choose_language(language)
    try:
        assert look(page, looking, held, language) == []
        page.goto(held[0])
        assert page.locator("aside.exercise").is_visible()
    finally:
        SignIn(page).choose_language("ar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_whoever_protects_data(page: Page, looking: Looking, language: str) -> None:
    SignIn(page).sign_in("audit-ma", PASSWORD)
    SignIn(page).choose_language(language)
    try:
        assert look(page, looking, ["/quarantine", "/reviews/"], language) == []
    finally:
        SignIn(page).choose_language("ar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_is_opened_by_a_key_beside_every_page_and_read_as_a_whole(
    page: Page, looking: Looking, language: str
) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    SignIn(page).choose_language(language)
    try:
        for width in (NARROW, WIDE):
            looking.at_width(width)
            page.goto("/search/")
            settled(page)
            page.locator(".guide > summary").focus()
            page.keyboard.press("Enter")
            assert page.locator(".guide ol").is_visible()
            looking.picture(f"{language}-help-{width}")
            looking.check()
        page.click(".guide a")
        settled(page)
        assert page.url.endswith("/help/#search")
        looking.check()
    finally:
        SignIn(page).choose_language("ar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_whoever_administers(page: Page, looking: Looking, language: str) -> None:
    SignIn(page).sign_in("admin-ma", PASSWORD)
    SignIn(page).choose_language(language)
    try:
        page.goto("/people/?q=nadia")
        leaving = str(page.locator("tbody a.btn").get_attribute("href"))
        assert look(page, looking, ["/people/", leaving], language) == []
        page.click("form .btn-primary")
        settled(page)
        looking.check()
        assert page.locator(".field-error").first.is_visible(), "it must be meant"
    finally:
        SignIn(page).choose_language("ar")


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_a_search_each_side_is_told_what_it_will_learn_and_after_it_why_it_hit(
    page: Page, looking: Looking, language: str
) -> None:
    SignIn(page).sign_in("nadia", PASSWORD)
    SignIn(page).choose_language(language)
    try:
        for width in (NARROW, WIDE):
            looking.at_width(width)
            page.goto("/search/")
            page.fill("[name=names]", "يوسف الزياني")
            page.fill("[name=birth_date]", "1984-03-17")
            page.select_option("[name=purpose]", "investigation")
            page.fill("[name=reference]", "م 2026/9")
            page.check("[name=partners][value=fr]")
            page.click("button[name=do][value=check]")
            page.wait_for_selector("#considered .hits li")
            looking.picture(f"{language}-search-considered-{width}")
            looking.check()
        page.click("form .form-acts .btn-primary")
        Search(page).wait_for_answers()
        while (closed := page.locator("main details:not([open]) > summary:visible")).count():
            closed.first.click()
        for width in (NARROW, WIDE):
            looking.at_width(width).picture(f"{language}-search-result-{width}")
            looking.check()
    finally:
        SignIn(page).choose_language("ar")
