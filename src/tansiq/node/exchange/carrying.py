"""The air gap: what the wire would carry, carried by hand in a folder on removable media, and receipts on the way home.

Nothing here is a second road into the node. What is owed is sealed by ``actions.seal_next`` under the link's lease, in the same
sequence and to the same bytes as for the wire; what comes goes through ``accepting.accept``; receipts end their envelopes in
``actions.record_receipt``. So a folder that comes twice, late, in another order or in part changes nothing that the wire
could not change, and nothing is lost: an envelope stays owed until its signed receipt is home.

A partner *by hand* is never dialled and never fetched from (``Partner.by_hand``). An envelope lives for thirty days; one with fewer than
``WAY`` left is sealed anew when it is exported, since a stick may lie in a bag.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.sealing import Sealed
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical, strict_json
from tansiq.node.audit import actions as audit
from tansiq.node.exchange import accepting, actions, blob_folders, folders, queries
from tansiq.node.exchange.models import InEnvelope, Link, OutEnvelope
from tansiq.node.partners import queries as partners

WAY = timedelta(days=10)
"""How much of its life an envelope must have left when it leaves by hand."""
RECEIPTS_FOR = actions.EXPIRES + timedelta(days=7)
"""How long a receipt goes along again: until the envelope has expired at its sender, receipts are of use there."""
Progress = Callable[[str], None]


@dataclass
class Exported:
    """What one export wrote for one partner: names of files, those that stood there already among them."""

    partner: str
    envelopes: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    blobs: list[str] = field(default_factory=list)
    written: int = 0
    removed: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "partner": self.partner,
            "envelopes": len(self.envelopes),
            "receipts": len(self.receipts),
            "blobs": len(self.blobs),
            "written": self.written,
            "removed": self.removed,
            "files": [*self.envelopes, *self.receipts, *self.blobs],
        }


@dataclass
class Imported:
    """What became of each file of a folder: ``{"file", "kind", "state", …}``, the code where it was not taken, and what is missing.

    States: ``accepted``, ``repeated`` (it was here before), ``for_another`` (a folder may hold what several nodes carry), ``own``,
    ``refused``, ``left`` (nothing of ours, or a file whose writing was not finished).
    """

    files: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    unwritten: str = ""
    """The code of what kept the receipts from being written into the folder; the next export brings them."""

    @property
    def is_whole(self) -> bool:
        """Nothing was refused, nothing is missing, and the receipts are in the folder."""
        return not (self.missing or self.unwritten or any(row["state"] == "refused" for row in self.files))

    def count(self, kind: str, state: str) -> int:
        return sum(row["kind"] == kind and row["state"] == state for row in self.files)

    def to_json(self) -> dict[str, Any]:
        totals: dict[str, int] = {}
        for row in self.files:
            name = f"{row['kind']}_{row['state']}"
            totals[name] = totals.get(name, 0) + 1
        told = {"whole": self.is_whole, "totals": totals, "missing": self.missing, "receipts_written": self.receipts}
        return {**told, "receipts_unwritten": self.unwritten, "files": self.files}


# -- out ---------------------------------------------------------------------------------------------------------------


def export(
    partner: str, folder: Path, *, clock: Callable[[], datetime], progress: Progress = lambda _name: None
) -> Exported:
    """Write everything that waits for ``partner``, and our receipts for what came from it by hand, into ``folder``.

    Raises Rejected("partner.unknown"), Unavailable("partner.suspended"), Unavailable("exchange.link_busy") while a running node is
    sending to this partner, Unavailable("exchange.folder_write"). Killed anywhere, the next export goes on: sealing is a row before
    it is a file, and a file is whole or not there.
    """
    partners.get_partner(partner)
    if not folder.is_dir():
        raise Rejected("exchange.no_folder", at=str(folder))
    me, told = partners.my_id(), Exported(partner)
    for row in _sealed_for(partner, clock):
        name = folders.envelope_name(
            me, partner, incarnation=row.incarnation, sequence=row.sequence, envelope_id=row.envelope_id
        )
        told.written += folders.put(folder, name, bytes(row.raw))
        told.envelopes.append(name)
        progress(name)
    told.written += _write_receipts(folder, partner, told.receipts, since=clock() - RECEIPTS_FOR, progress=progress)
    told.blobs, written = blob_folders.put_all(folder, partner)
    told.written += written
    kept = (folders.ENVELOPES, told.envelopes), (folders.RECEIPTS, told.receipts), (blob_folders.BLOBS, told.blobs)
    for place, names in kept:
        told.removed += folders.keep_only(folder, f"{place}/{folders.pair(me, partner)}", names)
    folders.write_index(folder, me, partner)
    _note(partner, "carried_out", {"envelopes": len(told.envelopes), "receipts": len(told.receipts)}, clock())
    return told


def _sealed_for(partner: str, clock: Callable[[], datetime]) -> list[OutEnvelope]:
    """Every envelope that waits for ``partner``, in sequence, after sealing what is still owed; under the link's lease."""
    worker = f"carry-{os.getpid()}/{partner}"
    if not actions.lease(partner, worker, clock(), although_pausing=True):
        raise Unavailable("exchange.link_busy", partner=partner)
    try:
        for row in queries.ready_for(partner, folders.MAX_FILES):
            if row.expires_at < clock() + WAY:
                actions.replace(row.envelope_id)
        while actions.seal_next(partner, worker, clock()) is not None:
            if not actions.lease(partner, worker, clock(), although_pausing=True):
                raise Unavailable("exchange.link_busy", partner=partner)
        return queries.ready_for(partner, folders.MAX_FILES)
    finally:
        actions.release(partner, worker)


