"""The pages through Django's client: who comes in, what is told, what is stored, what is not."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from tansiq.node.dossiers.models import Dossier, Draft
from tansiq.node.search.models import Search
from tansiq.node.web.pages.dossier import acts_shown
from tests.node.world import World, leaves_nothing, narrative
from tests.shared import ROOT

VIEWS = ROOT / "src/tansiq/node/web/views"
READING = (*["audit.Event", "sessions.Session"], "dossiers.Entry")
PAGES = [
    "/",
    "/search/",
    "/plans/",
    "/plans/new/",
    "/plans/conflicts/",
    "/plans/asked/",
    "/dossiers/",
    "/dossiers/new/",
    "/register/",
    "/register/duplicates/",
    "/partners/",
    "/accords/",
    "/audit/",
]
REQUEST: dict[str, Any] = {
    "do": "send",
    "partners": ["ma"],
    "question": "Est-il connu de vos services ?",
    "purpose": "investigation",
    "crime_area": "0601",
    "offence": "Importation de cocaïne.",
    "objective_reasons": "Une touche.",
    "link": "Il a loué le conteneur.",
    "use": "intelligence",
    "restrictions": "none",
    "name": "يوسف الزياني",
    "category": "suspect",
    "language": "fr",
    "level": "0",
    "title": "Conteneur",
    "reference": "PV 17/2026",
}


def signed_in(world: World, name: str, language: str = "en") -> Client:
    """A browser in which this officer has signed in."""
    officer = world.officer(name)
    officer.language = language
    officer.save()
    client = Client()
    client.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(response: Any) -> str:
    """What a reader reads, without marks of direction."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return " ".join(re.sub("[\u2066-\u2069]", "", plain).split())


# -- coming in -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a_visitor_is_asked_to_sign_in(world: World, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    part = Client().get(path, headers={"hx-request": "true"})
    assert part["HX-Redirect"] == "/accounts/login/"
    assert part.content == b""


@pytest.mark.parametrize("language", ["ar", "fr", "en", "it", "fa"])
def test_every_page_opens_in_every_language(world: World, language: str) -> None:
    accord = world.accord("ma")
    dossier = world.ask("ma")
    world.settle()
    client = signed_in(world, "liaison", language)
    direction = "rtl" if language in {"ar", "fa"} else "ltr"
    for path in [*PAGES[:-1], f"/dossiers/{dossier}/", f"/dossiers/{accord}/", f"/accords/{accord}/", "/partners/ma/"]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{language}" dir="{direction}">' in answer.content.decode()
        assert answer["Content-Language"] == language
        assert "no-store" in answer["Cache-Control"]
        assert "unsafe" not in answer["Content-Security-Policy"]


def test_there_is_no_way_to_sign_up_or_to_reset_a_password_by_mail() -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert not {"account_signup", "account_reset_password", "account_email"} & names


