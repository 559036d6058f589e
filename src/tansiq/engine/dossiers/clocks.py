"""A clock that one side keeps and the other checks: ``due`` stands in an entry, pauses are entries too.

The executing side states the due instant in the codes of an entry (``puts_due`` writes it to the facet ``due`` with
what it replaced); a question that must be answered first stops the clock (``pauses``), its answer starts it again
(``resumes``), and the executing machine then owes an entry that states the later due instant (``owed_extension``).
The other side recounts from the same entries (``recounted_extension``), so that a wrong statement is seen, not
believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tansiq.engine.dossiers.acts import EffectRule, Submission
from tansiq.engine.dossiers.states import Effect, Put, State
from tansiq.engine.formats.times import format_time, parse_time


def puts_due(given: Submission) -> Iterable[Effect]:
    """State a due instant (code ``due``), and keep what it replaced and which pause it accounts for."""
    before = given.state.value("due")
    yield Put(
        "due",
        {
            "due": given.code("due"),
            "before": before["due"] if before else None,
            "pause": given.state.value("pause"),
        },
    )


def pauses(open_set: str) -> EffectRule:
    """The clock stops with the first item that is opened in ``open_set``."""

    def effect(given: Submission) -> Iterable[Effect]:
        if not given.state.writes(open_set):
            yield Put("paused", None)

    return effect


def resumes(open_set: str, code: str) -> EffectRule:
    """The clock runs again when the last open item, which ``code`` names, is closed."""

    def effect(given: Submission) -> Iterable[Effect]:
        paused = given.state.latest("paused")
        if paused and [write.entry for write in given.state.writes(open_set)] == [given.code(code)]:
            yield Put("pause", {"from": paused.at, "to": format_time(given.header.at)})

    return effect


def due_at(state: State) -> datetime | None:
    """The due instant as the executing side stated it last."""
    due = state.value("due")
    return None if due is None else parse_time(due["due"])


def owed_extension(state: State) -> tuple[datetime, str] | None:
    """The due instant moved by a pause that no statement accounts for yet, and the entry that ended the pause."""
    due, pause = state.latest("due"), state.latest("pause")
    if due is None or pause is None or not isinstance(due.value, dict) or due.value["pause"] == pause.value:
        return None
    stood_still = _length(pause.value)
    return parse_time(due.value["due"]) + stood_still, pause.entry


def recounted_extension(state: State) -> datetime | None:
    """What the last statement should say if it only moved the one before by the length of a pause."""
    due = state.value("due")
    if due is None or due["before"] is None or due["pause"] is None:
        return None
    return parse_time(due["before"]) + _length(due["pause"])


def _length(pause: object) -> timedelta:
    if not isinstance(pause, dict):
        return timedelta()
    return max(parse_time(pause["to"]) - parse_time(pause["from"]), timedelta())
