"""Messages of other channels: registered here alone, sent to nobody, matched like what a partner sends, answered on paper."""

from __future__ import annotations

from typing import Any

import pytest

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.desk.models import Task
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier
from tansiq.node.exchange.models import Item
from tansiq.node.flows import act as flow
from tansiq.node.flows.intents import Intent
from tansiq.node.partners import actions as partners
from tansiq.node.partners.models import Correspondent
from tansiq.node.register.models import Subject
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, narrative, subject

pytestmark = pytest.mark.django_db(transaction=True)

PARTY = "ext:es-fiscalia-cadiz"
CODES = {
    "direction": "incoming",
    "channel": "paper",
    "dated": "2026-11-20",
    "purpose": "investigation",
    "due": "2026-11-29T09:00:00.000Z",
}


@pytest.fixture
def office(empty_world: World) -> World:
    """This node, and one correspondent in Spain."""
    partners.keep_correspondent(
        PARTY, name="Fiscalía de Cádiz", state="ES", channel="paper", actor="x", now=empty_world.now
    )
    return empty_world


def message(**changed: Any) -> Intent:
    told: dict[str, Any] = {
        "participants": (PARTY,),
        "codes": dict(CODES),
        "parts": (narrative("message", "¿Conocen a esta persona?"), subject("Samir Talbi")),
        "title": "Carta de Cádiz",
        "their_reference": "DP 118/2026",
    }
    return Intent(kind="correspondence", act="enter", **(told | changed))


def enter(office: World, **changed: Any) -> str:
    return str(flow.act(office.officer("liaison"), message(**changed), now=office.now).dossier_id)


def test_it_is_signed_here_and_owed_to_nobody(office: World) -> None:
    dossier = enter(office)
    office.work()
    assert Dossier.objects.get(pk=dossier).participants == [PARTY, "fr"]
    assert not Item.objects.exists()
    found = queries.dossiers_for(office.officer("liaison"), reference="dp 118 2026")
    assert [row.dossier_id for row in found] == [dossier]
    assert Task.objects.filter(kind="deadline", link=f"/dossiers/{dossier}").exists()


def test_its_subjects_are_received_ones(office: World) -> None:
    from tansiq.node.register.actions import add_subject

    add_subject(
        office.officer("liaison"),
        {"schema": "Person", "properties": {"name": ["سمير الطالبي"], "birthDate": ["1984-03-17"]}},
        circle="unit:ops",
        discoverability="hit",
        now=office.now,
    )
    enter(office)
    office.work()
    stored = Subject.objects.get(origin="received")
    assert stored.owner == PARTY
    assert Task.objects.filter(kind="match").exists()


def test_what_we_write_ourselves_is_not(office: World) -> None:
    enter(office, codes={**CODES, "direction": "outgoing"})
    office.work()
    assert not Subject.objects.exists()


def test_a_letter_is_written_noted_as_sent_and_the_deadline_ends(office: World) -> None:
    dossier = enter(office)
    letter = office.act("liaison", "correspondence", "letter", dossier, parts=(narrative("letter", "Oui."),))
    sent = {"letter": letter.entry_id, "channel": "diplomatic", "sent_on": "2026-11-22"}
    office.act("liaison", "correspondence", "mark_sent", dossier, codes=sent, parts=(narrative("evidence", "RR 123"),))
    office.work()
    assert Dossier.objects.get(pk=dossier).phase == "answered"
    assert not Task.objects.filter(kind="deadline", state="open").exists()
    assert not Item.objects.exists()


def test_conditions_are_enforced_by_the_rule_of_local_registration(office: World) -> None:
    from tansiq.engine.accords.markings import Marking

    high = narrative("message", "secreto", marking=Marking(level=2))
    with pytest.raises(Refused, match=r"decide[.]level_above_ceiling") as caught:
        enter(office, parts=(high,))
    assert caught.value.facts["clause"] == "local_registration"


