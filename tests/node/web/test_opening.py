"""The guided opening of any kind, played with a report: several recipients, graded parts, drafts, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tansiq.node.dossiers.models import Dossier, Draft
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing

ADDRESS = "/dossiers/new/report/"
REPORT: dict[str, Any] = {
    "do": "send",
    "partners": ["it", "ma"],
    "code_purpose": "investigation",
    "code_crime_area": "0601",
    "blocks": "narrative narrative subject/Vessel",
    "b0_text": "Un cargo quittera Tanger le 3 décembre.",
    "b0_grade_source": "4x4:B",
    "b0_grade_information": "4x4:2",
    "b1_text": "Le capitaine serait payé en espèces.",
    "b1_grade_source": "6x6:C",
    "b1_grade_information": "6x6:3",
    "b2_name": "Stella del Mattino",
    "b2_imoNumber": "9074729",
    "b2_flag": "it",
    "b2_grade_source": "4x4:A",
    "b2_grade_information": "4x4:1",
    "language": "fr",
    "level": "0",
    "handling": ["H1"],
    "title": "Cargo de Tanger",
}


@pytest.fixture
def three(world: World) -> str:
    world.partner("it")
    return world.accord("it", "ma")


def sent(world: World) -> Dossier:
    """The report as it was sent."""
    answer = signed_in(world, "liaison").post(ADDRESS, REPORT)
    assert answer.status_code == 302, text_of(answer)
    return Dossier.objects.get(kind="report")


def test_a_report_goes_to_several_in_one_dossier_with_each_part_graded(world: World, three: str) -> None:
    dossier = sent(world)
    assert dossier.participants == ["fr", "it", "ma"]
    assert dossier.accord == three
    world.settle()
    for far in ("it", "ma"):
        (entry,) = world.fars[far].dossiers[dossier.dossier_id].entries.values()
        grades = [p.part.grading for p in entry.parts if p]
        assert [(g.scheme, g.source, g.information) for g in grades if g] == [
            ("4x4", "B", "2"),
            ("6x6", "C", "3"),
            ("4x4", "A", "1"),
        ]


def test_all_parties_of_an_accord_are_one_choice(world: World, three: str) -> None:
    answer = signed_in(world, "liaison").post(ADDRESS, {**REPORT, "partners": [], "accord": three})
    assert answer.status_code == 302, text_of(answer)
    assert Dossier.objects.get(kind="report").participants == ["fr", "it", "ma"]


def test_who_will_read_it_is_said_before_it_is_signed(world: World, three: str) -> None:
    client = signed_in(world, "liaison")
    with leaves_nothing():
        page = client.post(ADDRESS, {**REPORT, "do": "check"}, headers={"hx-request": "true"})
    assert "it" in text_of(page)
    assert "Permitted" in text_of(page)
    assert "Who will be able to read this" in text_of(page)


def test_a_part_is_added_and_left_out_without_losing_what_was_written(world: World, three: str) -> None:
    client = signed_in(world, "liaison")
    with leaves_nothing():
        more = client.post(ADDRESS, {**REPORT, "do": "add:subject/Person"})
    assert more.status_code == 200
    body = more.content.decode()
    assert 'name="b3_category"' in body
    assert "Stella del Mattino" in body
    assert "error-summary" not in body
    less = client.post(ADDRESS, {**REPORT, "do": "drop:1"}).content.decode()
    assert 'name="b1_text"' not in less
    assert 'value="narrative - subject/Vessel"' in less
    assert 'name="b2_name"' in less


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"b0_grade_source": ""}, "b0_grade_source"),
        ({"b0_grade_source": "6x6:A"}, "b0_grade_information"),
        ({"b0_text": "", "b1_text": ""}, "b0_text"),
        ({"code_purpose": ""}, "code_purpose"),
        ({"code_purpose": "revenge"}, "code_purpose"),
        ({"partners": []}, "partners"),
        ({"partners": ["xx"]}, "partners"),
        ({"blocks": "narrative subject/Person", "b1_name": "Karim"}, "b1_category"),
        ({"handling": ["H3"]}, "handling_note"),
        ({"blocks": "narrative location", "b1_latitude": "35.7"}, "b1_longitude"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(
    world: World, three: str, changed: dict[str, Any], field: str
) -> None:
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post(ADDRESS, {**REPORT, **changed})
    assert answer.status_code == 400
    assert field in answer.context["form"].errors, answer.context["form"].errors


def test_the_person_who_told_us_is_no_subject(world: World, three: str) -> None:
    told = {"blocks": "narrative subject/Person", "b1_name": "Karim", "b1_category": "information_provider"}
    graded = {"b1_grade_source": "4x4:A", "b1_grade_information": "4x4:1"}
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post(ADDRESS, {**REPORT, **told, **graded})
    assert answer.status_code == 400
    assert not Dossier.objects.filter(kind="report").exists()


def test_invented_blocks_make_no_fields(world: World, three: str) -> None:
    odd = {**REPORT, "do": "check", "blocks": "narrative subject/Nothing question/x terms " + "narrative " * 90}
    body = signed_in(world, "liaison").post(ADDRESS, odd).content.decode()
    assert "subject/Nothing" not in body
    assert "b39_text" in body
    assert "b40_text" not in body


def test_a_draft_is_kept_written_on_and_sent(world: World, three: str) -> None:
    client = signed_in(world, "liaison")
    kept = client.post(ADDRESS, {**REPORT, "do": "keep"})
    draft = Draft.objects.get()
    assert kept["Location"] == f"/drafts/{draft.draft_id}/"
    assert not Dossier.objects.filter(kind="report").exists()
    address = f"{ADDRESS}?draft={draft.draft_id}"
    assert address in client.get(kept["Location"]).content.decode()
    again = client.get(address).content.decode()
    assert "Le capitaine serait payé" in again
    assert "Stella del Mattino" in again
    assert 'value="6x6:C" selected' in again
    changed = client.post(address, {**REPORT, "b1_text": "Le capitaine serait payé en or.", "do": "send"})
    dossier = Dossier.objects.get(kind="report")
    assert changed["Location"] == f"/dossiers/{dossier.dossier_id}/"
    draft.refresh_from_db()
    assert draft.state == Draft.SENT
    assert "en or" in text_of(client.get(changed["Location"]))


def test_the_draft_of_another_is_not_written_on(world: World, three: str) -> None:
    signed_in(world, "liaison").post(ADDRESS, {**REPORT, "do": "keep"})
    draft = Draft.objects.get()
    assert signed_in(world, "second").get(f"{ADDRESS}?draft={draft.draft_id}").status_code == 404
    assert signed_in(world, "stranger").get(f"{ADDRESS}?draft={draft.draft_id}").status_code == 404


def test_kinds_that_no_form_opens(world: World) -> None:
    client = signed_in(world, "liaison")
    assert client.get("/dossiers/new/accord/").status_code == 404
    assert client.get("/dossiers/new/nothing/").status_code == 404
    assert client.get("/dossiers/new/request/?to=ma")["Location"] == "/dossiers/new/?to=ma"
    assert signed_in(world, "auditor").post(ADDRESS, REPORT).status_code in (400, 403)


# -- changing it afterwards ----------------------------------------------------------------------------------------------


def choices(body: str, name: str) -> list[tuple[str, str]]:
    """The values and words of a select."""
    (inside,) = re.findall(rf'<select name="{name}".*?</select>', body, re.S)
    return re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)', inside)


def test_a_part_is_chosen_by_its_words_corrected_and_recalled(world: World, three: str) -> None:
    dossier = sent(world)
    client = signed_in(world, "liaison")
    page = client.get(f"/dossiers/{dossier.dossier_id}/acts/correct/").content.decode()
    offered = {label: value for value, label in choices(page, "code_part") if value}
    assert len(offered) == 3
    wrong = next(value for label, value in offered.items() if "espèces" in label)
    corrected = client.post(
        f"/dossiers/{dossier.dossier_id}/acts/correct/",
        {
            "do": "send",
            "code_part": wrong,
            "code_due": "2026-12-01T12:00",
            "blocks": "narrative",
            "b0_text": "Il serait payé par virement.",
            "b0_grade_source": "6x6:B",
            "b0_grade_information": "6x6:2",
            "language": "fr",
            "level": "0",
        },
    )
    assert corrected.status_code == 302, text_of(corrected)
    world.settle()
    held = world.fars["it"].dossiers[dossier.dossier_id]
    (correction,) = [one for one in held.headers.values() if one.act == "correct"]
    assert f"{correction.codes['entry']}/{correction.codes['part']}" == wrong
    assert held.folded is not None
    assert held.folded.state.writes("owed:it")


def test_only_ones_own_parts_are_offered(world: World, three: str) -> None:
    dossier = sent(world)
    world.settle()
    client = signed_in(world, "liaison")
    page = client.get(f"/dossiers/{dossier.dossier_id}/acts/ask_lift/").content.decode()
    assert not [value for value, _label in choices(page, "code_part") if value]


def test_blocks_of_one_kind_are_told_apart_by_their_headings(world: World, three: str) -> None:
    page = signed_in(world, "liaison").post(ADDRESS, {**REPORT, "do": "check"}).content.decode()
    for place, heading in enumerate(("Narrative 1", "Narrative 2", "Vessel")):
        assert f'aria-labelledby="b{place}"' in page
        assert f'id="b{place}">{heading}<' in page
