"""Reads of dossiers: the only way to a protected row is through a function that is given the officer.

*Not found* and *not allowed* raise the same error, so that a refusal does not reveal that something exists.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast

from tansiq.engine.accords.markings import Marking, strictest
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SaltedPart, SignedEntry
from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.dossiers.states import Trace
from tansiq.engine.envelopes import dsse
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64encode, digest, is_digest, is_external, is_id
from tansiq.engine.kinds.registry import kind
from tansiq.node.accounts.policy import require
from tansiq.node.dossiers.drafts import OPEN
from tansiq.node.dossiers.models import (
    Case,
    Dossier,
    Draft,
    EndedExercise,
    Entry,
    Forwarded,
    Note,
    Part,
    Quarantined,
    Reference,
)
from tansiq.node.dossiers.policy import OfficerLike, may_see, visible_to
from tansiq.node.vault.asking import asked_once
from tansiq.node.vault.keys import search_token
from tansiq.node.vault.prepared import Select

UNREAD_ACTS = ("open", "message", "call")
"""What is read on a direct line; what machines and answers tell is seen in passing."""


_DOSSIER = Select(Dossier, ("dossier_id",))
_ENDED = Select(EndedExercise, ("dossier_id",), fields=("dossier_id",))
_TRACE = Select(Entry, ("entry_id",), fields=("trace",))
_HEADER = Select(Entry, ("entry_id",), fields=("header",))


def get_dossier_for(officer: OfficerLike, dossier_id: str) -> Dossier:
    """The dossier, if this officer needs to know it; raises Rejected("dossier.not_found") otherwise."""
    found = _DOSSIER.first(dossier_id) if is_digest(dossier_id) else None
    if found is None or not may_see(officer, found):
        raise Rejected("dossier.not_found", dossier=str(dossier_id)[:64])
    return found


def dossiers_for(
    officer: OfficerLike,
    *,
    kind_name: str = "",
    phase: str = "",
    partner: str = "",
    is_open: bool | None = None,
    reference: str = "",
    exercise: bool | None = None,
) -> QuerySet[Dossier]:
    """The dossiers this officer may see, newest change first, narrowed by what is given."""
    rows = Dossier.objects.filter(visible_to(officer)).defer("folded")
    if kind_name:
        rows = rows.filter(kind=kind_name)
    if phase:
        rows = rows.filter(phase=phase)
    if is_open is not None:
        rows = rows.filter(is_closed=not is_open)
    if exercise is not None:
        rows = rows.filter(exercise=exercise)
    if reference:
        rows = rows.filter(references__token=search_token(reference)).distinct()
    if partner:
        ids = [d.dossier_id for d in rows.only("dossier_id", "participants") if partner in d.participants]
        rows = rows.filter(dossier_id__in=ids)
    return rows


def kept_under(references: Iterable[str]) -> dict[str, str]:
    """For each of these references of ours under which a dossier is kept, that dossier's id; for the machine."""
    tokens = {search_token(reference): reference for reference in references}
    rows = Reference.objects.filter(token__in=list(tokens), whose="ours")
    return {tokens[token]: dossier for token, dossier in rows.values_list("token", "dossier_id")}


def in_order(dossier_ids: Iterable[str]) -> list[Dossier]:
    """The dossiers of these ids, in this order; for ids that were read by right."""
    wanted = list(dossier_ids)
    rows = {row.pk: row for row in Dossier.objects.filter(pk__in=wanted).defer("folded")}
    return [rows[one] for one in wanted if one in rows]


def dossier_by_id(dossier_id: str) -> Dossier | None:
    """The dossier for the machine (flows); pages use :func:`get_dossier_for`."""
    return _DOSSIER.first(dossier_id)


def shared_with(partner: str, *, after: str = "", until: str = "") -> Iterator[Dossier]:
    """Every dossier in which ``partner`` takes part, by id, from beyond ``after`` up to and with ``until``; for the machine."""
    rows = Dossier.objects.filter(dossier_id__gt=after).order_by("dossier_id")
    if until:
        rows = rows.filter(dossier_id__lte=until)
    return (row for row in rows.iterator(chunk_size=500) if partner in row.participants)


def digest_of_heads(heads: Iterable[str]) -> str:
    """SHA-256 over the ids of a dossier's heads, sorted, in hex (docs/protocol/items.md §2)."""
    return digest("".join(sorted(heads)).encode())


