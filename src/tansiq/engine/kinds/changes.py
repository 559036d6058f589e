"""What an author changes afterwards – a part corrected or recalled, everything withdrawn – and every recipient's answer to it.

A change is *owed* by each recipient, in the facet ``owed:<party>``, from the entry that makes it until that party's entry
``confirm`` (by its machine, which has let go of the copy) or another settlement. Kinds with recipients declare their acts from
these pieces.
"""

from __future__ import annotations

from collections.abc import Iterable

from tansiq.engine.dossiers import acts
from tansiq.engine.dossiers.acts import Codes, EntryId, Submission, TimeText
from tansiq.engine.dossiers.kind import Deadline
from tansiq.engine.dossiers.states import Close, Effect, Open, State
from tansiq.engine.formats.json_values import JsonValue
from tansiq.engine.formats.times import parse_time


class Change(Codes):
    """One part of an entry; every recipient confirms until ``due``."""

    entry: EntryId
    part: acts.Commitment
    due: TimeText


class Withdrawal(Codes):
    """Everything in the dossier; every recipient confirms until ``due``."""

    due: TimeText


class Confirm(Codes):
    """The change that was obeyed."""

    change: EntryId


def owes(given: Submission) -> Iterable[Effect]:
    """Every other party owes an answer."""
    item = {**given.codes.model_dump(mode="json"), "act": given.header.act}
    yield from (Open(f"owed:{party}", item) for party in given.state.participants if party != given.author)


def owes_something(state: State, party: str) -> bool:
    """A condition: this party owes an answer to something."""
    return bool(state.writes(f"owed:{party}"))


def owed_by_author(given: Submission) -> str | None:
    """A rule: the change that is named is owed by whoever acts."""
    change = given.names("change")
    return None if change and given.state.holds(f"owed:{given.author}", change.entry_id) else "kind.not_open"


def settles(given: Submission) -> Iterable[Effect]:
    """What was owed for that change is settled by this party."""
    yield Close(f"owed:{given.author}", given.code("change"))


def own_part(given: Submission) -> str | None:
    """A rule: only what one has said oneself is changed."""
    entry = given.names("entry")
    return None if entry and entry.author == given.author else "kind.not_own_entry"


def owed_confirmations(state: State, kind: str) -> list[Deadline]:
    """What each recipient still owes, and until when."""
    return [
        Deadline("confirm", parse_time(item.value["due"]), party, f"{kind}:{item.act}")
        for party in state.participants
        for item in state.writes(f"owed:{party}")
        if isinstance(item.value, dict)
    ]


def shown_owed(state: State) -> dict[str, JsonValue]:
    """For each recipient the changes that it has not answered yet."""
    recipients = [party for party in state.participants if party != state.opener]
    return {party: [item.shown() for item in state.writes(f"owed:{party}")] for party in recipients}
