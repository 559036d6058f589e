"""Drafts and approvals: what the accord demands is given by somebody else, to exactly these bytes, and sent once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats import canonical
from tansiq.node.audit.models import Event
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Approval, Dossier, Draft, Entry
from tansiq.node.flows import act as flow
from tansiq.node.flows import signing
from tansiq.node.flows.act import Acted
from tansiq.node.flows.intents import Intent
from tests.node.flows.test_journeys import tasks
from tests.node.world import World, leaves_nothing, narrative, question_parts, request, subject

BOTH = [
    {"clause": "Art. 9(1)", "when": {"acts": ["ask"]}, "role": "approver"},
    {"clause": "Art. 9(2)", "when": {"acts": ["ask"]}, "role": "prosecutor"},
]


def about_victim(name: str = "Youssef Ziani") -> tuple[Any, ...]:
    """A request about a victim needs an approval under the test accord."""
    parts = question_parts(name)
    return (parts[0], replace(subject(name), category="victim"), *parts[2:])


def laid(world: World, **changed: Any) -> Acted:
    """A draft of the liaison's that waits for an approval."""
    told = {"parts": about_victim()} | changed
    return flow.act(world.officer("liaison"), request("ma", **told), now=world.now)


def digest_of(draft_id: str) -> str:
    return str(Draft.objects.get(pk=draft_id).digest)


def test_a_draft_is_approved_and_sent(world: World) -> None:
    world.accord("ma")
    before = Dossier.objects.count()
    waiting = laid(world)
    assert (waiting.entry_id, waiting.awaiting_role, waiting.clause) == ("", "approver", "categories")
    assert Dossier.objects.count() == before
    assert tasks(world, "boss")[f"approval/{waiting.draft_id}"].circle == "unit:ops"
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    assert f"approval/{waiting.draft_id}" not in tasks(world, "boss")
    assert f"approved/{waiting.draft_id}" in tasks(world)
    sent = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    header = queries.load_header(sent.entry_id)
    assert [(a.role, a.officer) for a in header.approved_by] == [("approver", world.officer("boss").reference)]
    assert Draft.objects.get(pk=waiting.draft_id).state == "sent"
    assert f"approved/{waiting.draft_id}" not in tasks(world)
    world.settle()
    assert world.fars["ma"].dossiers[sent.dossier_id].phase == "sent"


def test_without_the_approval_sending_only_lays_it_before_them_again(world: World) -> None:
    world.accord("ma")
    waiting = laid(world)
    again = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    assert (again.entry_id, again.draft_id) == ("", waiting.draft_id)
    assert Draft.objects.count() == 1


