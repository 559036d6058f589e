"""Alerts over three nodes: received, matched both ways, confirmed by their issuer alone, and gone when they are over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.entries import Part, SignedEntry
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.desk.models import Task
from tansiq.node.dossiers import models as dossiers
from tansiq.node.flows import act as flow
from tansiq.node.flows import alerts as flow_alerts
from tansiq.node.flows.intents import Intent
from tansiq.node.register import actions as register
from tansiq.node.register.models import Subject
from tansiq.node.search import alerts
from tansiq.node.search.models import AlertHit, StandingAlert
from tests.node.far import Far
from tests.node.world import NOW, World, leaves_nothing, narrative, subject

KINDS = ["request", "report", "alert", "alert_hit"]
YEAR = timedelta(days=365)
TOPICS = ("offence", "issuing_authority", "decision")


def codes(**changed: Any) -> dict[str, Any]:
    told = {
        "alert_class": "wanted_arrest",
        "asks": "arrest",
        "purpose": "investigation",
        "crime_area": "0601",
        "expires": format_time(NOW + YEAR),
        "review": format_time(NOW + YEAR / 2),
    }
    return {**told, **changed}


def parts(name: str = "Samir Talbi") -> tuple[Part, ...]:
    return (subject(name), *(narrative(topic) for topic in TOPICS))


@pytest.fixture
def accord(world: World) -> str:
    world.partner("it")
    return world.accord("it", "ma", kinds=KINDS)


def known(world: World, name: str = "سمير الطالبي", officer: str = "liaison", circle: str = "unit:ops") -> str:
    """A record of ours."""
    content = {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}}
    row = register.add_subject(
        world.officer(officer), content, circle=circle, discoverability="silent", grading=None, now=world.now
    )
    return str(getattr(row, "subject_id", row))


def issued(world: World, accord: str, *, told: tuple[Part, ...] = (), **changed: Any) -> SignedEntry:
    """Morocco's alert to Italy and us, as it arrives here."""
    opening = {"accord": accord, "accord_version": world.version(accord)}
    sender = world.fars["ma"]
    entry = sender.open("alert", ["fr", "it"], world.now, codes=codes(**changed), parts=told or parts(), **opening)
    world.fars["it"].keep(entry)
    world.arrive(sender, entry)
    world.settle()
    return entry


def tasks(prefix: str) -> list[Task]:
    return list(Task.objects.filter(key__startswith=prefix, state="open"))


def report_hit(world: World, alert: str, *others: str, officer: str = "liaison", **changed: Any) -> str:
    """Our officer reports a hit."""
    told: dict[str, Any] = {
        "codes": {"strength": "probable", "purpose": "investigation", "crime_area": "0601"},
        "parts": (narrative("hit"),),
        "cites": alert,
    }
    intent = Intent(kind="alert_hit", act="hit", participants=others or ("ma",), **(told | changed))
    return str(flow.act(world.officer(officer), intent, now=world.now).dossier_id)


# -- matching both ways ----------------------------------------------------------------------------------------------------


def test_an_alert_meets_a_record_and_its_owner_is_told_to_confirm_first(world: World, accord: str) -> None:
    known(world)
    alert = issued(world, accord).dossier
    (task,) = tasks(f"alert_match/{alert}/")
    assert (task.title_code, task.circle, task.link, task.urgent) == (
        "desk.alert_match",
        "unit:ops",
        f"/alerts/{alert}/",
        True,
    )
    assert alerts.get_alert_for(world.officer("liaison"), alert, now=world.now).caption == "Samir Talbi"
    assert [far.dossiers[alert].folded.state.latest("received:fr") is not None for far in world.fars.values()] == [
        True
    ] * 2


