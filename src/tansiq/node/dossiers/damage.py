"""Entries whose rows are not what was signed: found, set aside, and put back when a participant sends the entry again.

An entry's id is the digest of its header, and each part answers to a commitment in it. So damage is found from the rows alone, and what
another participant sends is proved before it takes their place: nobody is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.entries import SaltedPart, SignedEntry
from tansiq.engine.dossiers.headers import Header
from tansiq.engine.envelopes import dsse
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.formats.ids import b64encode
from tansiq.node.audit.actions import record
from tansiq.node.dossiers.models import Entry, Part

Keyring = Callable[[datetime], Mapping[str, bytes]]


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
        ring = rings.setdefault(row.author, keyring_of(row.author))
        damage = _damage_of(row, ring)
        if damage.header or damage.parts:
            found.append(damage)
    return total, found


def _rows() -> Iterator[Entry]:
    return Entry.objects.select_related("dossier").order_by("pk").iterator(chunk_size=500)


def _damage_of(row: Entry, ring: Keyring) -> Damage:
    damage = Damage(row.entry_id, row.dossier_id, list(row.dossier.participants))
    header = None
    try:
        header = _proved(row, ring)
    except TansiqError as error:
        damage.header = error.code
    # One by one: a sealed column that does not open must accuse its part, and not end the search.
    for index in list(row.parts.filter(salted__isnull=False).values_list("index", flat=True)):
        try:
            part = SaltedPart.from_json(row.parts.get(index=index).salted, at="")
            if header is not None and header.parts[index].commitment != part.commitment:
                raise Rejected("entry.commitment_differs", at=f"/parts/{index}")
        except TansiqError as error:
            damage.parts[index] = error.code
    return damage


def _proved(row: Entry, ring: Keyring) -> Header:
    raw = bytes(row.header)
    told = {"payloadType": entries.PAYLOAD_TYPE, "payload": b64encode(raw), "signatures": row.signatures}
    entry = SignedEntry(dsse.Signed.from_json(told), entries.read_header(raw), ())
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
