"""Enrolling a partner: the card by one way, the words by another; and what a card, a suspension, an accord come to here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import fingerprint
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.partners import actions, queries
from tansiq.node.partners.models import CardHistory, Partner
from tests.node.far import Far
from tests.node.world import World, leaves_nothing


def spoken(far: Far, language: str = "ar") -> str:
    return " ".join(words.spell(fingerprint(far.root.public), language))


def enrol(world: World, far: Far, *, says: str | None = None, **card: Any) -> Partner:
    told = far.card(world.now, **card)
    return actions.enrol(told, spoken=spoken(far) if says is None else says, actor="administrator", now=world.now)


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_a_partner_is_enrolled_by_card_and_words(empty_world: World, language: str) -> None:
    it = Far("it", empty_world.now)
    row = enrol(empty_world, it, says=spoken(it, language))
    assert (row.node_id, row.state, row.serial, row.is_self, row.status) == ("it", "IT", 1, False, "enrolled")
    assert queries.card_of("it") is not None
    assert [p.node_id for p in queries.partners()] == ["it"]
    assert Event.objects.filter(event="partner.enrolled", log="exchange", actor="administrator").count() == 2


def _other(world: World) -> str:
    return spoken(Far("it", world.now, seed="other"))


WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("words of another root", lambda w, it: {"says": _other(w)}, Refused, "partner.fingerprint_differs"),
    ("a word misheard", lambda w, it: {"says": _misheard(spoken(it))}, Rejected, "words.misheard"),
    ("a word too few", lambda w, it: {"says": spoken(it).rsplit(" ", 1)[0]}, Rejected, "words.count"),
    ("no words", lambda w, it: {"says": ""}, Rejected, "words.count"),
    ("an unknown word", lambda w, it: {"says": spoken(it) + " zzz"}, Rejected, "words.unknown"),
    (
        "an expired card",
        lambda w, it: {"issued_at": w.now - timedelta(hours=2), "valid_until": w.now - timedelta(hours=1)},
        Rejected,
        "partner.card_expired",
    ),
]


def _misheard(told: str) -> str:
    first, second, *rest = told.split(" ")
    return " ".join([second, first, *rest])


@pytest.mark.parametrize(("told", "error", "code"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_enrolment_is_refused_and_leaves_nothing(empty_world: World, told: Any, error: Any, code: str) -> None:
    it = Far("it", empty_world.now)
    with leaves_nothing(but=()), pytest.raises(error) as caught:
        enrol(empty_world, it, **told(empty_world, it))
    assert caught.value.code == code


def test_our_own_card_is_no_partners(empty_world: World) -> None:
    own = " ".join(words.spell(fingerprint(empty_world.root.public), "fr"))
    with leaves_nothing(but=()), pytest.raises(Rejected, match=r"partner\.is_this_node"):
        actions.enrol(empty_world.own_card, spoken=own, actor="administrator", now=empty_world.now)
    assert queries.myself().node_id == "fr"


@pytest.mark.parametrize("value", [{}, {"payloadType": 1}, {"payloadType": "a/b", "payload": "!", "signatures": []}])
def test_what_is_no_card(empty_world: World, value: dict[str, Any]) -> None:
    with leaves_nothing(but=()), pytest.raises(Rejected, match=r"dsse\.form"):
        actions.enrol(value, spoken="", actor="administrator", now=empty_world.now)


def test_another_root_needs_more_than_a_card(world: World) -> None:
    """Whoever enrols the name again under another root must first put the old one away."""
    impostor = Far("ma", world.now, seed="impostor")
    with leaves_nothing(but=()), pytest.raises(Conflict, match=r"partner\.other_root"):
        enrol(world, impostor)


def test_an_older_card_does_not_replace_a_newer_one(world: World) -> None:
    ma = world.fars["ma"]
    enrol(world, ma, serial=5)
    with leaves_nothing(but=()), pytest.raises(Conflict, match=r"partner\.older_card"):
        enrol(world, ma, serial=4)
    assert sorted(CardHistory.objects.filter(node_id="ma").values_list("serial", flat=True)) == [1, 5]


def test_unknown_partners(world: World) -> None:
    for call in (
        lambda: queries.get_partner("de"),
        lambda: actions.suspend("de", suspended=True, actor="x", now=world.now),
        lambda: actions.suspend("fr", suspended=True, actor="x", now=world.now),
    ):
        with leaves_nothing(but=()), pytest.raises(Rejected, match=r"partner\.unknown"):
            call()
    assert queries.card_of("de") is None
    assert queries.node_keys("de", world.now) == {}
    assert queries.accord_in_force("0" * 64) is None


def test_a_suspended_partner_gets_nothing_and_what_waits_goes_on_afterwards(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    dossier = world.ask("ma")
    actions.suspend("ma", suspended=True, actor="administrator", now=world.now)
    world.settle()
    assert dossier not in ma.dossiers
    with pytest.raises(Rejected, match=r"partner\.unknown"):
        world.ask("ma")
    actions.suspend("ma", suspended=False, actor="administrator", now=world.now)
    world.later(minutes=20)
    world.settle()
    assert dossier in ma.dossiers


def test_keys_hold_in_their_time(world: World) -> None:
    ma = world.fars["ma"]
    key = ma.authority.key_id
    assert key in queries.authority_keys("ma", world.now)
    assert key not in queries.authority_keys("ma", world.now - timedelta(days=2))
    assert key not in queries.authority_keys("ma", world.now + timedelta(days=500))
    assert ma.node.key_id not in queries.authority_keys("ma", world.now), "a node key signs no entries"


def test_the_most_special_accord_comes_first(world: World) -> None:
    world.partner("it")
    three, two = world.accord("ma", "it"), world.accord("ma")
    assert [row.accord_id for row in queries.accords_among(["fr", "ma"])] == [two, three]
    assert [row.accord_id for row in queries.accords_among(["fr", "it"])] == [three]
    assert queries.accords_among(["fr", "de"]) == []
    assert world.ask("ma")
    from tansiq.node.dossiers.models import Dossier

    assert Dossier.objects.filter(kind="request").get().accord == two


def test_local_rules_are_replaced_and_audited_without_their_text(world: World) -> None:
    assert queries.local_rules() == LocalRules()
    rules = LocalRules(node="fr", rules=(LocalRule(clause="Law 7", outcome="refuse"),))
    actions.set_local_rules(rules, actor="dpo", now=world.now)
    actions.set_local_rules(rules, actor="dpo", now=world.now)
    assert queries.local_rules() == rules
    rows = Event.objects.filter(event="partner.local_rules_changed")
    assert [row.told["facts"] for row in rows] == [{}, {}]