def summary_with(partner: str) -> dict[str, str]:
    """For each two hex digits that ids of dossiers shared with ``partner`` begin with: SHA-256 over id and heads digest of each, by id.

    One walk over three columns: a dossier costs some microseconds, whatever it holds.
    """
    sums: dict[str, Any] = {}
    quoted = json.dumps(partner)
    rows = Dossier.objects.annotate(parties=Cast("participants", TextField())).order_by("dossier_id")
    for dossier_id, parties, heads in rows.values_list("dossier_id", "parties", "heads_digest").iterator(
        chunk_size=5000
    ):
        if quoted in parties:  # as text: a hundred thousand lists need not be read
            prefix = dossier_id[:2]
            if prefix not in sums:
                sums[prefix] = hashlib.sha256()
            sums[prefix].update((dossier_id + heads).encode())
    return {prefix: told.hexdigest() for prefix, told in sums.items()}


@asked_once(EndedExercise)
def has_ended(dossier_id: str) -> bool:
    """Whether this is an exercise that was deleted here."""
    return _ENDED.exists(dossier_id)


def count() -> int:
    """How many dossiers this node holds."""
    return Dossier.objects.count()


def unread_in(dossier_ids: list[str]) -> dict[str, int]:
    """How many entries of partners' officers nobody here has opened yet, by dossier; for rows that were read by right."""
    rows = Entry.objects.filter(dossier__in=dossier_ids, is_own=False, opened_at=None, act__in=UNREAD_ACTS)
    return dict(rows.values("dossier").annotate(n=Count("entry_id")).values_list("dossier", "n"))


def folded_of(dossier: Dossier) -> Folded:
    """What the dossier's entries come to, as the engine wants it."""
    if dossier.opened_state is None or dossier.opened_state[0] is not dossier.folded:
        dossier.opened_state = (dossier.folded, Folded.from_json(dossier.folded))
    return dossier.opened_state[1]


def view_of(dossier: Dossier) -> dict[str, Any]:
    """The kind's read model of the dossier's state."""
    return dict(kind(dossier.kind, dossier.kind_version).view(folded_of(dossier).state))


def load_trace(entry_id: str) -> Trace | None:
    """The stored verdict on an entry, or None when this node does not have it."""
    found = _TRACE.value(entry_id)
    return Trace.from_json(found) if found is not None else None


def traces_of(dossier: Dossier) -> list[Trace]:
    """The verdict on every entry of the dossier, in display order."""
    return [
        Trace.from_json(found)
        for found in dossier.entries.order_by("depth", "entry_id").values_list("trace", flat=True)
    ]


def load_header(entry_id: str) -> Header | None:
    """The stored header, or None when this node does not have it."""
    found = _HEADER.value(entry_id)
    return entries.read_header(bytes(found)) if found is not None else None


def parts_by_entry(dossier: Dossier, *, types: set[str]) -> dict[str, list[Any]]:
    """The unerased parts of these types, by entry id."""
    found: dict[str, list[Any]] = {}
    for row in Part.objects.filter(entry__dossier=dossier, type__in=types, salted__isnull=False).order_by(
        "entry_id", "index"
    ):
        found.setdefault(row.entry_id, []).append(SaltedPart.from_json(row.salted, at="").part)
    return found


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry as a page shows it: the row, its opened header, and its parts (None where erased)."""

    row: Entry
    signed: SignedEntry

    @property
    def parts(self) -> list[Any]:
        return [p.part if p else None for p in self.signed.parts]


def entries_of(dossier: Dossier, *, after_depth: int = -1, limit: int | None = None) -> list[EntryView]:
    """The dossier's entries in display order."""
    rows = dossier.entries.filter(depth__gt=after_depth).prefetch_related("parts")
    return [EntryView(row, signed_entry(row)) for row in (rows[:limit] if limit else rows)]


def newest_of(dossier: Dossier, *, skip: int, count: int) -> list[EntryView]:
    """``count`` of the dossier's entries in display order, but for the newest ``skip``."""
    rows = dossier.entries.order_by("-depth", "-entry_id").prefetch_related("parts")[skip : skip + count]
    return [EntryView(row, signed_entry(row)) for row in reversed(rows)]


def newer_than(dossier: Dossier, entry_id: str) -> int | None:
    """How many of the dossier's entries stand after this one in display order; None for an entry that is not in it."""
    found = dossier.entries.filter(pk=entry_id).values_list("depth", flat=True).first()
    if found is None:
        return None
    return dossier.entries.filter(Q(depth__gt=found) | Q(depth=found, entry_id__gt=entry_id)).count()


def marking_of(dossier: Dossier) -> Marking:
    """The strictest of all conditions in the dossier, from the headers alone: each way of writing them is read once."""
    raw = dossier.entries.values_list("header", flat=True).order_by().iterator(chunk_size=500)
    told = {json.dumps(json.loads(bytes(one))["marking"], sort_keys=True) for one in raw}
    return strictest(Marking.from_json(json.loads(one)) for one in told)


def signed_entry(row: Entry) -> SignedEntry:
    """The entry as it was signed, with the parts that were not erased."""
    parts = [SaltedPart.from_json(p.salted, at="") if p.salted is not None else None for p in row.parts.all()]
    return replace(signed_header(row), parts=tuple(parts))