def _write_receipts(folder: Path, partner: str, names: list[str], *, since: datetime, progress: Progress) -> int:
    written, me = 0, partners.my_id()
    rows = InEnvelope.objects.filter(sender=partner, by_hand=True, received_at__gt=since)
    for envelope_id, receipt in rows.order_by("incarnation", "sequence").values_list("envelope_id", "receipt"):
        name = folders.receipt_name(me, partner, envelope_id)
        written += folders.put(folder, name, canonical.dumps(receipt))
        names.append(name)
        progress(name)
    return written


def _note(partner: str, event: str, facts: dict[str, Any], now: datetime) -> None:
    """Keep when something was carried, for the partner's page, and a row that says so."""
    with transaction.atomic():
        link = Link.objects.select_for_update().get_or_create(partner=partner)[0]
        setattr(link, f"{event}_at", now)
        link.save(update_fields=[f"{event}_at"])
        told = {"partner": partner, **facts}
        audit.record(f"envelopes.{event}", actor="administrator", facts=told, log="exchange", now=now)


# -- in ----------------------------------------------------------------------------------------------------------------


def take(
    folder: Path,
    *,
    clock: Callable[[], datetime],
    progress: Progress = lambda _name: None,
    may_write: bool = True,
) -> Imported:
    """Take in everything of ``folder`` that is for this node, and write our receipts back into it (unless not ``may_write``).

    One file that is damaged, foreign or refused holds up no other; each is told with its code. Raises Rejected only where the folder
    itself is none or holds too much. Killed anywhere, taking it again goes on: what was accepted is accepted, with the same receipt.
    """
    told = Imported()
    found = folders.found_in(folder)
    senders: set[str] = set()
    for one in [f for f in found if f.kind == "receipt"]:
        told.files.append(_told(one, _take_receipt, clock()))
        progress(one.name)
    for one in sorted((f for f in found if f.kind == "envelope"), key=_place):
        row = _told(one, _take_envelope, clock())
        told.files.append(row)
        if row["state"] in {"accepted", "repeated"}:
            senders.add(row["partner"])
        progress(one.name)
    for one in [f for f in found if f.kind == "blob"]:
        told.files.append(_told(one, lambda path, _now: blob_folders.take(path), clock()))
        progress(one.name)
    told.files += [
        {"file": f.name, "kind": "other", "state": "left", "code": f.code} for f in found if f.kind == "other"
    ]
    told.missing, broken = folders.missing_of(folder, [f.path for f in found if f.kind == "index"])
    told.files += [{"file": name, "kind": "index", "state": "refused", "code": code} for name, code in broken]
    for sender in sorted(senders):
        if may_write:
            _answer(folder, sender, told, clock(), progress)
        _note(sender, "carried_in", {"files": len(told.files)}, clock())
    return told


