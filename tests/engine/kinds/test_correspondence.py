"""Correspondence: one authority registers, an external party takes part without ever signing; letters wait until they are noted as sent."""

from __future__ import annotations

from typing import Any

import pytest

from tansiq.engine.accords.decide import LOCAL_CLAUSE, Question, decide
from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.common import COMMON_ACTS
from tansiq.engine.dossiers.headers import Opening
from tansiq.engine.errors import Rejected
from tansiq.engine.kinds.registry import kind
from tests.engine.dossiers.simulated import START, Node, opening_of, part_refs
from tests.engine.kinds.enumerate import check_kind
from tests.engine.kinds.samples import CORRESPONDENCE as SAMPLES
from tests.engine.kinds.samples import LATER

RULES = kind("correspondence")
EXTERNAL = "ext:es-fiscalia-cadiz"
PARTIES = (EXTERNAL, "fr")
CODES: dict[str, Any] = {"direction": "incoming", "channel": "paper", "dated": "2026-11-20", "purpose": "investigation"}


def node(**codes: Any) -> Node:
    fr = Node("fr", RULES)
    fr.open(opening_of(RULES, PARTIES), {**CODES, **codes}, part_refs("narrative"))
    return fr


def test_every_state_and_pair_of_acts_commutes_or_stands_in_the_table() -> None:
    assert check_kind(RULES, SAMPLES, ("fr", "ma")) == set(RULES.phases)


def test_only_the_registering_node_may_act() -> None:
    fr = node()
    assert set(RULES.permitted(fr.state, "fr")) >= {"message", "letter", "close"}
    assert set(RULES.permitted(fr.state, EXTERNAL)) <= set(COMMON_ACTS)


def test_a_letter_waits_until_it_is_noted_as_sent() -> None:
    fr = node(due=LATER)
    assert [d.owner for d in RULES.deadlines(fr.state)] == ["fr"]
    letter = fr.act("letter", {}, part_refs("narrative"))
    assert RULES.phase(fr.state) == "in_hand"
    fr.act("mark_sent", {"letter": letter.entry_id, "channel": "diplomatic", "sent_on": "2026-11-22"})
    assert RULES.phase(fr.state) == "answered"
    assert RULES.deadlines(fr.state) == []
    assert "mark_sent" not in RULES.permitted(fr.state, "fr")


def test_what_never_was_a_letter_cannot_be_sent() -> None:
    fr = node()
    fr.act("letter", {}, part_refs("narrative"))
    fr.act("mark_sent", {"letter": fr.state.dossier, "channel": "paper", "sent_on": "2026-11-22"})
    assert RULES.phase(fr.state) == "in_hand", "the message that came was noted as sent, without effect"
    assert len(fr.state.writes("letters")) == 1


@pytest.mark.parametrize("dated", ["2026-13-01", "22.11.2026", "2026-11-32", ""])
def test_a_day_is_written_as_a_day(dated: str) -> None:
    with pytest.raises(Rejected):
        RULES.read_codes("enter", {**CODES, "dated": dated})


def test_an_external_party_stands_beside_one_node_and_nowhere_else() -> None:
    def read(*participants: str) -> Opening:
        made = entries.new_opening(RULES, participants, random=bytes).to_json()
        return Opening.from_json(made, at="/opening")

    assert read(*PARTIES).participants == PARTIES
    for others in (("fr", "ma", EXTERNAL), (EXTERNAL, "ext:de-bka"), ("fr", "ext:nowhere"), ("fr", "ext:")):
        with pytest.raises(Rejected) as caught:
            read(*others)
        assert caught.value.facts["at"] == "/opening/participants"


def asked(**changed: Any) -> Question:
    told: dict[str, Any] = {
        "act": "send",
        "kind": "correspondence",
        "entry_act": "enter",
        "sender": "fr",
        "recipients": frozenset({EXTERNAL}),
        "purpose": "investigation",
    }
    return Question(**(told | changed))


def test_the_rule_of_local_registration_answers_and_is_cited() -> None:
    decision = decide(asked(), None, now=START)
    assert (decision.answer, decision.clause) == ("permit", LOCAL_CLAUSE)
    above = decide(asked(marking=Marking(level=2)), None, now=START)
    assert (above.answer, above.clause) == ("refuse", LOCAL_CLAUSE)
    source = decide(asked(categories=frozenset({"information_provider"})), None, now=START)
    assert source.answer == "refuse"
    assert decide(asked(flags=frozenset({"minor"})), None, now=START).answer == "approval"


def test_what_the_correspondent_said_is_used_as_it_said() -> None:
    use = {"act": "print", "recipients": frozenset[str](), "providers": frozenset({EXTERNAL})}
    assert decide(asked(**use), None, now=START).is_permitted
    court = decide(asked(**use, as_evidence=True, purpose="prosecution"), None, now=START)
    assert (court.answer, court.blocks) == ("refuse", EXTERNAL)
    consented = decide(
        asked(**use, as_evidence=True, provider_consents=frozenset({(EXTERNAL, "evidence")})), None, now=START
    )
    assert consented.is_permitted
