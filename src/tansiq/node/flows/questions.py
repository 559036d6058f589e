"""From an act to the question that ``decide`` answers: the same for the one who sends and the one who receives.

The kind says what header and parts ask (``Kind.question``); added here is what only a node knows: the version of the accord that the
dossier pins, the approvals at hand before anything is signed, and what the acting officer declares beside the entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tansiq.engine.accords.questions import Occasion, Question
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import State
from tansiq.node.flows.intents import Intent


def of_header(
    occasion: Occasion,
    rules: Kind,
    header: Header,
    parts: Iterable[Part | None],
    state: State | None,
    *,
    version: str | None,
    approvals: frozenset[str] = frozenset(),
    intent: Intent | None = None,
) -> Question:
    """The question whether ``header`` with ``parts`` may go from its author to the other participants."""
    asked = rules.question(header, [part for part in parts if part is not None], state=state, occasion=occasion)
    asked = replace(asked, version=version, approvals=asked.approvals | approvals)
    if intent is None:
        return asked
    return replace(
        asked,
        purpose=asked.purpose or intent.purpose or None,
        crime_area=asked.crime_area or intent.crime_area or None,
        human_rights_issues=asked.human_rights_issues | frozenset(intent.issues),
        assurances=frozenset(intent.assurances),
        provider_consents=frozenset(intent.consents),
    )
