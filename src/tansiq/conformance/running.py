"""Every check in order, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import httpx

from tansiq.conformance import checks
from tansiq.conformance.clauses import CLAUSES
from tansiq.conformance.stage import Stage
from tansiq.conformance.verdicts import CHECKS, FAIL, NOT_APPLICABLE, PASS, Broken, NotApplicable, Verdict
from tansiq.engine.errors import TansiqError

__all__ = ["Report", "checks", "run"]

ENROLMENT = "ENV-2"
CHANGING_KEYS = ("ENV-22", "ENV-23", "ITM-12", "ENV-24")
"""Judged last, so that a run which is interrupted leaves a kit that still works."""


@dataclass(frozen=True, slots=True)
class Report:
    """The verdicts of one run, in the order of the clauses."""

    node_id: str
    url: str
    verdicts: tuple[Verdict, ...]

    @property
    def is_well(self) -> bool:
        """Whether no clause was found broken."""
        return all(one.verdict != FAIL for one in self.verdicts)

    def of(self, verdict: str) -> list[str]:
        """The numbers of the clauses with that verdict."""
        return [one.clause.number for one in self.verdicts if one.verdict == verdict]


def run(stage: Stage, *, only: Collection[str] = (), on_verdict: Callable[[Verdict], None] = lambda _: None) -> Report:
    """Judge every clause, or ``only`` those (enrolment always); ``on_verdict`` hears of each as it is found.

    Where not even an envelope that is right is accepted, the rest is not applicable: nothing could be told from it.
    """
    found: dict[str, Verdict] = {}
    is_enrolled = True
    for number in (*(one for one in CLAUSES if one not in CHANGING_KEYS), *CHANGING_KEYS):
        if only and number not in only and number != ENROLMENT:
            continue
        if is_enrolled:
            verdict = _judged(stage, number)
        else:
            verdict = Verdict(CLAUSES[number], NOT_APPLICABLE, "the kit is not enrolled there, or nothing is accepted")
        found[number] = verdict
        on_verdict(verdict)
        is_enrolled = is_enrolled and not (number == ENROLMENT and verdict.verdict == FAIL)
    in_order = tuple(found[number] for number in CLAUSES if number in found)
    return Report(stage.target.node_id, stage.line.url, in_order)


def _judged(stage: Stage, number: str) -> Verdict:
    clause = CLAUSES[number]
    try:
        CHECKS[number](stage)
    except Broken as found:
        return Verdict(clause, FAIL, str(found))
    except NotApplicable as found:
        return Verdict(clause, NOT_APPLICABLE, str(found))
    except httpx.HTTPError as error:
        return Verdict(clause, FAIL, f"the line broke: {type(error).__name__}")
    except TansiqError as error:
        # The reader that met it is the engine's: whatever the node said is not in the form of the protocol.
        return Verdict(clause, FAIL, f"what came cannot be read: {error}")
    return Verdict(clause, PASS)