@pytest.mark.parametrize(
    ("officer", "code"),
    [
        ("liaison", "dossier.may_not_approve"),
        ("dpo", "dossier.may_not_approve"),
        ("stranger", "dossier.draft_not_found"),
        ("auditor", "dossier.draft_not_found"),
    ],
)
def test_who_may_not_approve(world: World, officer: str, code: str) -> None:
    world.accord("ma")
    waiting = laid(world)
    with leaves_nothing(but=()), pytest.raises((Refused, Rejected)) as caught:
        flow.approve(world.officer(officer), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    assert caught.value.code == code


def test_nobody_approves_their_own(world: World) -> None:
    world.accord("ma")
    waiting = flow.act(world.officer("second"), request("ma", parts=about_victim()), now=world.now)
    with pytest.raises(Refused, match=r"dossier\.may_not_approve"):
        flow.approve(world.officer("second"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)


def test_any_change_voids_the_approval(world: World) -> None:
    world.accord("ma")
    waiting = laid(world)
    old = digest_of(waiting.draft_id)
    flow.approve(world.officer("boss"), waiting.draft_id, digest=old, now=world.now)
    changed = request("ma", parts=about_victim("Somebody Else"))
    assert f"approved/{waiting.draft_id}" in tasks(world)
    again = flow.act(world.officer("liaison"), changed, now=world.now, draft_id=waiting.draft_id)
    assert f"approved/{waiting.draft_id}" not in tasks(world)
    assert (again.draft_id, again.entry_id) == (waiting.draft_id, "")
    assert flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now).entry_id == ""
    with leaves_nothing(but=()), pytest.raises(Conflict, match=r"dossier\.approval_stale"):
        flow.approve(world.officer("boss"), waiting.draft_id, digest=old, now=world.now)
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    sent = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    entry = queries.signed_entry(queries.entry_by_id(sent.entry_id))
    assert b"Somebody Else" in canonical.dumps(entry.to_wire())


def test_a_newer_version_of_the_accord_voids_the_approval(world: World) -> None:
    accord = world.accord("ma")
    waiting = laid(world)
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    amend(world, accord, onward="never")
    sent = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    assert (sent.entry_id, sent.awaiting_role) == ("", "approver")


def amend(world: World, accord: str, **changed: Any) -> None:
    """A new version, ratified by us and by ma."""
    from tansiq.engine.accords.terms import read_terms
    from tansiq.engine.dossiers.entries import Part
    from tests.node.world import TERMS

    terms = read_terms({**TERMS, "parties": ["fr", "ma"], **changed})
    codes = {"terms": terms.digest}
    world.act("boss", "accord", "amend", accord, codes=codes, parts=[Part("terms", terms.to_json())])
    world.act("boss", "accord", "ratify", accord, codes=codes)
    world.settle()
    ma = world.fars["ma"]
    world.arrive(ma, ma.act(accord, "ratify", world.now, codes=codes))


def test_two_roles_are_two_people(world: World) -> None:
    world.accord("ma", approvals=BOTH)
    waiting = laid(world, parts=question_parts())
    assert waiting.awaiting_role == "approver"
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    second = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    assert (second.entry_id, second.awaiting_role, second.clause) == ("", "prosecutor", "Art. 9(2)")
    with leaves_nothing(but=()), pytest.raises(Refused, match=r"dossier\.approved_in_other_role"):
        flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    world.hire("procureure", "prosecutor")
    flow.approve(world.officer("procureure"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    sent = flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    roles = [actor.role for actor in queries.load_header(sent.entry_id).approved_by]
    assert roles == ["approver", "prosecutor"]


def test_a_colleague_can_neither_change_nor_send_ones_draft(world: World) -> None:
    """Else one could put a text under a colleague's name and approve it oneself."""
    world.accord("ma")
    waiting = laid(world)
    second = world.officer("second")
    with leaves_nothing(but=()), pytest.raises(Refused, match=r"dossier\.not_your_draft"):
        flow.act(second, request("ma", parts=about_victim("Other")), now=world.now, draft_id=waiting.draft_id)
    flow.approve(second, waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    for attempt in (
        lambda: flow.send_draft(world.officer("boss"), waiting.draft_id, now=world.now),
        lambda: flow.act(
            world.officer("boss"), request("ma", parts=about_victim()), now=world.now, draft_id=waiting.draft_id
        ),
    ):
        with leaves_nothing(but=()), pytest.raises(Refused, match=r"dossier\.not_your_draft"):
            attempt()


def test_a_draft_is_sent_once(world: World) -> None:
    world.accord("ma")
    waiting = laid(world)
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    with leaves_nothing(but=()), pytest.raises(Conflict, match=r"dossier\.draft_finished"):
        flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    with leaves_nothing(but=()), pytest.raises(Conflict, match=r"dossier\.approval_stale"):
        flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)


def test_two_windows_send_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second window has passed every check when the first commits."""
    world.accord("ma")
    waiting = laid(world)
    flow.approve(world.officer("boss"), waiting.draft_id, digest=digest_of(waiting.draft_id), now=world.now)
    sign, inside = signing.sign, []

    def meanwhile(*args: Any, **told: Any) -> Acted:
        if not inside:
            inside.append(True)
            flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
        return sign(*args, **told)

    monkeypatch.setattr(signing, "sign", meanwhile)
    with pytest.raises(Conflict, match=r"dossier\.draft_finished"):
        flow.send_draft(world.officer("liaison"), waiting.draft_id, now=world.now)
    assert Dossier.objects.filter(kind="request").count() == 1


def test_urgent_machine_acts_need_no_approval_and_people_do(world: World) -> None:
    accord = world.accord("ma", approvals=[{"clause": "Art. 10", "when": {"acts": ["answer"]}, "role": "approver"}])
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    assert ma.dossiers[asked.entry_id].phase == "received"
    done = world.act(
        "liaison", "request", "answer", asked.entry_id, codes={"extent": "full"}, parts=[narrative("answer")]
    )
    assert (done.entry_id, done.awaiting_role, done.clause) == ("", "approver", "Art. 10")
    with pytest.raises(Refused, match=r"kind\.not_by_machine"):
        flow.act_by_machine(asked.entry_id, "answer", {"extent": "full"}, "bot", now=world.now)


def test_refusals_are_audited_with_their_clause(world: World) -> None:
    world.accord("ma")
    provider = replace(subject("X"), category="information_provider")
    parts = question_parts()
    with leaves_nothing(), pytest.raises(Refused) as caught:
        flow.act(world.officer("liaison"), request("ma", parts=(parts[0], provider, *parts[2:])), now=world.now)
    assert caught.value.code == "decide.category_never"
    row = Event.objects.get(event="act.refused")
    assert row.told["facts"]["clause"] == "categories"
    assert row.log == "internal"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"codes": {"purpose": "investigation"}}, "intent.incomplete"),
        ({"codes": {"purpose": "gossip", "crime_area": "0601", "use": "intelligence", "restrictions": "none"}}, None),
        ({"participants": ()}, "intent.no_recipient"),
        ({"participants": ("de",)}, "partner.unknown"),
        ({"accord": "0" * 64}, "decide.no_accord"),
        ({"act": "sing"}, "kind.unknown_act"),
        ({"act": "answer"}, "intent.not_an_opening"),
        ({"kind": "horoscope"}, "kind.unknown"),
        ({"dossier": "f" * 64}, "dossier.not_found"),
        ({"dossier": "\x00"}, "dossier.not_found"),
        ({"circle": "unit:borders"}, "dossier.not_your_circle"),
        ({"case": "0192d3b0-7c1e-7a3c-8f00-5a1e2b3c4d5e"}, "dossier.case_not_found"),
        ({"case": "no uuid"}, "dossier.case_not_found"),
        ({"reference": "x" * 121}, "dossier.reference_length"),
        ({"parts": (*question_parts(), narrative("facts", "x" * 200_000))}, None),
    ],
)
def test_what_is_wrong_with_an_intent_is_named_and_leaves_nothing(
    world: World, changed: dict[str, Any], code: str | None
) -> None:
    world.accord("ma")
    intent = replace(request("ma"), **changed)
    if code is None:
        assert flow.consider(world.officer("liaison"), intent, now=world.now) is not None
        return
    with leaves_nothing(), pytest.raises((Refused, Rejected)) as caught:
        flow.act(world.officer("liaison"), intent, now=world.now)
    assert caught.value.code == code


def test_a_marking_above_the_ceiling_is_refused(world: World) -> None:
    from tansiq.engine.accords.markings import Marking

    world.accord("ma", max_level=0)
    secret = narrative("facts", marking=Marking(level=1))
    with leaves_nothing(), pytest.raises(Refused) as caught:
        flow.act(world.officer("liaison"), request("ma", parts=(*question_parts(), secret)), now=world.now)
    assert (caught.value.code, caught.value.facts["clause"]) == ("decide.level_above_ceiling", "Art. 5")


def test_an_expired_accord_is_refused(world: World) -> None:
    world.accord("ma", until="2026-12-01T00:00:00.000Z")
    world.later(days=30)
    with leaves_nothing(), pytest.raises(Refused) as caught:
        world.ask("ma")
    assert caught.value.code == "decide.expired"


def test_a_wider_accord_serves_when_the_special_one_has_ended(world: World) -> None:
    from tansiq.node.dossiers.models import Dossier as Row

    world.partner("it")
    wide = world.accord("ma", "it")
    special = world.accord("ma", until="2026-12-01T00:00:00.000Z")
    assert Row.objects.get(pk=world.ask("ma")).accord == special
    world.later(days=20)
    assert Row.objects.get(pk=world.ask("ma")).accord == wide


def test_after_denunciation_only_closing_acts(world: World) -> None:
    accord = world.accord("ma", notice_days=0)
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked)
    world.settle()
    world.act("boss", "accord", "denounce", accord)
    world.later(hours=1)
    with pytest.raises(Refused, match=r"decide\.denounced"):
        world.ask("ma")
    assert world.act("liaison", "request", "answer", asked.entry_id, codes={"extent": "full"}).entry_id


def test_what_no_envelope_could_carry_is_refused_when_it_is_signed(world: World) -> None:
    """It would stand at the head of the queue for ever, and everything behind it."""
    world.accord("ma")
    big = tuple(narrative("facts", chr(97 + n % 26) * 262_000) for n in range(40))
    with leaves_nothing(but=()), pytest.raises(Rejected) as caught:
        flow.act(world.officer("liaison"), request("ma", parts=(*question_parts(), *big)), now=world.now)
    assert caught.value.code == "exchange.item_too_large"


def test_an_act_of_another_kind_is_refused(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    with leaves_nothing(but=()), pytest.raises(Rejected) as caught:
        world.act("liaison", "report", "remind", dossier)
    assert (caught.value.code, caught.value.facts["at"]) == ("intent.malformed", "/kind")


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ([], "/"),
        ({"colour": "red"}, "/colour"),
        ({"kind": 5}, "/kind"),
        ({"dossier": "short"}, "/dossier"),
        ({"participants": ["\x00"]}, "/participants/0"),
        ({"participants": "ma"}, "/participants"),
        ({"codes": []}, "/codes"),
        ({"codes": {"purpose": {"a": 1}}}, "/codes/purpose"),
        ({"codes": {"purpose": 1.5}}, "/codes/purpose"),
        ({"parts": [5]}, "/parts/0"),
        ({"parts": [{"type": "question", "content": {"text": ""}}]}, "/parts/0/content/text"),
        ({"consents": [["ma"]]}, "/consents"),
        ({"title": "x" * 501}, "/title"),
    ],
)
def test_a_foreign_intent_names_the_place_of_its_mistake(value: Any, at: str) -> None:
    with pytest.raises(Rejected) as caught:
        Intent.from_json(value)
    assert caught.value.facts["at"] == at


def test_an_intent_survives_its_draft(world: World) -> None:
    intent = request("ma", parts=about_victim(), issues=("death_penalty",), assurances=(("death_penalty", "ma"),))
    assert Intent.from_json(intent.to_json()) == intent
    assert intent.digest(accord_version="a") != intent.digest(accord_version="b")
    assert intent.digest(accord_version="a") == replace(intent, title="other").digest(accord_version="a")
    assert Approval.objects.count() == Entry.objects.count() == 0
