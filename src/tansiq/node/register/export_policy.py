"""May this statement leave the register in a file? Pure: what it says of its conditions in, a reason or None out.

A file that left is beyond every control, so the strictest reading holds. Nothing above the lowest level goes into a
plain file, whoever said it. What a partner sent goes only if the accord it came under permits the export for this
purpose *and* leaves passing on free, and if its marking does: H2 and TLP from AMBER need the provider's permission,
which no file carries with it; H3 is a condition in words that no machine can judge; conditions that are not known are
not kept. What our own officers and public lists say is ours to give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tansiq.engine.accords.decide import AccordInForce, Decision, LocalRules, Question, decide
from tansiq.engine.accords.markings import Marking
from tansiq.engine.errors import Rejected

REASONS = ("level", "onward", "handling_note", "conditions_unknown", "no_dossier", "accord")
JUDICIAL = frozenset({"prosecution", "extradition", "execution_of_penalties"})
"""Purposes for which an export is a use in judicial proceedings (handling code H1)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where received information came from: the providing node, the dossier's kind, and the accord it stands under."""

    provider: str
    kind: str
    accord: AccordInForce | None
    version: str | None


@dataclass(frozen=True, slots=True)
class ExportPolicy:
    """What one export may take, for one purpose; remembers what it decided about equal conditions."""

    me: str
    purpose: str
    local: LocalRules
    now: datetime
    refusals: list[Decision] = field(default_factory=list)
    """What accords and national rules said no to, for whoever must cite the clause."""
    _decided: dict[tuple[object, ...], str | None] = field(default_factory=dict)

    def reason_against(
        self, kind: str, marking: Mapping[str, Any] | None, *, dossier: str, source: Source | None
    ) -> str | None:
        """One of ``REASONS``, or None where nothing speaks against it.

        ``kind`` is the statement's source kind; ``source`` is what is known of the dossier (None: nothing).
        """
        try:
            read = None if marking is None else Marking.from_json(marking)
        except Rejected:
            return "conditions_unknown"
        if read is not None and read.level > 0:
            return "level"
        if kind != "received":
            return None
        if read is None:
            return "conditions_unknown"
        if not read.onward_allowed:
            return "onward"
        if read.needs_note:
            return "handling_note"
        if source is None:
            return "no_dossier"
        asked = (dossier, source.provider, read)
        if asked not in self._decided:
            self._decided[asked] = self._accord_against(read, source)
        return self._decided[asked]

    def _accord_against(self, marking: Marking, source: Source) -> str | None:
        question = Question(
            act="export",
            kind=source.kind,
            entry_act="",
            sender=self.me,
            marking=marking,
            purpose=self.purpose,
            as_evidence=self.purpose in JUDICIAL,
            providers=frozenset({source.provider}),
            version=source.version,
            opens=False,
        )
        decision = decide(question, source.accord, now=self.now, local=self.local)
        if not decision.is_permitted:
            self.refusals.append(decision)
            return "accord"
        free = decision.conditions is not None and decision.conditions.onward == "free"
        return None if free else "onward"