def test_the_password_opens_and_a_wrong_one_says_so(world: World) -> None:
    client = Client()
    wrong = client.post("/accounts/login/", {"login": "liaison", "password": "not it"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()
    right = client.post("/accounts/login/", {"login": "liaison", "password": "olive-lantern-42-river"})
    assert (right.status_code, right["Location"]) == (302, "/")


def test_five_wrong_passwords_lock_the_door(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AXES_ENABLED = True
    monkeypatch.setattr("axes.handlers.proxy.now", world.clock)  # it took the clock by name before the test stopped it
    settings.ACCOUNT_RATE_LIMITS = False
    client = Client()
    for _ in range(5):
        last = client.post("/accounts/login/", {"login": "liaison", "password": "not it"})
    assert last.status_code == 429
    locked = client.post("/accounts/login/", {"login": "liaison", "password": "olive-lantern-42-river"})
    assert locked.status_code == 429
    assert b"<h1>" in locked.content


# -- errors --------------------------------------------------------------------------------------------------------------


def test_not_there_and_not_allowed_are_the_same_page(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    stranger = signed_in(world, "stranger")
    there = stranger.get(f"/dossiers/{dossier}/")
    nowhere = stranger.get(f"/dossiers/{'0' * 64}/")
    assert there.status_code == nowhere.status_code == 404
    assert text_of(there).replace(dossier, "0" * 64) == text_of(nowhere)


def test_only_auditors_read_the_logs(world: World) -> None:
    assert signed_in(world, "liaison").get("/audit/").status_code == 403
    assert signed_in(world, "liaison").post("/audit/verify/").status_code == 403
    auditor = signed_in(world, "auditor")
    assert auditor.get("/audit/").status_code == 200
    world.settle()
    assert auditor.post("/audit/verify/").status_code == 200


def test_a_form_without_its_safety_mark_is_refused_in_words(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.officer("liaison"), backend="django.contrib.auth.backends.ModelBackend")
    with leaves_nothing():
        answer = client.post("/search/", {"names": "x"})
    assert answer.status_code == 403
    assert "safety mark" in text_of(answer)


def test_an_unknown_address_is_a_page_that_helps(world: World) -> None:
    answer = signed_in(world, "liaison", "ar").get("/nowhere/")
    assert answer.status_code == 404
    assert "ما يمكنك فعله الآن" in text_of(answer)


# -- the language --------------------------------------------------------------------------------------------------------


def test_the_language_is_kept_with_the_officer_and_never_leads_elsewhere(world: World) -> None:
    client = signed_in(world, "liaison")
    answer = client.post("/language/", {"language": "ar", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    assert world.officer("liaison").language == "ar"
    assert client.post("/language/", {"language": "xx"}).status_code == 400
    assert client.get("/language/").status_code == 405


# -- the guided request --------------------------------------------------------------------------------------------------


def test_an_incomplete_request_is_not_sent_and_everything_missing_is_told_at_once(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post("/dossiers/new/", {"do": "send", "partners": ["ma"], "language": "fr", "level": "0"})
    assert answer.status_code == 400
    form = answer.context["form"]
    asked = {"question", "purpose", "crime_area", "use", "restrictions", "offence", "objective_reasons"}
    assert asked <= set(form.errors)
    assert "Art. 4(3)" in str(form.errors["objective_reasons"])


def test_a_complete_request_is_signed_and_its_readers_were_told_before(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    with leaves_nothing():
        checked = client.post("/dossiers/new/", {**REQUEST, "do": "check"}, headers={"hx-request": "true"})
    assert "Who will be able to read this" in text_of(checked)
    assert "Permitted" in text_of(checked)
    answer = client.post("/dossiers/new/", REQUEST)
    dossier = Dossier.objects.get(kind="request")
    assert answer["Location"] == f"/dossiers/{dossier.dossier_id}/"
    world.settle()
    shown = client.get(answer["Location"])
    assert "يوسف الزياني" in text_of(shown)
    assert "Accepted, receipt signed" in text_of(shown)
    found = client.get("/dossiers/?reference=pv17-2026")
    assert "Conteneur" in text_of(found)


def test_a_request_above_the_ceiling_is_refused_with_the_clause_and_nothing_is_stored(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post("/dossiers/new/", {**REQUEST, "level": "2"})
    assert "Not permitted" in text_of(answer)
    assert "Art. 5" in text_of(answer)


def test_conditions_that_contradict_each_other_are_told_at_their_field(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post("/dossiers/new/", {**REQUEST, "handling": ["H0", "H2"]})
    assert answer.status_code == 400
    assert "handling" in answer.context["form"].errors


def test_h3_needs_its_words(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post("/dossiers/new/", {**REQUEST, "handling": ["H3"]})
    assert "handling_note" in answer.context["form"].errors


def test_two_partners_get_a_dossier_each_under_one_case(world: World) -> None:
    world.partner("it")
    world.accord("ma")
    world.accord("it")
    answer = signed_in(world, "liaison").post("/dossiers/new/", {**REQUEST, "partners": ["ma", "it"]})
    assert answer["Location"] == "/dossiers/"
    rows = Dossier.objects.filter(kind="request")
    assert sorted(row.participants for row in rows) == [["fr", "it"], ["fr", "ma"]]
    assert len({row.case_id for row in rows}) == 1
    assert rows[0].case_id


def test_a_protected_person_needs_an_approval_that_a_colleague_gives(world: World) -> None:
    world.accord("ma")
    author, boss = signed_in(world, "liaison"), signed_in(world, "boss")
    laid = author.post("/dossiers/new/", {**REQUEST, "flags": ["minor"]})
    draft = Draft.objects.get()
    assert laid["Location"] == f"/drafts/{draft.draft_id}/"
    assert "/approve/" not in author.get(laid["Location"]).content.decode()
    assert f'value="{draft.digest}"' in boss.get(laid["Location"]).content.decode()
    assert boss.post(f"{laid['Location']}approve/", {"digest": "0" * 64}).status_code == 409
    assert boss.post(f"{laid['Location']}approve/", {"digest": draft.digest}).status_code == 302
    sent = author.post(f"{laid['Location']}send/")
    assert sent["Location"].startswith("/dossiers/")


def test_the_form_is_prefilled_from_a_search_and_not_from_what_one_may_not_see(world: World) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    asked = {
        "names": "Youssef Ziani",
        "schema": "Person",
        "purpose": "prevention",
        "reference": "A/1",
        "partners": ["ma"],
    }
    made = client.post("/search/", asked)
    search = Search.objects.get()
    assert made["Location"] == f"/search/{search.search_id}/"
    form = client.get(f"/dossiers/new/?to=ma&search={search.search_id}").context["form"]
    assert (form.initial["name"], form.initial["purpose"], form.initial["partners"]) == (
        "Youssef Ziani",
        "prevention",
        ["ma"],
    )
    other = signed_in(world, "second").get(f"/dossiers/new/?search={search.search_id}")
    assert other.status_code == 200
    assert "Ziani" not in text_of(other)


# -- acts in a dossier ---------------------------------------------------------------------------------------------------


def test_the_dossier_offers_exactly_what_is_permitted_and_an_act_is_done(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    client, page = signed_in(world, "liaison"), f"/dossiers/{asked.entry_id}/"
    shown = client.get(page).content.decode()
    assert f"{page}acts/answer/" in shown
    assert f"{page}acts/withdraw/" not in shown
    assert client.get(f"{page}acts/withdraw/").status_code == 400
    told = {"do": "send", "code_extent": "full", "text": "معروف.", "language": "ar", "level": "0", "handling": ["H1"]}
    answered = client.post(f"{page}acts/answer/", told)
    assert answered["Location"] == page
    world.settle()
    assert ma.dossiers[asked.entry_id].phase == "answered"
    assert "not to be used in judicial proceedings" in text_of(client.get(page)).lower()


def test_an_act_that_must_be_explained_is_not_done_without_words(world: World) -> None:
    accord = world.accord("ma")
    asked = world.asked_by(world.fars["ma"], accord=accord)
    world.arrive(world.fars["ma"], asked)
    world.settle()
    page = f"/dossiers/{asked.entry_id}/acts/ask_clarification/"
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post(page, {"do": "send", "text": " ", "language": "fr", "level": "0"})
    assert answer.status_code == 400
    assert "text" in answer.context["form"].errors


def test_every_act_of_every_kind_has_a_form(world: World) -> None:
    from tansiq.engine.kinds.registry import kind, kinds
    from tansiq.node.web.forms.act import ActForm

    world.accord("ma")
    for name, version in kinds():
        rules = kind(name, version)
        for act, spec in rules.acts.items():
            if not spec.opening and not spec.machine:
                form = ActForm(rules, act, {"dossier": "0" * 64, "entries": [], "due_at": None})
                offered = {key.removeprefix("code_") for key in form.code_fields}
                offered |= {"entry"} if "part" in offered else set()  # a part is chosen with its entry
                needed = {code for code, field in spec.codes.model_fields.items() if field.is_required()}
                assert needed <= offered, (name, act)


def test_notes_and_references_are_kept_here(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    client = signed_in(world, "liaison")
    client.post(f"/dossiers/{dossier}/notes/", {"text": "Rappeler le +212 661 23 45 67"})
    client.post(f"/dossiers/{dossier}/references/", {"whose": "prosecutor", "value": "PRQ 26/99"})
    shown = client.get(f"/dossiers/{dossier}/").content.decode()
    assert '<bdi dir="ltr">+212 661 23 45 67</bdi>' in shown
    assert "PRQ 26/99" in shown
    stranger = signed_in(world, "stranger")
    with leaves_nothing():
        assert stranger.post(f"/dossiers/{dossier}/notes/", {"text": "x"}).status_code == 404


def test_foreign_text_cannot_become_markup(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    parts = world.asked_by(ma, accord=accord).parts
    bad = '<img src=x onerror="alert(1)"> \u202eevil'
    asked = world.asked_by(ma, accord=accord, parts=(*(p.part for p in parts if p), narrative("offence", bad)))
    world.arrive(ma, asked)
    world.settle()
    shown = signed_in(world, "liaison").get(f"/dossiers/{asked.entry_id}/").content.decode()
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown


# -- the desk and the others ---------------------------------------------------------------------------------------------


def test_a_task_is_taken_given_back_and_done(world: World) -> None:
    accord = world.accord("ma")
    asked = world.asked_by(world.fars["ma"], accord=accord)
    world.arrive(world.fars["ma"], asked)
    world.settle()
    client, second = signed_in(world, "liaison"), signed_in(world, "second")
    key = f"entry/{asked.entry_id}"
    client.post("/desk/take/", {"key": key})
    assert "Taken by you" in text_of(client.get("/"))
    assert second.post("/desk/take/", {"key": key}).status_code == 409
    client.post("/desk/give-back/", {"key": key})
    second.post("/desk/take/", {"key": key})
    assert second.post("/desk/done/", {"key": key}).status_code == 302


def test_a_passed_deadline_stands_above_every_page(world: World) -> None:
    accord = world.accord("ma")
    asked = world.asked_by(world.fars["ma"], accord=accord)
    world.arrive(world.fars["ma"], asked)
    world.settle()
    client = signed_in(world, "liaison")
    assert "deadline has passed" not in text_of(client.get("/partners/"))
    world.later(hours=9)
    assert "1 deadline has passed" in text_of(client.get("/partners/"))


def test_an_accord_is_ratified_on_its_page(world: World) -> None:
    from tansiq.engine.accords.terms import read_terms
    from tansiq.engine.dossiers.entries import Part
    from tests.node.world import TERMS

    ma = world.fars["ma"]
    terms = read_terms({**TERMS, "parties": ["fr", "ma"]})
    proposed = ma.open(
        "accord", ["fr"], world.now, codes={"terms": terms.digest}, parts=(Part(type="terms", content=terms.to_json()),)
    )
    world.arrive(ma, proposed)
    page = f"/accords/{proposed.entry_id}/"
    assert "/ratify/" not in signed_in(world, "liaison").get(page).content.decode()
    boss = signed_in(world, "boss")
    assert "/ratify/" in boss.get(page).content.decode()
    assert boss.post(f"{page}ratify/").status_code == 302
    assert "ratified" in text_of(boss.get(page))


def test_lists_do_not_ask_the_store_more_for_more_rows(world: World, django_assert_max_num_queries: Any) -> None:
    world.accord("ma")
    client = signed_in(world, "liaison")
    for path, most in (("/", 25), ("/dossiers/", 25), ("/register/", 25), ("/partners/", 31)):
        client.get(path)
        with django_assert_max_num_queries(most):
            client.get(path)
    for _ in range(6):
        world.ask("ma")
    with django_assert_max_num_queries(24):
        client.get("/dossiers/")


# -- the source ----------------------------------------------------------------------------------------------------------


def test_a_view_parses_calls_renders_and_is_short() -> None:
    for path in VIEWS.glob("*.py"):
        if path.stem == "styleguide":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 27, f"{path.name}: {node.name}"


def test_every_address_has_a_name_that_finds_its_place_in_the_navigation() -> None:
    from tansiq.node.web.urls import urlpatterns

    places = {
        "desk",
        "search",
        "dossiers",
        "register",
        "partners",
        "accords",
        "audit",
        "language",
        "writing",
        "sessions",
        "statistics",
        "styleguide",
        "channels",
        "alerts",
        "reports",
        "plans",
        "rights",
        "people",
        "help",
    }
    for pattern in urlpatterns:
        assert str(pattern.name).partition("_")[0] in places
    assert reverse("desk") == "/"


def test_the_conditions_beside_a_dossier_are_those_of_its_content_and_not_of_a_receipt(world: World) -> None:
    """A machine's receipt carries nothing; what it follows is kept under its conditions all the same."""
    ma = world.fars["ma"]
    accord = world.accord("ma")
    parts = [salted.part for salted in world.asked_by(ma, accord=accord).parts if salted]
    told = [replace(part, marking=replace(part.marking, handling=frozenset({"H1"}))) for part in parts]
    asked = world.asked_by(ma, accord=accord, parts=tuple(told))
    world.arrive(ma, asked)
    world.settle()
    page = signed_in(world, "liaison").get(f"/dossiers/{asked.entry_id}/").content.decode()
    beside = page.partition('id="conditions"')[2].partition("</section>")[0]
    assert "H1" in beside


def test_the_button_that_stands_out_is_what_is_waited_for_and_never_what_takes_back() -> None:
    shown = [one["act"] for one in acts_shown("request", ["state_access", "refuse", "answer", "assign"], ["liaison"])]
    assert shown == ["answer", "state_access", "assign", "refuse"]
    own = acts_shown("request", ["withdraw", "remind"], ["liaison"])
    assert [(one["act"], one["is_grave"]) for one in own] == [("remind", False), ("withdraw", True)]


# -- how dates are written ---------------------------------------------------------------------------------------------


def test_an_officer_chooses_calendar_digits_and_zone_and_every_page_follows(world: World) -> None:
    client = signed_in(world, "liaison", "fa")
    told = {"calendar": "solar", "digits": "arabext", "time_zone": "Asia/Tehran"}
    done = client.post("/writing/", told, follow=True)
    assert done.status_code == 200
    page = text_of(client.get("/"))
    assert "ه‍.ش." in page
    assert "UTC+3:30" in page
    assert re.search("[۰-۹]{2}:[۰-۹]{2}", page)
    for name, wrong in {"calendar": "julian", "digits": "roman", "time_zone": "Mars/Olympus"}.items():
        assert client.post("/writing/", {**told, name: wrong}).status_code == 400
    assert world.officer("liaison").digits == "arabext"


def test_whether_something_may_be_sent_is_answered_before_it_is_written(world: World) -> None:
    world.partner("ma")
    stop = {"clause": "Art. 9", "issue": "death_penalty", "acts": [], "states": ["ma"], "outcome": "stop"}
    world.accord("ma", human_rights=[stop])
    asked = {"kind": "report", "purpose": "investigation", "crime_area": "0601", "level": "0", "category": "suspect"}
    client = signed_in(world, "liaison")

    def told(**changed: Any) -> str:
        return text_of(client.get("/partners/ma/", {**asked, **changed}))

    before = Draft.objects.count(), Dossier.objects.count()
    assert "Yes. Who will be able" in told()
    assert "Yes, once it is approved." in told(category="victim")
    assert "No. " in told(category="information_provider")
    assert "No. " in told(level="3")
    assert "No. " in told(issues="death_penalty")
    assert "Art. 9" in told(issues="death_penalty")
    assert "No. " in told(kind="channel")
    assert "things to put right" in told(purpose="", crime_area="")
    assert (Draft.objects.count(), Dossier.objects.count()) == before