def signed_header(row: Entry) -> SignedEntry:
    """The entry as it was signed, without any of its parts: nothing sealed is opened."""
    raw = bytes(row.header)
    envelope = {"payloadType": entries.PAYLOAD_TYPE, "payload": b64encode(raw), "signatures": row.signatures}
    return SignedEntry(dsse.Signed.from_json(envelope), entries.read_header(raw), ())


def entries_from(dossier: Dossier, author: str) -> list[Entry]:
    """The entries of one author in the dossier, in their order; for the machine."""
    return list(dossier.entries.filter(author=author).order_by("seq", "entry_id"))


def entries_but_of(dossier: Dossier, author: str) -> list[Entry]:
    """The entries of everybody but ``author``; for the machine."""
    return list(dossier.entries.exclude(author=author).order_by("depth", "entry_id"))


def entries_in_order(dossier: Dossier) -> Iterator[Entry]:
    """The dossier's entries, those that others cite first; for the machine."""
    return iter(dossier.entries.order_by("depth", "entry_id"))


def code_lists_of(dossier_id: str) -> dict[str, str]:
    """The code lists that the dossier's opening entry pins, by digest."""
    try:
        return dict(_pinned(dossier_id))
    except LookupError:
        return {}


@lru_cache(maxsize=1024)
def _pinned(dossier_id: str) -> tuple[tuple[str, str], ...]:
    """What the opening entry pins. A dossier's id is the digest of that entry: no later reading can differ."""
    header = load_header(dossier_id)
    if header is None:
        raise LookupError(dossier_id)
    return tuple(header.opening.code_lists.items()) if header.opening else ()


def entry_by_id(entry_id: str) -> Entry | None:
    """The entry, for the machine."""
    return Entry.objects.filter(entry_id=entry_id).select_related("dossier").first()


def provider_of(row: Entry) -> str:
    """Whose information an entry is: its author's, or, of a message registered from another channel, the correspondent's."""
    correspondent = next((party for party in row.dossier.participants if is_external(party)), None)
    if correspondent is None:
        return row.author
    header = entries.read_header(bytes(row.header))
    return correspondent if header.codes.get("direction") == "incoming" else row.author


def authors_of(entry_ids: Iterable[str]) -> set[str]:
    """Whose information these entries are; raises Rejected("dossier.source_unknown") for one that is not here."""
    wanted = set(entry_ids)
    rows = Entry.objects.filter(entry_id__in=wanted).select_related("dossier").defer("dossier__folded")
    found = {row.entry_id: provider_of(row) for row in rows}
    if missing := sorted(wanted - set(found)):
        raise Rejected("dossier.source_unknown", at="/parts", entry=missing[0])
    return set(found.values())


def judged_among(entry_ids: Iterable[str]) -> set[str]:
    """Those of the entries that this node holds with their verdict."""
    return set(Entry.objects.filter(entry_id__in=list(entry_ids)).values_list("entry_id", flat=True))


def is_judged(entry_id: str) -> bool:
    """Whether this node holds the entry with its verdict."""
    return Entry.objects.filter(entry_id=entry_id).exists()


def lacks_parts(entry_id: str) -> bool:
    """Whether parts of the entry came as null and were neither erased nor quarantined here."""
    return Part.objects.filter(entry=entry_id, salted__isnull=True, erased_for="").exists()


def has_part(entry_id: str, index: int) -> bool:
    """Whether the content of that part is here."""
    return Part.objects.filter(entry=entry_id, index=index, salted__isnull=False).exists()


def part_of(entry_id: str, index: int) -> Any:
    """One part of an entry; None where its content is not here (any more). For the machine."""
    row = Part.objects.filter(entry=entry_id, index=index, salted__isnull=False).first()
    return SaltedPart.from_json(row.salted, at="").part if row else None


def part_in(salted: Any) -> Any:
    """The part that the sealed column of a row holds."""
    return SaltedPart.from_json(salted, at="").part


def own_subject_parts(after: int, *, limit: int) -> list[Part]:
    """The next parts about somebody in entries that this node signed, by row number; for the machine, which must not show more."""
    rows = Part.objects.filter(entry__is_own=True, type="subject", salted__isnull=False, pk__gt=after)
    fields = ("entry__dossier__folded", "entry__header")
    return list(rows.select_related("entry__dossier").defer(*fields).order_by("pk")[:limit])


def takes_part(node: str, dossier_id: str) -> bool:
    """Whether ``node`` is a participant of the dossier."""
    found = Dossier.objects.filter(dossier_id=dossier_id).values_list("participants", flat=True).first()
    return found is not None and node in found


