"""A breach of personal data: written down, told within 72 hours, told to each partner by a signed act, followed, closed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import Task
from tansiq.node.dossiers.models import Draft
from tansiq.node.flows import act as flow
from tansiq.node.flows import breaches, handed_drafts
from tansiq.node.rights import breaches as rights
from tansiq.node.rights import queries
from tansiq.node.rights.models import Breach, Notice
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World

HAPPENED = "A laptop with exports was lost at a station."


def told_of(world: World, **changed: Any) -> rights.Told:
    known = world.now - timedelta(hours=2)
    told = rights.Told(
        ("confidentiality",), "risk", HAPPENED, "Somebody may read them.", "Access revoked.", known, persons=12
    )
    return replace(told, **changed)


def opened(world: World, **changed: Any) -> Breach:
    return rights.open_breach(world.officer("dpo"), told_of(world, **changed), now=world.now)


def notified(world: World, breach: Breach, *to: str) -> list[str]:
    return breaches.notify(
        world.officer("dpo"), str(breach.pk), to=to, circle="unit:ops", words="Your request 7.", now=world.now
    )


def stages(breach: Breach) -> dict[str, str]:
    return {one.notice.partner: one.stage for one in breaches.followed(breach)}


def test_the_72_hours_run_from_when_it_was_known_and_every_data_protection_officer_is_told(world: World) -> None:
    breach = opened(world)
    assert breach.due_at == breach.known_at + timedelta(hours=72)
    task = Task.objects.get(key__startswith="breach/")
    assert (task.owner, task.due_at, task.urgent) == (world.officer("dpo").reference, breach.due_at, True)
    late = breach.due_at + timedelta(hours=1)
    done = rights.note_supervisor(world.officer("dpo"), breach.pk, at=late, note="By portal; the week-end.", now=late)
    assert done.supervisor_at == late
    noted = str(Event.objects.filter(event="rights.breach_supervisor").values().get())
    assert re.search(r"is_late\W+true", noted, re.IGNORECASE)
    assert HAPPENED not in str(list(Event.objects.values()))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"natures": ()}, "rights.breach_natures"),
        ({"natures": ("secrecy",)}, "rights.breach_natures"),
        ({"risk": "some"}, "rights.breach_risk"),
        ({"happened": " "}, "rights.text"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_kept(world: World, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected, match=code.replace(".", r"\.")):
        opened(world, **changed)
    with pytest.raises(Rejected, match=r"rights\.breach_known"):
        opened(world, known_at=world.now + timedelta(minutes=1))
    assert not Breach.objects.exists()


def test_only_the_data_protection_officer_writes_or_reads_it(world: World) -> None:
    breach = opened(world)
    for name in ("liaison", "stranger"):
        with pytest.raises(Refused, match=r"account\.role"):
            rights.open_breach(world.officer(name), told_of(world), now=world.now)
        with pytest.raises(Rejected, match=r"rights\.breach_not_found"):
            queries.get_breach_for(world.officer(name), breach.pk)
        with pytest.raises(Refused, match=r"account\.role"):
            rights.note_supervisor(world.officer(name), breach.pk, at=world.now, note="", now=world.now)
        assert signed_in(world, name).get("/rights/breaches/").status_code == 403
        assert signed_in(world, name).get(f"/rights/breaches/{breach.pk}/").status_code == 404


def test_each_partner_is_told_by_a_signed_act_and_followed_until_it_is_there(world: World) -> None:
    world.partner("ma")
    world.partner("it")
    world.accord("ma", kinds=["request", "report", "channel"])
    dpo, breach = world.officer("dpo"), opened(world)
    first, _second = notified(world, breach, "ma", "it")
    assert stages(breach) == {"ma": "drafting", "it": "drafting"}
    assert "it" not in str(Draft.objects.get(pk=first).intent["participants"])
    with pytest.raises(Conflict, match=r"rights\.notice_waits"):
        notified(world, breach, "ma")
    liaison = world.officer("liaison")
    handed_drafts.take_over(liaison, first, now=world.now)
    assert flow.send_draft(liaison, first, now=world.now).is_signed
    assert stages(breach)["ma"] in {"queued", "sent"}
    rights.note_supervisor(dpo, breach.pk, at=world.now, note="Number 44.", now=world.now)
    with pytest.raises(Refused, match=r"rights\.breach_partners_missing") as refused:
        breaches.close(dpo, str(breach.pk), now=world.now)
    assert refused.value.facts["partners"] == ["it", "ma"]
    for notice in Notice.objects.all():
        rights.note_otherwise(dpo, breach.pk, notice.pk, note="By telephone, Ms Haddad.", now=world.now)
    assert set(stages(breach).values()) == {"otherwise"}
    assert breaches.close(dpo, str(breach.pk), now=world.now).closed_at == world.now
    with pytest.raises(Conflict, match=r"rights\.breach_closed"):
        notified(world, breach, "ma")


def test_a_high_risk_is_not_closed_before_the_persons_were_told_or_the_reason_noted(world: World) -> None:
    dpo, breach = world.officer("dpo"), opened(world, risk="high")
    with pytest.raises(Refused, match=r"rights\.breach_supervisor_missing"):
        breaches.close(dpo, str(breach.pk), now=world.now)
    rights.note_supervisor(dpo, breach.pk, at=world.now, note="Number 44.", now=world.now)
    with pytest.raises(Refused, match=r"rights\.breach_persons_missing"):
        breaches.close(dpo, str(breach.pk), now=world.now)
    rights.note_persons(dpo, breach.pk, at=world.now, note="By letter to each.", now=world.now)
    assert breaches.close(dpo, str(breach.pk), now=world.now).closed_at


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_pages_from_the_form_to_the_close(world: World, language: str) -> None:
    world.partner("ma")
    world.accord("ma", kinds=["request", "report", "channel"])
    client = signed_in(world, "dpo", language)
    assert client.post("/rights/breaches/", {"risk": "risk"}).status_code == 400
    at = world.now.strftime("%Y-%m-%dT%H:%M")
    told = {
        "known": "2020-01-01T00:00",
        "natures": ["integrity"],
        "risk": "risk",
        "consequences": "None seen.",
        "measures": "Locked.",
    }
    made = client.post("/rights/breaches/", {**told, "happened": HAPPENED})
    place = made["Location"]
    assert HAPPENED in text_of(client.get("/rights/breaches/"))
    assert HAPPENED in text_of(client.get(place))
    assert client.post(f"{place}notify/", {"circle": "unit:ops"}).status_code == 400
    assert client.post(f"{place}notify/", {"partners": ["ma"], "circle": "unit:ops", "words": "x"})["Location"] == place
    assert (
        client.post(f"{place}note/", {"whom": "supervisor", "supervisor-at": "", "supervisor-note": ""}).status_code
        == 400
    )
    noted = client.post(f"{place}note/", {"whom": "supervisor", "supervisor-at": at, "supervisor-note": "By portal."})
    assert noted["Location"] == place
    assert client.post(f"{place}close/").status_code == 403
    notice = Notice.objects.get()
    client.post(f"{place}notices/{notice.pk}/", {"note": "By telephone."})
    assert client.post(f"{place}close/")["Location"] == place
    assert Breach.objects.get().closed_at
