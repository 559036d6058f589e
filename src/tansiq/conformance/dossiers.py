"""A dossier as a played partner holds it: folded by the engine, so that what a node adds is judged as every node must judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tansiq.conformance.keeping import Identity, Random
from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.entries import Part, SaltedPart, SignedEntry
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Actor, Header, Opening
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.kinds.registry import kind

OFFICER = Actor("liaison", officer="5b0c8d1e-2f4a-4c6b-8d7e-9a0b1c2d3e4f")


@dataclass
class Dossier:
    """The entries that a player has of one dossier, in the order in which they came to have their past."""

    opening: Opening
    folded: Folded | None = None
    traces: dict[str, Trace] = field(default_factory=dict)
    headers: dict[str, Header] = field(default_factory=dict)
    entries: list[SignedEntry] = field(default_factory=list)

    @property
    def rules(self) -> Kind:
        """The rules of its kind."""
        return kind(self.opening.kind, self.opening.kind_version)

    @property
    def dossier_id(self) -> str:
        """The id of its opening entry."""
        return self.entries[0].entry_id

    @property
    def heads(self) -> list[str]:
        """What a node tells another to compare."""
        assert self.folded is not None
        return sorted(self.folded.heads)

    def keep(self, entry: SignedEntry) -> Trace | None:
        """Fold an entry; its verdict, or None while its past is not here."""
        outcome = folds.append(
            self.rules, self.folded, entry.header, entry.entry_id, self.traces.get, load_header=self.headers.get
        )
        if isinstance(outcome, folds.Waiting):
            return None
        self.folded = outcome.folded
        if entry.entry_id not in self.headers:
            self.traces[entry.entry_id] = outcome.trace
            self.headers[entry.entry_id] = entry.header
            self.entries.append(entry)
        return outcome.trace

    def after(
        self,
        who: Identity,
        act: str,
        now: datetime,
        random: Random,
        *,
        codes: Mapping[str, Any] | None = None,
        parts: Sequence[Part] = (),
        folded: Folded | None = None,
    ) -> SignedEntry:
        """The next entry of ``who`` upon the present heads, or upon an older ``folded``; it is not kept yet."""
        salted = [SaltedPart.of(part, random) for part in parts]
        header = entries.compose(
            self.rules,
            folded or self.folded,
            author=who.node_id,
            act=act,
            acted_by=OFFICER,
            now=now,
            codes=codes,
            parts=salted,
            code_lists=self.opening.code_lists,
            load=self.traces.get,
        )
        return entries.sign_entry(header, salted, who.authority)

    def unasked(self, who: Identity, act: str, now: datetime, **members: Any) -> SignedEntry:
        """An entry at its place that nobody asked whether it has effect; ``members`` of the header as given."""
        assert self.folded is not None
        place = folds.cites(self.folded, who.node_id)
        told: dict[str, Any] = {
            "author": who.node_id,
            "seq": place.seq,
            "at": now,
            "act": act,
            "acted_by": OFFICER,
            "dossier": self.dossier_id,
            "prev": place.prev,
            "heads": place.heads,
            "depth": place.depth,
        }
        header = Header.from_json(Header(**(told | members)).to_json())
        return entries.sign_entry(header, (), who.authority)


def opened(
    who: Identity,
    kind_name: str,
    others: Sequence[str],
    now: datetime,
    random: Random,
    *,
    codes: Mapping[str, Any],
    parts: Sequence[Part] = (),
    **opening: Any,
) -> Dossier:
    """A new dossier of ``who`` with its opening entry."""
    rules = kind(kind_name)
    made = entries.new_opening(rules, (who.node_id, *others), random=random, **opening)
    salted = [SaltedPart.of(part, random) for part in parts]
    header = entries.compose(
        rules,
        None,
        author=who.node_id,
        act=rules.opening_act,
        acted_by=OFFICER,
        now=now,
        codes=codes,
        parts=salted,
        opening=made,
    )
    return restored([entries.sign_entry(header, salted, who.authority)])


def restored(told: Sequence[SignedEntry]) -> Dossier:
    """The dossier that these entries, in an order in which they can be folded, come to."""
    opening = told[0].header.opening
    assert opening is not None
    dossier = Dossier(opening)
    for entry in told:
        dossier.keep(entry)
    return dossier
