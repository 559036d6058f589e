"""What is asked of an accord, and what it answers.

A ``Question`` holds everything the shared part of ``decide`` looks at, so that two nodes that put the same question
to the same version get the same ``Decision``. A decision always cites: ``clause`` is the place in the instrument (or
the reservation, or the rule of this protocol) and ``term`` is the stable name that faces translate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from tansiq.engine.accords.markings import UNMARKED, Freedom, Marking
from tansiq.engine.accords.terms import Blind, SearchMode
from tansiq.engine.errors import Refused
from tansiq.engine.formats.json_values import JsonValue

Occasion: TypeAlias = Literal["send", "receive", "forward", "export", "print", "hit", "query"]
Answer: TypeAlias = Literal["permit", "approval", "refuse"]

ANSWERS: Final[tuple[Answer, ...]] = ("permit", "approval", "refuse")
USES: Final = frozenset({"forward", "export", "print"})
SEARCHES: Final = frozenset({"hit", "query"})


@dataclass(frozen=True, slots=True)
class Question:
    """May this happen?

    ``sender`` is the node that acts; only for ``receive`` is it the author of what arrives, and ``recipients`` then
    are all addressees, so that both sides ask the same. ``query`` goes from the asker to the asked, ``hit`` from the
    holder to the asker. For the three uses (forward, export, print) ``providers`` are the nodes whose information it
    is (an empty set: one's own); not knowing them is refused. On send ``providers`` are those other nodes whose
    information is contained.

    ``purpose`` and ``crime_area`` are None where the act does not state them (the opening of its dossier did).
    ``approvals`` are roles that have approved, ``provider_consents`` pairs (provider, "onward" | "evidence"),
    ``assurances`` pairs (issue, State in two lowercase letters). ``version`` pins a version of the accord; None asks
    the newest that all involved have ratified. ``discloses`` says what an answer to a query would tell. A blind query
    names the ``families`` of keys it asks under (none: an open one); ``spent_today`` then is what blind questions took
    of the day's budget, ``spent_by_officer`` what those of the asking officer took, and ``costs`` what this one would take
    (``engine.blind.budget``). A question about a plan says what it costs in ``cells``, and ``spent_today`` then counts
    cells.

    ``threat`` says that an imminent threat to life is the ground: *claimed* by the act itself, or *answered*, where
    somebody else claimed it when the dossier was opened. ``acted_as`` is the role in which the officer acts.

    ``opens`` is true unless the act is known to continue a dossier: an opening claims its urgency, and stands under the
    newest version too. ``by_machine`` marks an act that a rule makes, not a person: nobody is there to ask for an
    approval, so none is demanded; refusals hold all the same.
    """

    act: Occasion
    kind: str
    entry_act: str
    sender: str
    recipients: frozenset[str] = frozenset()
    marking: Marking = UNMARKED
    purpose: str | None = None
    crime_area: str | None = None
    categories: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    urgent: bool = False
    closing: bool = False
    opens: bool = True
    by_machine: bool = False
    threat: Literal["", "claimed", "answered"] = ""
    acted_as: str = ""
    as_evidence: bool = False
    approvals: frozenset[str] = frozenset()
    providers: frozenset[str] | None = None
    provider_consents: frozenset[tuple[str, str]] = frozenset()
    human_rights_issues: frozenset[str] = frozenset()
    assurances: frozenset[tuple[str, str]] = frozenset()
    version: str | None = None
    discloses: Literal["contact", "hit"] = "hit"
    spent_today: int = 0
    families: frozenset[str] = frozenset()
    spent_by_officer: int = 0
    costs: int = 1
    cells: int = 0

    @property
    def is_use(self) -> bool:
        """About information already here: forward, export, print."""
        return self.act in USES

    @property
    def addressees(self) -> tuple[str, ...]:
        """The recipients other than the sender, in the one order everything is looked at."""
        return tuple(sorted(set(self.recipients) - {self.sender}))

    @property
    def others(self) -> tuple[str, ...]:
        """The providers other than the acting node; empty when all is its own, or when nobody said."""
        return tuple(sorted((self.providers or frozenset()) - {self.sender}))

    @property
    def acts(self) -> frozenset[str]:
        """The names a rule may know this act by; receiving answers to the rules of sending."""
        return frozenset({"send" if self.act == "receive" else self.act, self.entry_act})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stays attached to whatever is permitted: the strictest over everybody involved."""

    retention_days: int
    review_days: int
    onward: Freedom
    evidence: Freedom
    search_mode: SearchMode
    budget_per_day: int
    blind: Blind = field(default_factory=Blind)


@dataclass(frozen=True, slots=True)
class Decision:
    """Permit, refuse, or who must approve; ``clause`` is never empty.

    ``blocks`` names the node because of which it is not permitted, ``reserved_by`` the party whose reservation is
    cited. ``roles`` are all roles whose approval is still missing, ``role`` the first. ``local`` marks an answer of
    national rules: its reason never leaves the node.
    """

    answer: Answer
    code: str
    clause: str
    term: str
    blocks: str | None = None
    role: str | None = None
    roles: tuple[str, ...] = ()
    local: bool = False
    reserved_by: str | None = None
    conditions: Conditions | None = None

    @property
    def is_permitted(self) -> bool:
        """It may happen now."""
        return self.answer == "permit"

    def enforce(self) -> Decision:
        """This decision if it permits; else ``Refused`` with its code, clause, term, and who blocks or must
        approve."""
        if self.is_permitted:
            return self
        raise Refused(self.code, clause=self.clause, term=self.term, blocks=self.blocks or "", role=self.role or "")

    def to_json(self) -> dict[str, JsonValue]:
        """For faces and audit rows; never for a partner when ``local``."""
        return {
            "answer": self.answer,
            "code": self.code,
            "clause": self.clause,
            "term": self.term,
            "blocks": self.blocks,
            "role": self.role,
            "roles": [*self.roles],
            "local": self.local,
            "reserved_by": self.reserved_by,
        }


def strictest_decision(decisions: Iterable[Decision]) -> Decision:
    """The strictest of at least one decision, the first among equals; missing roles of all approvals are gathered."""
    given = list(decisions)
    first = max(given, key=lambda decision: ANSWERS.index(decision.answer))
    if first.answer != "approval":
        return first
    return replace(first, roles=tuple(sorted({role for decision in given for role in decision.roles})))
