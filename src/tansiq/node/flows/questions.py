"""From an entry to the question that ``decide`` answers: the same for the one who sends and the one who receives."""

from __future__ import annotations

from collections.abc import Iterable

from tansiq.engine.accords.decide import AccordInForce, Decision, Question, decide
from tansiq.engine.accords.questions import Occasion
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.kind import Kind
from tansiq.node.flows.intents import Intent


def of_entry(
    occasion: Occasion,
    rules: Kind,
    header: Header,
    parts: Iterable[Part | None],
    *,
    participants: Iterable[str],
    urgent: bool,
    intent: Intent | None = None,
    approvals: frozenset[str] = frozenset(),
    version: str | None = None,
) -> Question:
    """The question whether ``header`` with ``parts`` may go from its author to the other participants.

    ``approvals`` are the roles whose approval is at hand before signing; a signed header names its own.
    """
    present = [part for part in parts if part is not None]
    named = frozenset({header.approved_by.role}) if header.approved_by else frozenset()
    spec = rules.acts.get(header.act)
    codes = header.codes
    return Question(
        act=occasion,
        kind=rules.name,
        entry_act=header.act,
        sender=header.author,
        recipients=frozenset(participants) - {header.author},
        marking=header.marking,
        purpose=_code(codes.get("purpose")) or (intent.purpose or None if intent else None),
        crime_area=_code(codes.get("crime_area")) or (intent.crime_area or None if intent else None),
        categories=frozenset(part.category for part in present if part.category),
        flags=frozenset(flag for part in present for flag in part.flags),
        urgent=urgent,
        closing=bool(spec and spec.closing),
        approvals=approvals | named,
        human_rights_issues=frozenset(intent.issues) if intent else frozenset(_codes(codes.get("issues"))),
        assurances=frozenset(intent.assurances) if intent else frozenset(),
        provider_consents=frozenset(intent.consents) if intent else frozenset(),
        version=version,
    )


def _code(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _codes(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, (tuple, list)) else ()


__all__ = ["AccordInForce", "Decision", "Question", "decide", "of_entry"]
