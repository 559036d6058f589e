"""Dossiers whose stored state is not what their entries come to: found by folding the headers anew, and written anew.

State is a fold over headers and nothing else, so it can always be reckoned again. What is wrong with a header itself is found before, by
:mod:`tansiq.node.dossiers.damage`: a dossier with such an entry cannot be folded, and is left until the entry has come again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.dossiers import entries, folds
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.errors import Corrupt, TansiqError
from tansiq.engine.kinds.registry import kind
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import actions, owed
from tansiq.node.dossiers.models import Dossier, Entry
from tansiq.node.vault.stores import snapshot

KEPT_EVERY = 64


@dataclass(frozen=True, slots=True)
class Refolded:
    """What a dossier's headers come to, and the verdict on each entry as it is stored: without its state where that is not kept."""

    folded: Folded
    traces: dict[str, Trace]


@dataclass(frozen=True, slots=True)
class Difference:
    """A dossier, and what of it is not what its entries come to: names of columns, and of entries whose verdict differs."""

    dossier: str
    columns: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    code: str = ""

    def __str__(self) -> str:
        what = [self.code, *self.columns, *(f"verdict on {entry[:12]}" for entry in self.verdicts[:3])]
        return f"{self.dossier[:12]} {', '.join(one for one in what if one)}"


def refold(dossier: Dossier) -> Refolded:
    """Fold every header of the dossier, those that others cite first. Raises TansiqError where one cannot be read or placed."""
    rules = kind(dossier.kind, dossier.kind_version)
    headers: dict[str, Header] = {}
    traces: dict[str, Trace] = {}
    folded: Folded | None = None
    rows = Entry.objects.filter(dossier=dossier).order_by("depth", "entry_id").values_list("entry_id", "header")
    for entry_id, raw in rows.iterator(chunk_size=500):
        headers[entry_id] = entries.read_header(bytes(raw))
        former = set(folded.heads) if folded else set()
        found = folds.append(rules, folded, headers[entry_id], entry_id, traces.get, load_header=headers.get)
        if not isinstance(found, folds.Appended):
            raise Corrupt("dossier.ancestor_lost", entry=entry_id)
        folded, traces[entry_id] = found.folded, found.trace
        for passed in former - set(folded.heads):
            if traces[passed].number % KEPT_EVERY:
                traces[passed] = folds.pruned(traces[passed])
    if folded is None:
        raise Corrupt("dossier.no_entries", dossier=dossier.dossier_id)
    return Refolded(folded, traces)


def differences() -> Iterator[Difference]:
    """Every dossier whose columns, or whose entries' verdicts, are not what its headers come to."""
    for dossier_id in Dossier.objects.order_by("dossier_id").values_list("dossier_id", flat=True):
        with snapshot():  # of one instant, while entries go on arriving
            dossier = Dossier.objects.filter(pk=dossier_id).first()
            found = difference(dossier) if dossier is not None else None
        if found is not None:
            yield found


def difference(dossier: Dossier, told: Refolded | None = None) -> Difference | None:
    """What of the dossier differs; None where nothing does."""
    try:
        told = told or refold(dossier)
        wanted = actions.state_columns(kind(dossier.kind, dossier.kind_version), told.folded)
    except TansiqError as error:
        return Difference(dossier.dossier_id, code=error.code)
    columns = tuple(name for name, value in wanted.items() if getattr(dossier, name) != value)
    verdicts = tuple(entry for entry, _ in _wrong_verdicts(dossier, told))
    return Difference(dossier.dossier_id, columns, verdicts) if columns or verdicts else None


def _wrong_verdicts(dossier: Dossier, told: Refolded) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries whose stored verdict is not the one reckoned, with the columns as they should be. A state more or less is no difference."""
    names = ("entry_id", "depth", "is_effective", "reason", "trace")
    for entry_id, depth, is_effective, reason, stored in Entry.objects.filter(dossier=dossier).values_list(*names):
        trace = told.traces[entry_id]
        wanted = trace.to_json()
        is_alike = isinstance(stored, dict) and {**stored, "after": None} == {**wanted, "after": None}
        is_head_whole = entry_id not in told.folded.heads or stored == wanted
        if (depth, is_effective, reason) != (trace.depth, trace.effective, trace.reason or "") or not (
            is_alike and is_head_whole
        ):
            yield (
                entry_id,
                {
                    "depth": trace.depth,
                    "is_effective": trace.effective,
                    "reason": trace.reason or "",
                    "trace": wanted,
                },
            )


def write_anew(dossier_id: str, now: datetime) -> Difference | None:
    """Write what the dossier's headers come to; returns what differed, with a code where it cannot be reckoned."""
    with transaction.atomic():
        dossier = actions.lock(dossier_id)
        if dossier is None:
            return None
        try:
            told = refold(dossier)
        except TansiqError as error:
            return Difference(dossier_id, code=error.code)
        found = difference(dossier, told)
        if found is None:
            return None
        rules = kind(dossier.kind, dossier.kind_version)
        for entry_id, columns in _wrong_verdicts(dossier, told):
            Entry.objects.filter(pk=entry_id).update(**columns)
        actions.write_state(dossier, actions.state_columns(rules, told.folded), told.folded, now)
        owed.keep(dossier, rules.deadlines(told.folded.state))
        facts = {"columns": list(found.columns), "verdicts": len(found.verdicts)}
        record("dossier.refolded", actor="machine", facts=facts, log="internal", now=now, dossier=dossier_id)
    return found