def test_what_they_said_is_theirs_when_it_is_quoted_to_a_partner(office: World) -> None:
    from tansiq.engine.accords.markings import Marking
    from tansiq.engine.dossiers.parts import SourceRef

    office.partner("ma")
    office.accord("ma")
    dossier = enter(office, parts=(narrative("message", "…", marking=Marking(handling=frozenset({"H2"}))),))
    row = queries.entry_by_id(dossier)
    assert row is not None
    assert queries.provider_of(row) == PARTY
    source = SourceRef(dossier, queries.signed_entry(row).header.parts[0].commitment)
    quoted = Part(
        type="narrative",
        language="fr",
        content={"topic": "clarification", "text": "…"},
        marking=Marking(handling=frozenset({"H2"})),
        sources=(source,),
    )
    request = office.ask("ma")
    with pytest.raises(Refused, match=r"decide[.]onward_consent"):
        office.act("liaison", "request", "remind", request, parts=(quoted,))


@pytest.mark.parametrize(
    ("participants", "code"),
    [
        (("ma",), "partner.unknown_correspondent"),
        (("ext:es-nobody",), "partner.unknown_correspondent"),
        ((PARTY, "ext:de-bka"), "intent.one_correspondent"),
        ((), "intent.no_recipient"),
    ],
)
def test_the_other_party_is_one_correspondent_of_the_list(
    office: World, participants: tuple[str, ...], code: str
) -> None:
    with pytest.raises(Rejected) as caught:
        enter(office, participants=participants)
    assert caught.value.code == code


def test_no_other_kind_goes_to_a_correspondent(office: World) -> None:
    from tests.node.world import request

    with pytest.raises(Rejected, match=r"partner[.]unknown"):
        flow.act(office.officer("liaison"), request(PARTY), now=office.now)


def test_a_partner_cannot_plant_one(office: World) -> None:
    far = office.partner("ma")
    opening = far.open("correspondence", (PARTY,), office.now, codes=CODES, parts=(narrative("message"),))
    office.arrive(far, opening)
    assert not Dossier.objects.exists()


def test_it_may_become_a_dossier_with_the_partner_once_there_is_a_node(office: World) -> None:
    dossier = enter(office)
    office.partner("es")
    office.accord("es")
    after = office.ask("es", cites=dossier)
    header = queries.load_header(after)
    assert header is not None
    assert header.opening is not None
    assert header.opening.cites == dossier


# -- the list and the pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"party": "es-fiscalia"}, "partner.correspondent_id"),
        ({"party": "ext:"}, "partner.correspondent_id"),
        ({"name": "  "}, "partner.correspondent_name"),
        ({"state": "FR"}, "partner.correspondent_state"),
        ({"channel": "pigeon"}, "codes.unknown_code"),
    ],
)
def test_a_wrong_correspondent_is_told_where(empty_world: World, told: dict[str, str], code: str) -> None:
    right = {"party": PARTY, "name": "Fiscalía", "state": "ES", "channel": "paper"}
    with pytest.raises(Rejected) as caught:
        partners.keep_correspondent(**(right | told), actor="x", now=empty_world.now)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert not Correspondent.objects.exists()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_a_message_is_registered_by_its_page(empty_world: World, language: str) -> None:
    client = signed_in(empty_world, "liaison", language)
    told = {"name": "Fiscalía de Cádiz", "state": "es", "channel": "siena", "is_active": "on"}
    assert client.post("/partners/correspondents/", told).status_code == 302
    party = Correspondent.objects.get().party
    assert party == "ext:es-fiscalia-de-cadiz"
    page = client.get(f"/dossiers/new/correspondence/?to={party}")
    assert page.status_code == 200
    assert 'value="siena" selected' in page.content.decode()
    form = {
        "do": "send",
        "partners": party,
        "blocks": "narrative/message",
        "b0_text": "¿Conocen a esta persona?",
        "code_direction": "incoming",
        "code_channel": "siena",
        "code_dated": "2026-11-20",
        "code_purpose": "investigation",
        "code_due": "2026-11-29T10:00",
        "their_reference": "DP 118/2026",
        "language": "es",
        "level": "0",
        "title": "Carta",
    }
    answer = client.post("/dossiers/new/correspondence/", form)
    assert answer.status_code == 302, text_of(answer)
    dossier = Dossier.objects.get()
    shown = client.get(f"/dossiers/{dossier.dossier_id}/")
    assert "Fiscalía de Cádiz" in shown.content.decode()
    assert "DP 118/2026" in shown.content.decode()
    assert client.get("/dossiers/?kind=correspondence").status_code == 200
    assert client.get("/").status_code == 200
