"""Keys in life: a newer card, a key revoked, entries that a thief signed, envelopes under an old key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers import entries
from tansiq.engine.envelopes import bodies, words
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.cards import fingerprint, open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected
from tansiq.node.audit.models import Event
from tansiq.node.dossiers import queries, waiting_room
from tansiq.node.dossiers.models import Entry
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange.models import Item, OutEnvelope
from tansiq.node.partners import actions
from tansiq.node.partners import queries as partners
from tests.node.far import Far, repeatable
from tests.node.flows.test_journeys import agree, tasks
from tests.node.world import World, leaves_nothing


def _card(far: Far, world: World, **changes: Any) -> bodies.Item:
    far.serial += 1
    return bodies.Item("card", far.card(world.now, serial=far.serial, **changes))


def _refusals() -> list[str]:
    return [e.told["facts"]["code"] for e in Event.objects.filter(event="item.refused").order_by("id")]


# -- cards ---------------------------------------------------------------------------------------------------------------


def test_a_newer_card_changes_address_and_mailbox(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    world.later(days=1)
    ma.mailbox = HybridIdentity.generate(repeatable("fresh"))
    ma.url = "http://elsewhere.example"
    world.arrive(ma, _card(ma, world))
    assert partners.get_partner("ma").url == "http://elsewhere.example"
    world.ask("ma")
    world.settle()
    assert ma.items("entry"), "sealed to the new mailbox, sent to the new address"


def test_what_waits_sealed_to_a_key_that_is_lost_is_sealed_anew(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    world.settle()
    dossier = world.ask("ma")
    assert exchange.lease("ma", "test", world.now)
    sealed = exchange.seal_next("ma", "test", world.now)
    exchange.release("ma", "test")
    assert sealed is not None
    assert exchange.seal_anew("ma") == 0, "its card names the key"
    ma.mailbox, ma.next_mailbox = (HybridIdentity.generate(repeatable(f"rebuilt {n}")) for n in range(2))
    ma.serial += 1
    spoken = " ".join(words.spell(fingerprint(ma.root.public), "fr"))
    actions.enrol(ma.card(world.now, serial=ma.serial), spoken=spoken, actor="administrator", now=world.now)
    assert exchange.seal_anew("ma") == 1
    assert OutEnvelope.objects.get(pk=sealed.pk).state == OutEnvelope.REPLACED
    world.settle()
    assert dossier in [entries.from_wire(item, at="").entry_id for item in ma.items("entry")]


def test_a_partner_that_lost_everything_is_given_what_it_signed_of_itself(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    world.arrive(ma, _card(ma, world))
    kept = partners.kept_of("ma")
    assert (kept["node"], len(kept["cards"]), kept["revocations"]) == ("ma", 2, [])
    assert [open_card(Signed.from_json(card), pinned_root=ma.root.public).serial for card in kept["cards"]] == [1, 2]
    with pytest.raises(Rejected, match=r"partner[.]unknown"):
        partners.kept_of("nobody")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"names": {"en": "Another"}, "node_id": "ma-dgsn"}, "partner.card_of_another"),
        ({"root_public": Ed25519Signer.generate(repeatable("other root")).public}, "card.other_root"),
    ],
)
def test_a_card_that_is_not_the_partners_changes_nothing(world: World, changes: dict[str, Any], code: str) -> None:
    ma = world.fars["ma"]
    if "root_public" in changes:
        ma.root = Ed25519Signer.generate(repeatable("other root"))
    before = partners.get_partner("ma").card
    world.arrive(ma, _card(ma, world, **changes))
    assert partners.get_partner("ma").card == before
    assert _refusals() == [code]


def test_an_older_card_changes_nothing_and_is_no_error(world: World) -> None:
    ma = world.fars["ma"]
    old = bodies.Item("card", ma.card(world.now))
    world.arrive(ma, _card(ma, world))
    world.arrive(ma, old)
    assert partners.get_partner("ma").serial == 2
    assert _refusals() == []


def test_signatures_of_the_past_verify_with_the_keys_of_the_past(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.later(minutes=5)
    ma.authority = Ed25519Signer.generate(repeatable("second authority"))
    world.arrive(ma, _card(ma, world))
    world.arrive(ma, asked)
    assert Entry.objects.filter(entry_id=asked.entry_id).exists()
    world.arrive(ma, ma.act(asked.entry_id, "remind", world.now))
    world.settle()
    agree(world, asked.entry_id)


# -- revocations ---------------------------------------------------------------------------------------------------------


def _stolen(world: World) -> tuple[Far, str, Any, Ed25519Signer]:
    """A dossier of ma's with two good entries here; then its authority key is stolen and replaced."""
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    world.arrive(ma, asked, ma.act(asked.entry_id, "remind", world.now))
    world.settle()
    stolen = ma.authority
    ma.authority = Ed25519Signer.generate(repeatable("second authority"))
    world.later(hours=1)
    return ma, asked.entry_id, ma.dossiers[asked.entry_id].of("remind")[0], stolen