def test_the_owner_of_another_unit_is_told_and_reads_the_alert_but_not_its_dossier(world: World, accord: str) -> None:
    known(world, officer="stranger", circle="unit:borders")
    alert = issued(world, accord).dossier
    (task,) = tasks(f"alert_match/{alert}/")
    assert task.circle == "unit:borders"
    stranger = world.officer("stranger")
    assert alerts.get_alert_for(stranger, alert, now=world.now).alert_class == "wanted_arrest"
    with pytest.raises(Rejected, match=r"dossier\.not_found"):
        flow.consider(stranger, Intent(kind="alert", act="cancel", dossier=alert), now=world.now)
    hit = report_hit(world, alert, officer="stranger")
    assert dossiers.Dossier.objects.get(dossier_id=hit).circle == "unit:borders"
    assert tasks(f"alert_match/{alert}/") == [], "what the desk asked for is done"


def test_what_comes_into_the_register_later_meets_the_alert_too_and_once(world: World, accord: str) -> None:
    alert = issued(world, accord).dossier
    flow_alerts.begin(world.now)
    world.work()
    assert tasks(f"alert_match/{alert}/") == []
    known(world)
    world.later(minutes=2)
    world.work()
    (task,) = tasks(f"alert_match/{alert}/")
    Task.objects.filter(pk=task.pk).update(state="settled", settled_at=world.now)
    known(world, name="Giovanna Bianchi")
    world.later(minutes=2)
    world.work()
    assert tasks(f"alert_match/{alert}/") == [], "who has dealt with it is not asked again"