def blobs_in_drafts() -> set[str]:
    """The blobs that parts of open drafts name; for the machine."""
    intents = Draft.objects.filter(state__in=OPEN).values_list("intent", flat=True)
    parts = (part for intent in intents.iterator() for part in intent.get("parts", []))
    return {str(part["content"]["blob"]) for part in parts if isinstance(part.get("content", {}).get("blob"), str)}


def get_quarantined_for(officer: OfficerLike, entry_id: str) -> Quarantined:
    """The entry in quarantine, for the data-protection officer alone; raises Refused("account.role") or Rejected("dossier.not_quarantined")."""
    require(officer.roles, "quarantine")
    found = Quarantined.objects.select_for_update().filter(entry_id=entry_id).first() if is_digest(entry_id) else None
    if found is None:
        raise Rejected("dossier.not_quarantined", entry=str(entry_id)[:64])
    return found


def has_said(dossier: Dossier, author: str, act: str, entry_id: object) -> bool:
    """Whether ``author`` has done ``act`` about that entry in the dossier; for jobs that may run twice."""
    rows = dossier.entries.filter(author=author, act=act).values_list("header", flat=True)
    return any(entries.read_header(bytes(raw)).codes.get("entry") == entry_id for raw in rows)


def effective(dossier: Dossier, author: str, act: str) -> list[Header]:
    """The headers of an author's entries of one act that had effect in the dossier, in their order; for the machine."""
    rows = dossier.entries.filter(author=author, act=act, is_effective=True).order_by("seq", "entry_id")
    return [entries.read_header(bytes(raw)) for raw in rows.values_list("header", flat=True)]


def forwarded_from(entry_id: str, commitments: Iterable[str] | None = None) -> list[Forwarded]:
    """Where parts of an entry (all for None) were passed on to; for the machine."""
    rows = Forwarded.objects.filter(source_entry=entry_id).select_related("dossier")
    return list(rows if commitments is None else rows.filter(source_part__in=list(commitments)))


def forwarded_by(entry_id: str) -> list[Forwarded]:
    """The parts that one entry of ours passes on; for the machine."""
    return list(Forwarded.objects.filter(entry=entry_id).select_related("dossier"))


def forwarded(row_id: int) -> Forwarded | None:
    """One part that was passed on."""
    return Forwarded.objects.filter(pk=row_id).select_related("dossier").first()


def is_visible(officer: OfficerLike, dossier_id: str) -> bool:
    """Whether there is such a dossier that the officer may see."""
    return bool(dossier_id) and Dossier.objects.filter(visible_to(officer), dossier_id=dossier_id).exists()


def successors_of(officer: OfficerLike, dossier: Dossier) -> QuerySet[Dossier]:
    """The dossiers that continue this one and that the officer may see."""
    return Dossier.objects.filter(visible_to(officer), continues=dossier.dossier_id).defer("folded")


def drafts_for(officer: OfficerLike) -> QuerySet[Draft]:
    """Open drafts in the officer's circles."""
    return Draft.objects.filter(visible_to(officer), state__in=OPEN)


def get_draft_for(officer: OfficerLike, draft_id: str) -> Draft:
    """The draft, if this officer may see it; raises Rejected("dossier.draft_not_found")."""
    found = Draft.objects.filter(visible_to(officer), draft_id=draft_id).first() if is_id(draft_id) else None
    if found is None:
        raise Rejected("dossier.draft_not_found", draft=str(draft_id)[:40])
    return found


def sees_draft(officer: OfficerLike, draft: Draft) -> bool:
    """Whether this officer may see the draft."""
    return Draft.objects.filter(visible_to(officer), pk=draft.pk).exists()


def references_of(dossier: Dossier) -> list[Reference]:
    """Every number under which this dossier is kept by somebody."""
    return list(dossier.references.order_by("whose", "id"))


def notes_of(dossier: Dossier) -> list[Note]:
    """Internal notes, oldest first."""
    return list(dossier.notes.all())


def get_case_for(officer: OfficerLike, case_id: str) -> Case:
    """The case, if this officer may see it; raises Rejected("dossier.case_not_found")."""
    found = Case.objects.filter(visible_to(officer), case_id=case_id).first() if is_id(case_id) else None
    if found is None:
        raise Rejected("dossier.case_not_found", case=str(case_id)[:40])
    return found


def quarantined() -> list[Quarantined]:
    """What waits for the data-protection officer."""
    return list(Quarantined.objects.order_by("received_at")[:500])


def last_entries_of(author: str, before: datetime) -> list[tuple[str, list[str], str | None, int]]:
    """For every dossier: its id, its participants, and the author's last entry and sequence number written before a time."""
    found = []
    for dossier in Dossier.objects.only("dossier_id", "participants"):
        row = Entry.objects.filter(dossier=dossier, author=author, at__lt=before).order_by("-seq").first()
        found.append(
            (dossier.dossier_id, list(dossier.participants), row.entry_id if row else None, row.seq if row else 0)
        )
    return found