def _revoke(world: World, ma: Far, stolen: Ed25519Signer, **changed: Any) -> bodies.Item:
    good = {d: _last(held) for d, held in ma.dossiers.items()}
    told = {"since": world.now - timedelta(minutes=30), "last_good": good, "recipient": "fr"} | changed
    return bodies.Item("revocation", ma.revocation(stolen.key_id, world.now, **told))


def _last(held: Any) -> tuple[str | None, int]:
    own = [e for e in held.entries.values() if e.header.author == "ma"]
    return (own[-1].entry_id, own[-1].header.seq) if own else (None, 0)


def test_after_a_revocation_what_the_thief_signs_is_refused_whatever_time_it_states(world: World) -> None:
    ma, dossier, _, stolen = _stolen(world)
    world.arrive(ma, _card(ma, world), _revoke(world, ma, stolen))
    assert any(key.startswith("revocation/ma/") for key in tasks(world))
    backdated = ma.forge(dossier, "withdraw", world.now - timedelta(hours=1), signer=stolen)
    present = ma.forge(dossier, "withdraw", world.now, signer=stolen)
    with leaves_nothing(but=("audit.Event", "desk.Task", "exchange.InEnvelope", "exchange.Link", "jobs.Job")):
        world.arrive(ma, backdated, present)
    assert _refusals() == ["entry.key_revoked", "entry.key_revoked"]
    world.arrive(ma, ma.act(dossier, "remind", world.now))
    world.settle()
    agree(world, dossier)


def test_a_fork_of_the_thief_before_the_last_good_entry_is_refused_too(world: World) -> None:
    """Its number is low and its time is early; but it is not in the chain that the authority vouches for."""
    ma, dossier, reminded, stolen = _stolen(world)
    world.arrive(ma, _card(ma, world), _revoke(world, ma, stolen))
    fork = ma.forge(
        dossier,
        "withdraw",
        reminded.header.at,
        signer=stolen,
        seq=reminded.header.seq,
        prev=reminded.header.prev,
        heads=reminded.header.heads,
        depth=reminded.header.depth,
    )
    world.arrive(ma, fork)
    assert _refusals() == ["entry.key_revoked"]
    assert queries.dossier_by_id(dossier).phase == "received"


def test_good_entries_of_a_revoked_key_are_taken_late_and_in_any_order(world: World) -> None:
    accord = world.accord("ma")
    ma = world.fars["ma"]
    asked = world.asked_by(ma, accord=accord)
    chain = [asked, *(ma.act(asked.entry_id, "remind", world.now) for _ in range(3))]
    stolen = ma.authority
    ma.authority = Ed25519Signer.generate(repeatable("second authority"))
    world.later(hours=1)
    world.arrive(ma, _card(ma, world), _revoke(world, ma, stolen))
    for entry in (chain[1], chain[3], chain[0], chain[2]):
        world.arrive(ma, entry)
    assert waiting_room.listed() == []
    assert _refusals() == []
    world.settle()
    agree(world, asked.entry_id)


def test_what_another_participant_built_upon_is_taken_all_the_same(world: World) -> None:
    """So that all nodes end with the same entries, though one of them heard of the revocation later."""
    it = world.partner("it")
    accord = world.accord("ma", "it")
    ma = world.fars["ma"]
    report = ma.open(
        "report",
        ["fr", "it"],
        world.now,
        codes={"purpose": "investigation", "crime_area": "0601"},
        parts=_report_parts(),
        accord=accord,
        accord_version=world.version(accord),
    )
    it.keep(report)
    world.arrive(ma, report)
    stolen = ma.authority
    ma.authority = Ed25519Signer.generate(repeatable("second authority"))
    world.later(hours=1)
    world.arrive(ma, _card(ma, world), _revoke(world, ma, stolen))
    forged = ma.forge(report.entry_id, "supplement", world.now, signer=stolen, parts=_report_parts())
    world.arrive(ma, forged)
    assert _refusals() == ["entry.key_revoked"]
    it.keep(forged)
    feedback = it.act(report.entry_id, "feedback", world.now, codes={"usefulness": "useful"})
    world.arrive(it, feedback)
    assert [w.missing for w in waiting_room.listed()] == [[forged.entry_id]]
    world.arrive(it, forged)
    assert waiting_room.listed() == []
    assert Entry.objects.filter(entry_id__in=[forged.entry_id, feedback.entry_id]).count() == 2