def test_a_watch_that_died_begins_again_where_it_was(
    world: World, accord: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = issued(world, accord).dossier
    known(world)
    with monkeypatch.context() as patch:
        patch.setattr(alerts, "note_watched", lambda _number: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError):
            flow_alerts.watch({}, world.now)
    assert alerts.watched() == 0
    flow_alerts.watch({}, world.now)
    assert len(tasks(f"alert_match/{alert}/")) == 1
    assert alerts.watched() > 0


# -- over ------------------------------------------------------------------------------------------------------------------


def test_an_expired_alert_leaves_register_board_and_desk_by_itself(world: World, accord: str) -> None:
    known(world)
    alert = issued(
        world, accord, expires=format_time(NOW + timedelta(days=2)), review=format_time(NOW + timedelta(days=1))
    )
    assert Subject.objects.filter(dossier=alert.dossier).count() == 1
    world.later(days=2, minutes=1)
    assert not alerts.alerts_for(world.officer("liaison"), now=world.now).exists(), "before any job has run"
    world.work()
    assert not Subject.objects.filter(dossier=alert.dossier).exists()
    assert tasks(f"alert_match/{alert.dossier}/") == []
    with pytest.raises(Rejected, match=r"alert\.not_found"):
        alerts.get_alert_for(world.officer("liaison"), alert.dossier, now=world.now)


def test_an_extension_that_comes_late_brings_the_subject_back(world: World, accord: str) -> None:
    known(world)
    end = NOW + timedelta(days=2)
    alert = issued(world, accord, expires=format_time(end), review=format_time(NOW + timedelta(days=1))).dossier
    ma = world.fars["ma"]
    extension = ma.act(alert, "extend", NOW + timedelta(days=1), codes=codes_of_term(NOW + YEAR))
    world.later(days=2, minutes=1)
    world.work()
    assert not Subject.objects.filter(dossier=alert).exists()
    world.arrive(ma, extension)
    world.settle()
    assert Subject.objects.filter(dossier=alert).count() == 1
    assert alerts.get_alert_for(world.officer("liaison"), alert, now=world.now)
    world.later(days=3)
    world.work()
    assert Subject.objects.filter(dossier=alert).count() == 1, "the job of the first end changes nothing any more"


def codes_of_term(expires: Any) -> dict[str, str]:
    return {"expires": format_time(expires), "review": format_time(expires - timedelta(days=30))}


@pytest.mark.parametrize("act", ["cancel", "expire"])
def test_what_is_over_is_erased_and_this_machine_confirms(world: World, accord: str, act: str) -> None:
    known(world)
    end = NOW + timedelta(days=2)
    alert = issued(world, accord, expires=format_time(end), review=format_time(end)).dossier
    ma = world.fars["ma"]
    if act == "expire":
        world.later(days=2)
        (over,) = ma.machine(alert, world.now)
    else:
        over = ma.act(alert, "cancel", world.now, codes={"ground": "found", "due": format_time(end)})
    world.arrive(ma, over)
    world.settle()
    assert not dossiers.Part.objects.filter(entry__dossier=alert, salted__isnull=False).exists()
    assert not Subject.objects.filter(dossier=alert).exists()
    assert StandingAlert.objects.get(dossier_id=alert).caption is None
    assert tasks(f"alert_match/{alert}/") == []
    held = ma.dossiers[alert]
    assert held.folded is not None
    assert not held.folded.state.writes("owed:fr"), "we have confirmed"
    assert held.folded.state.writes("owed:it"), "Italy has not"


def test_a_corrected_name_is_erased_and_the_right_one_matched(world: World, accord: str) -> None:
    known(world)
    alert = issued(world, accord, told=parts("Nobody Known Here"))
    assert tasks(f"alert_match/{alert.dossier}/") == []
    ma = world.fars["ma"]
    change = {"entry": alert.entry_id, "part": alert.header.parts[0].commitment, "due": format_time(NOW + YEAR)}
    world.arrive(ma, ma.act(alert.dossier, "correct", world.now, codes=change, parts=[subject("Samir Talbi")]))
    world.settle()
    assert len(tasks(f"alert_match/{alert.dossier}/")) == 1
    assert Subject.objects.filter(dossier=alert.dossier).count() == 1


def test_our_own_alert_ends_by_our_machine_and_what_partners_have_not_confirmed_is_overdue(
    world: World, accord: str
) -> None:
    end = NOW + timedelta(days=2)
    told = codes(expires=format_time(end), review=format_time(NOW + timedelta(days=1)))
    intent = Intent(kind="alert", act="issue", participants=("it", "ma"), codes=told, parts=parts())
    alert = str(flow.act(world.officer("liaison"), intent, now=world.now).dossier_id)
    world.settle()
    assert [task.due_at for task in tasks(f"deadline/{alert}")] == [NOW + timedelta(days=1)], (
        "the review is on our desk"
    )
    world.later(days=2, minutes=1)
    world.settle()
    row = dossiers.Dossier.objects.get(dossier_id=alert)
    assert row.phase == "expired"
    for far in world.fars.values():
        assert far.dossiers[alert].kind.phase(far.dossiers[alert].folded.state) == "expired"
    from tansiq.node.flows.overdue import listing

    late = world.now + timedelta(days=4)
    owed = listing(world.officer("liaison"), now=late, kind_name="alert")
    assert {(thing.partner, thing.name, thing.is_overdue) for thing in owed} == {
        ("it", "confirm", True),
        ("ma", "confirm", True),
    }


# -- the hit ---------------------------------------------------------------------------------------------------------------


def test_a_hit_is_between_two_and_nothing_is_executed_before_the_issuer_confirms(world: World, accord: str) -> None:
    known(world)
    alert = issued(world, accord).dossier
    hit = report_hit(world, alert)
    world.settle()
    ma, it = world.fars["ma"], world.fars["it"]
    assert hit in ma.dossiers
    assert hit not in it.dossiers, "nobody else sees it"
    assert ma.dossiers[hit].opening.cites == alert
    done = {"measure": "arrest", "outcome": "done"}
    with leaves_nothing(), pytest.raises(Refused, match=r"kind\.not_in_this_phase"):
        world.act("liaison", "alert_hit", "execute", hit, codes=done, parts=[narrative("execute")])
    world.arrive(ma, *ma.machine(hit, world.now))
    until = format_time(NOW + timedelta(days=3))
    world.arrive(ma, ma.act(hit, "confirm_hit", world.now, codes={"measure": "locate_and_report", "due": until}))
    with pytest.raises(Refused, match=r"alert_hit\.measure_not_confirmed"):
        world.act("liaison", "alert_hit", "execute", hit, codes=done, parts=[narrative("execute")])
    right = {**done, "measure": "locate_and_report"}
    world.act("liaison", "alert_hit", "execute", hit, codes=right, parts=[narrative("execute")])
    world.settle()
    assert AlertHit.objects.get(dossier_id=hit).phase == "executed"
    assert [row.dossier_id for row in alerts.hits_for(world.officer("liaison"), [alert])[alert]] == [hit]
    assert alerts.hits_for(world.officer("stranger"), [alert]) == {}


@pytest.mark.parametrize(
    ("cites", "others", "code"),
    [
        ("", ("ma",), "alert_hit.cites_no_alert"),
        ("0" * 64, ("ma",), "alert_hit.cites_no_alert"),
        ("alert", ("it",), "alert_hit.only_with_the_issuer"),
        ("alert", ("it", "ma"), "alert_hit.only_with_the_issuer"),
    ],
)
def test_a_hit_goes_to_nobody_but_the_issuer(
    world: World, accord: str, cites: str, others: tuple[str, ...], code: str
) -> None:
    alert = issued(world, accord).dossier
    with leaves_nothing(), pytest.raises(Rejected, match=code.replace(".", r"\.")):
        report_hit(world, alert if cites == "alert" else cites, *others)


def own_alert(world: World, *others: str) -> str:
    intent = Intent(kind="alert", act="issue", participants=others, codes=codes(), parts=parts())
    alert = str(flow.act(world.officer("liaison"), intent, now=world.now).dossier_id)
    world.settle()
    return alert


def hit_of(far: Far, world: World, accord: str, cites: str, others: tuple[str, ...] = ("fr",)) -> SignedEntry:
    told = {"strength": "certain", "purpose": "investigation", "crime_area": "0601"}
    opening = {"accord": accord, "accord_version": world.version(accord), "cites": cites or None}
    return far.open("alert_hit", others, world.now, codes=told, parts=[narrative("hit")], **opening)


def test_a_partners_hit_on_our_alert_has_its_twelve_hours_on_our_desk(world: World, accord: str) -> None:
    alert = own_alert(world, "it", "ma")
    hit = hit_of(world.fars["it"], world, accord, alert)
    world.arrive(world.fars["it"], hit)
    world.settle()
    (task,) = tasks(f"deadline/{hit.dossier}")
    assert task.due_at == world.now + timedelta(hours=12)
    assert hit.dossier not in world.fars["ma"].dossiers
    assert not AlertHit.objects.get(dossier_id=hit.dossier).is_own


@pytest.mark.parametrize("cited", ["none", "unknown", "request", "not theirs", "three"])
def test_a_hit_that_cites_no_alert_of_ours_is_not_taken_in(world: World, accord: str, cited: str) -> None:
    alert = own_alert(world, "ma") if cited == "not theirs" else own_alert(world, "it", "ma")
    cites = {"none": "", "unknown": "0" * 64, "request": world.ask("it") if cited == "request" else ""}.get(
        cited, alert
    )
    it = world.fars["it"]
    world.settle()
    entry = hit_of(it, world, accord, cites, ("fr", "ma") if cited == "three" else ("fr",))
    world.arrive(it, entry)
    world.settle()
    assert not dossiers.Dossier.objects.filter(kind="alert_hit").exists()
    assert not AlertHit.objects.exists()
    assert [task.facts["code"] for task in tasks("item/it/")] == [
        "alert_hit.only_with_the_issuer" if cited == "three" else "alert_hit.cites_no_alert"
    ]


def test_a_minor_in_an_alert_needs_the_approval_that_the_accord_demands(world: World, accord: str) -> None:
    child = Part(
        type="subject",
        category="suspect",
        flags=("minor",),
        content={"schema": "Person", "properties": {"name": ["X"]}},
    )
    told = codes(alert_class="missing", asks="locate_and_report")
    intent = Intent(
        kind="alert", act="issue", participants=("it", "ma"), codes=told, parts=(child, narrative("circumstances"))
    )
    acted = flow.act(world.officer("liaison"), intent, now=world.now)
    assert not acted.is_signed
    assert acted.awaiting_role == "approver"
