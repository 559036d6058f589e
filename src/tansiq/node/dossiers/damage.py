"""Entries whose rows are not what was signed: found, set aside, and put back when a participant sends the entry again.

An entry's id is the digest of its header, and each part answers to a commitment in it. So damage is found from the rows alone, and what
another participant sends is proved before it takes their place: nobody is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Prefetch
from django.db.models.functions import Cast

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SaltedPart, SignedEntry
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Entry, Part

Keyring = Callable[[datetime], Mapping[str, bytes]]
_SALTED: Any = Part._meta.get_field("salted")


@dataclass(slots=True)
class Damage:
    """What is wrong with one entry: a code for its header and signature, and one for each part that is not what was signed."""

    entry: str
    dossier: str
    participants: list[str]
    header: str = ""
    parts: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        codes = [self.header, *(f"part {index} {code}" for index, code in self.parts.items())]
        return f"{self.entry[:12]} {', '.join(code for code in codes if code)}"


def examine(keyring_of: Callable[[str], Keyring]) -> tuple[int, list[Damage]]:
    """Every entry held to its id, signature and commitments: how many there are, and the damaged ones."""
    rings: dict[str, Keyring] = {}
    total, found = 0, []
    for row in _rows():
        total += 1
        if row.author not in rings:
            rings[row.author] = keyring_of(row.author)
        damage = _damage_of(row, rings[row.author])
        if damage.header or damage.parts:
            found.append(damage)
    return total, found


def _rows() -> Iterator[Entry]:
    """Every entry with its dossier and its parts, whose sealed column is read raw: one that does not open must accuse its part, and not
    end the search."""
    raw = Cast("salted", BinaryField())
    parts = Part.objects.filter(salted__isnull=False).annotate(raw=raw).defer("salted")
    rows = Entry.objects.select_related("dossier").prefetch_related(Prefetch("parts", parts))
    return rows.order_by("pk").iterator(chunk_size=500)


def _damage_of(row: Entry, ring: Keyring) -> Damage:
    damage = Damage(row.entry_id, row.dossier_id, list(row.dossier.participants))
    header = None
    try:
        header = _proved(row, ring)
    except TansiqError as error:
        damage.header = error.code
    for part in row.parts.all():
        try:
            salted = SaltedPart.from_json(_SALTED.from_db_value(part.raw, None, None), at="")
            if header is not None and header.parts[part.index].commitment != salted.commitment:
                raise Rejected("entry.commitment_differs", at=f"/parts/{part.index}")
        except TansiqError as error:
            damage.parts[part.index] = error.code
    return damage


def _proved(row: Entry, ring: Keyring) -> Header:
    entry = queries.signed_header(row)
    if entry.entry_id != row.entry_id:
        raise Rejected("entry.malformed", at="/", wanted=row.entry_id)
    return entries.verify_entry(entry, ring(row.at))


def set_aside(damage: Damage, now: datetime) -> None:
    """Take away what is damaged, in the caller's transaction, so that it is filled in when it comes again.

    What cannot be proved is worth nothing; the row keeps its place and its verdict.
    """
    if damage.header:
        Entry.objects.filter(pk=damage.entry).update(signatures=[])
    if damage.parts:
        Part.objects.filter(entry=damage.entry, index__in=list(damage.parts)).update(salted=None)
    facts = {"entry": damage.entry, "header": damage.header, "parts": sorted(damage.parts)}
    record("entry.damaged", actor="machine", facts=facts, log="internal", now=now, dossier=damage.dossier)


def mend(entry: SignedEntry, ring: Callable[[], Keyring], now: datetime) -> bool:
    """Put back header and signature of an entry that was set aside, in the caller's transaction; False where there is nothing to mend.

    Raises as ``entries.verify_entry`` for a signature that does not hold. The header is right by its digest, which is the entry's id.
    """
    row = Entry.objects.filter(pk=entry.entry_id).only("signatures", "dossier_id").first()
    if row is None or row.signatures:
        return False
    entries.verify_entry(entry, ring()(entry.header.at))
    wire = entry.signed.to_json()
    Entry.objects.filter(pk=entry.entry_id).update(header=entry.signed.payload, signatures=wire["signatures"])
    facts = {"entry": entry.entry_id}
    record("entry.mended", actor="machine", facts=facts, log="internal", now=now, dossier=row.dossier_id)
    return True