def _report_parts() -> Any:
    from tests.node.flows.test_taking import report_parts

    return report_parts()


def test_the_act_of_revoking_waits_for_the_word_of_the_root(world: World) -> None:
    """Whoever stole the key could sign ``revoke`` as well, and shut the true authority out of its own chain."""
    ma, dossier, _, stolen = _stolen(world)
    world.arrive(ma, _card(ma, world))
    last = ma.dossiers[dossier].of("remind")[-1].entry_id
    act = ma.act(dossier, "revoke", world.now, codes={"key_id": stolen.key_id, "last_good": last})
    world.arrive(ma, act)
    assert [w.missing for w in waiting_room.listed()] == [[f"revocation:ma/{stolen.key_id}"]]
    world.arrive(ma, _revoke(world, ma, stolen))
    assert waiting_room.listed() == []
    assert Entry.objects.get(entry_id=act.entry_id).is_effective
    agree(world, dossier)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"recipient": "it"}, "partner.revocation_for_another"),
        ({"last_good": {"a" * 64: ("b" * 64, 0)}}, "revocation.last_good"),
    ],
)
def test_a_revocation_that_is_not_for_us_or_not_sound_is_refused(
    world: World, changes: dict[str, Any], code: str
) -> None:
    ma = world.fars["ma"]
    if code == "revocation.last_good":
        from tansiq.engine.envelopes.cards import LastGood, Revocation

        told = Revocation(
            node_id="ma",
            key_id=ma.authority.key_id,
            from_time=world.now,
            issued_at=world.now,
            reason="lost",
            recipient="fr",
            last_good={"a" * 64: LastGood(entry="b" * 64, sequence=0)},
        )
        item = bodies.Item("revocation", told.signed_by(ma.root).to_json())
    else:
        item = _revoke(world, ma, ma.authority, **changes)
    world.arrive(ma, item)
    assert _refusals() == [code]
    assert not partners.revocations_of("ma", [ma.authority.key_id])


def test_a_revocation_of_another_root_is_refused(world: World) -> None:
    ma = world.fars["ma"]
    thief = Far("ma", ma.since, seed="thief")
    item = bodies.Item(
        "revocation", thief.revocation(ma.node.key_id, world.now, since=world.now, last_good={}, recipient="fr")
    )
    world.arrive(ma, item)
    assert _refusals() == ["dsse.signatures_differ"]
    assert not partners.is_revoked("ma", ma.node.key_id, world.now)


def test_an_envelope_under_a_revoked_node_key_is_refused_at_the_door(world: World) -> None:
    ma = world.fars["ma"]
    stolen = ma.node
    ma.node = Ed25519Signer.generate(repeatable("second node key"))
    world.later(hours=1)
    fresh = _card(ma, world, keys=_with_old(ma, stolen, world))
    revoked = bodies.Item(
        "revocation", ma.revocation(stolen.key_id, world.now, since=world.now, last_good={}, recipient="fr")
    )
    world.arrive(ma, fresh, revoked, node_signer=stolen)
    with leaves_nothing(but=()):
        answer = world.post(
            "envelopes",
            ma.seal("fr", now=world.now, node_signer=stolen, sequence=99, previous_manifest_digest="a" * 64).to_bytes(),
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "envelope.key_revoked")
    world.arrive(ma, bodies.Item("status", {"status": "opened", "references": []}))


def _with_old(far: Far, old: Ed25519Signer, world: World) -> Any:
    from tansiq.engine.envelopes.cards import CardKey, open_card
    from tansiq.engine.envelopes.dsse import Signed

    card = open_card(Signed.from_json(far.card(world.now)), pinned_root=None)
    kept = CardKey.for_signer("node", old, far.since, world.now + timedelta(days=30))
    return (*card.keys, kept)


def test_what_was_sealed_under_our_old_key_is_sealed_anew_when_the_partner_says_so(world: World) -> None:
    """Else it would stand at the head of the queue for thirty days, and everything behind it."""
    from tansiq.engine.formats import canonical

    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    ma.answers = [(422, canonical.dumps({"code": "envelope.key_revoked", "facts": {}}))]
    world.deliver()
    assert [e.state for e in OutEnvelope.objects.filter(items=None)][-1] == OutEnvelope.REPLACED
    world.later(seconds=10)
    world.settle()
    assert dossier in ma.dossiers
    assert not Item.objects.filter(delivered_at=None).exists()
