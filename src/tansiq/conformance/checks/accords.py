"""What an accord decides: without one nothing is used; under one, the node's machine answers.

The kit proposes an accord once and remembers it. Whoever runs the node under test lets an officer ratify it there; until then what
needs an accord in force is *not applicable*.
"""

from __future__ import annotations

from typing import Any

from tansiq.conformance.checks.entries import _before, proposal
from tansiq.conformance.dossiers import Dossier, opened, restored
from tansiq.conformance.stage import Stage, entries_in, heads
from tansiq.conformance.verdicts import Broken, NotApplicable, check
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import Part, SignedEntry
from tansiq.engine.errors import TansiqError

CODES = {
    "purpose": "investigation",
    "crime_area": "0601",
    "use": "intelligence",
    "restrictions": "none",
    "urgency": "life_or_limb",
}


def _request(stage: Stage, **opening: Any) -> Dossier:
    """A complete request of A to the node, about somebody who does not exist."""
    subject = {"schema": "Person", "properties": {"name": ["Conformance Nobody"], "birthDate": ["1984-03-17"]}}
    parts = [
        Part(type="question", language="en", content={"text": "Conformance: is anything known?"}),
        Part(type="subject", category="suspect", content=subject),
        *(
            Part(type="narrative", language="en", content={"topic": topic, "text": "Conformance kit"})
            for topic in ("offence", "objective_reasons", "link", "urgency_reasons")
        ),
    ]
    to = [stage.target.node_id]
    return opened(stage.a.who, "request", to, stage.clock(), stage.a.random, codes=CODES, parts=parts, **opening)


def _signed_by_node(stage: Stage, dossier: Dossier, act: str, since: int) -> SignedEntry:
    """The entry with which the node's machine answers; raises :class:`Broken` where it does not come."""

    def is_it(entry: SignedEntry) -> bool:
        told = (entry.header.author, entry.header.act, entry.header.dossier)
        return told == (stage.target.node_id, act, dossier.dossier_id)

    found = stage.until(stage.a, lambda item: any(is_it(one) for one in _readable(item)), since=since)
    if found is None:
        raise Broken(f"no {act} came")
    return _readable(found)[0]


def _readable(item: Any) -> list[SignedEntry]:
    try:
        return entries_in([item])
    except TansiqError:
        return []


def _require_sound(stage: Stage, dossier: Dossier, entry: SignedEntry) -> None:
    keys = {one.key_id: one.public_bytes for one in stage.target.keys if one.purpose == "authority"}
    try:
        entries.verify_entry(entry, keys)
    except TansiqError as error:
        raise Broken(f"what the node signed does not verify: {error}") from error
    trace = dossier.keep(entry)
    if trace is None:
        raise Broken("what the node signed stands on entries that nobody has")
    if not trace.effective:
        raise Broken(f"what the node signed has no effect: {trace.reason}")


@check("DOS-5")
def not_accepted(stage: Stage) -> None:
    """A request under no accord at all."""
    dossier = _request(stage)
    since = len(stage.a.came)
    stage.take(stage.a, dossier.entries[0])
    answer = _signed_by_node(stage, dossier, "not_accepted", since)
    if answer.header.codes.get("entry") != dossier.dossier_id:
        raise Broken("not_accepted names another entry")
    if set(answer.header.codes) != {"entry"} or answer.header.parts:
        raise Broken("not_accepted says more than which entry")


@check("DOS-7")
def signed_by_the_node(stage: Stage) -> None:
    """Whatever the machine says of itself, folded as every node folds it."""
    dossier = _request(stage)
    since = len(stage.a.came)
    stage.take(stage.a, dossier.entries[0])
    _require_sound(stage, dossier, _signed_by_node(stage, dossier, "not_accepted", since))


@check("DOS-6")
def request_under_an_accord(stage: Stage) -> None:
    """A complete request; the clock of the deadline begins with the node's own word."""
    accord = _accord(stage)
    state = accord.rules.view(accord.folded.state) if accord.folded else {}
    version = next((str(one.header.codes["terms"]) for one in accord.entries if one.header.act == "ratify"), "")
    del state
    dossier = _request(stage, accord=accord.dossier_id, accord_version=version)
    since = len(stage.a.came)
    stage.take(stage.a, dossier.entries[0])
    _require_sound(stage, dossier, _signed_by_node(stage, dossier, "received", since))


def _accord(stage: Stage) -> Dossier:
    """The accord that was proposed once, when the node has ratified it; raises :class:`NotApplicable` until then."""
    told = [entries.from_wire(one) for one in stage.kept.accord]
    accord = restored(told) if told else _proposed(stage)
    since = len(stage.a.came)
    stage.take(stage.a, *accord.entries)
    stage.take(stage.a, heads({accord.dossier_id: accord.heads}, after=_before(accord), until=accord.dossier_id))
    for entry in entries_in(one for one in stage.a.came[since:] if one.type == "entry"):
        if entry.dossier == accord.dossier_id:
            accord.keep(entry)
    stage.kept.accord = [one.to_wire() for one in accord.entries]
    if not any((one.header.author, one.header.act) == (stage.target.node_id, "ratify") for one in accord.entries):
        raise NotApplicable(f"no officer of the node has ratified the kit's accord {accord.dossier_id}")
    return accord


def _proposed(stage: Stage) -> Dossier:
    accord = proposal(stage, stage.a)
    codes = {"terms": accord.entries[0].header.codes["terms"]}
    accord.keep(accord.after(stage.a.who, "ratify", stage.clock(), stage.a.random, codes=codes))
    return accord