def _place(one: folders.Found) -> tuple[str, int, int]:
    """Where an envelope stands in its sender's sequence, whatever its file is called; what cannot be read stands last."""
    try:
        manifest = folders.read_envelope(one.path)[1].opened_manifest
    except TansiqError:
        return ("\uffff", 0, 0)
    return (manifest.sender, manifest.incarnation, manifest.sequence)


def _told(one: folders.Found, take_one: Callable[[Path, datetime], dict[str, Any]], now: datetime) -> dict[str, Any]:
    try:
        return {"file": one.name, "kind": one.kind, **take_one(one.path, now)}
    except TansiqError as error:
        return {"file": one.name, "kind": one.kind, "state": "refused", "code": error.code, "facts": error.facts}


def _take_envelope(path: Path, now: datetime) -> dict[str, Any]:
    raw, sealed = folders.read_envelope(path)
    manifest = sealed.opened_manifest
    me = partners.my_id()
    told = {"partner": manifest.sender, "envelope": manifest.envelope_id, "sequence": manifest.sequence}
    if manifest.sender == me:
        return {**told, "partner": manifest.recipient, "state": "own"}
    if manifest.recipient != me:
        return {**told, "state": "for_another", "recipient": manifest.recipient}
    known = _seen(sealed)
    accepting.accept(raw, now)
    InEnvelope.objects.filter(sender=manifest.sender, envelope_id=manifest.envelope_id).update(by_hand=True)
    return {**told, "state": "repeated" if known else "accepted"}


def _seen(sealed: Sealed) -> bool:
    manifest = sealed.opened_manifest
    return InEnvelope.objects.filter(sender=manifest.sender, envelope_id=manifest.envelope_id).exists()


def _take_receipt(path: Path, now: datetime) -> dict[str, Any]:
    value = strict_json.loads(folders.read(path, folders.MAX_RECEIPT))
    if not isinstance(value, dict):
        raise Rejected("envelope.not_a_receipt", at="/")
    claim = strict_json.loads(Signed.from_json(value).payload)
    named = (
        {name: str(claim.get(name, ""))[:160] for name in ("sender", "recipient", "envelope_id")}
        if isinstance(claim, dict)
        else {}
    )
    told = {"partner": named.get("sender", ""), "envelope": named.get("envelope_id", "")}
    me = partners.my_id()
    if named.get("sender") == me:
        return {**told, "partner": named["recipient"], "state": "own"}
    if named.get("recipient") != me:
        return {**told, "state": "for_another", "recipient": named.get("recipient", "")}
    row = OutEnvelope.objects.filter(pk=told["envelope"], partner=told["partner"]).only("receipt").first()
    was_home = row is not None and row.receipt is not None
    actions.record_receipt(told["partner"], value, now)
    return {**told, "state": "repeated" if was_home else "accepted"}


def _answer(folder: Path, sender: str, told: Imported, now: datetime, progress: Progress) -> None:
    """Our receipts for ``sender``, back into the folder. A medium that takes no writing costs nothing but another export."""
    try:
        _write_receipts(folder, sender, told.receipts, since=now - RECEIPTS_FOR, progress=progress)
        folders.write_index(folder, partners.my_id(), sender)
    except TansiqError as error:
        told.unwritten = error.code
