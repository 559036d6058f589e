"""Files on their way into an entry, and what follows once an entry names one.

An officer's file is sealed while it comes, piece by piece, to a secret of its own (``engine/envelopes/blobs``); when it is whole it
is read back, digested and looked at, and is then a content for a part. Signing an entry that names it announces it to every other
participant; an entry of a partner that names one lets this node await it (``fetching`` fetches and brings). Erasing the part takes
secret and sealed bytes away together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction

from tansiq.engine.dossiers.contents import File, Reshared
from tansiq.engine.dossiers.parts import SaltedPart
from tansiq.engine.envelopes import blobs as engine
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.age.payload import CHUNK
from tansiq.engine.envelopes.blobs import MAX_HEAD, PIECE_CHUNKS, Chunks
from tansiq.engine.errors import Conflict, Refused, Rejected, Unavailable
from tansiq.engine.formats import ansi_nist, media
from tansiq.engine.formats.ids import is_external, require_digest
from tansiq.engine.formats.strict_json import JsonValue
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import blobs, files
from tansiq.node.exchange.blobs import Use
from tansiq.node.flows import vetting
from tansiq.node.jobs.actions import enqueue
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import Part, SignedEntry
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier
    from tansiq.node.exchange.models import Upload

PIECE = PIECE_CHUNKS * CHUNK
"""Bytes of a file that a page or the command line brings at once."""
MAX_NAME = 255
LATE = timedelta(hours=24)
ERASE_JOB = "flows.erase_blob"
PROVE_JOB = "flows.prove_blob"
ITEM = "blob"


class Reader(Protocol):
    """Anything with ``read``."""

    def read(self, size: int = -1, /) -> bytes: ...


# -- bringing a file -----------------------------------------------------------------------------------------------------


def begin(officer: Officer, name: str, size: int, media_type: str, *, now: datetime) -> Upload:
    """Begin to bring a file of ``size`` bytes; nothing of it is here yet.

    Raises Refused("account.role"), Rejected("file.name"), Rejected("blob.too_large") or Unavailable("blob.no_room").
    """
    require(officer.roles, "draft")
    told = {"name": clean_name(name), "media_type": _declared(media_type)}
    if not 0 <= size < 2**53:
        raise Rejected("blob.too_large", at="/size", limit=0)
    files.require_room(size)
    blobs.require_quota(size)
    identity = HybridIdentity.generate()
    _, head = Chunks.begin(identity, size)
    return blobs.open_upload(officer.reference, told, identity.to_text(), size, head, now)


def clean_name(name: str) -> str:
    """The last part of a path, without signs that no eye sees (they make ``.exe`` read as ``.txt``); Rejected("file.name") for none."""
    last = PurePath(name.replace("\\", "/")).name
    seen = "".join(sign for sign in unicodedata.normalize("NFC", last) if unicodedata.category(sign)[0] != "C")
    if not seen.strip() or len(seen) > MAX_NAME:
        raise Rejected("file.name", at="/name", limit=MAX_NAME)
    return seen.strip()


def _declared(media_type: str) -> str:
    kind = media_type.partition(";")[0].strip().lower()
    ok = kind.count("/") == 1 and len(kind) <= 150 and kind.isascii() and all(c.isalnum() or c in "/.+-" for c in kind)
    return kind if ok and not kind.startswith("/") and not kind.endswith("/") else media.UNKNOWN


def expected(row: Upload) -> int:
    """At which byte of the file the upload goes on."""
    return _chunks(row).layout.whole(row.sealed_size) * CHUNK if row.size else 0


def put(officer: Officer, upload_id: str, offset: int, raw: bytes, *, now: datetime) -> Upload:
    """The next piece: whole chunks of 64 KiB, but for the end of the file. On the disk, sealed, when this returns.

    Raises Conflict("file.offset", expected=…) for any other place (the upload goes on there), Rejected("file.piece") for a piece
    of another length.
    """
    row = blobs.get_upload(officer.reference, upload_id)
    if row.blob:
        raise Conflict("file.offset", expected=row.size)
    chunks = _chunks(row)
    wanted = min(chunks.layout.whole(row.sealed_size) * CHUNK, row.size)
    if offset != wanted:
        raise Conflict("file.offset", expected=wanted)
    if not 0 < len(raw) <= PIECE or offset + len(raw) > row.size or (len(raw) % CHUNK and offset + len(raw) < row.size):
        raise Rejected("file.piece", at="/", limit=PIECE)
    sealed = b"".join(
        chunks.seal((offset + place) // CHUNK, raw[place : place + CHUNK]) for place in range(0, len(raw), CHUNK)
    )
    with files.held(upload_id) as length:
        if length < row.sealed_size:
            raise Unavailable("blob.not_here")
        blobs.grown(row, files.append(upload_id, sealed, at=row.sealed_size, sync=True), now)
    return row


def _chunks(row: Upload) -> Chunks:
    with files.reading(files.arriving(str(row.upload_id))) as read_at:
        return Chunks.resume(read_at(0, MAX_HEAD), engine.open_identity(row.identity), plain=row.size)


def finish(officer: Officer, upload_id: str, *, now: datetime) -> Upload:
    """The file is whole: read back, digested, looked at. Repeating it changes nothing.

    Raises Conflict("file.offset") when a piece is missing; Refused, with nothing kept: ``file.program``, ``file.bomb``,
    ``file.malware``; Unavailable("file.scanner_silent") while the scanner does not answer: what was brought stays.
    """
    row = blobs.get_upload(officer.reference, upload_id)
    if row.blob:
        return row
    chunks = _chunks(row)
    if not row.size:
        files.append(upload_id, chunks.seal(0, b""), at=chunks.layout.head)
        row.sealed_size = chunks.layout.sealed
    if row.sealed_size != chunks.layout.sealed:
        raise Conflict("file.offset", expected=chunks.layout.whole(row.sealed_size) * CHUNK)
    with files.reading(files.arriving(upload_id)) as read_at:
        identity = engine.open_identity(row.identity)
        found = engine.inspect(read_at, identity, sealed=row.sealed_size)
        verdict = vetting.vet(read_at, identity, sealed=row.sealed_size, first=found.first)
    if verdict.danger:
        blobs.drop_upload(row)
        facts = {"code": verdict.danger, **verdict.facts}
        with transaction.atomic():
            record("file.danger_refused", actor=officer.reference, facts=facts, log="internal", now=now)
        raise Refused(verdict.danger, name=row.told["name"], **verdict.facts)
    declared = row.told["media_type"]
    told = {**row.told, "media_type": verdict.kind if declared == media.UNKNOWN else declared, "digest": found.digest}
    blobs.finish_upload(row, found.blob, told, verdict.row, now)
    return row


def take(officer: Officer, name: str, media_type: str, size: int, source: Reader, *, now: datetime) -> Upload:
    """A file in one go, two pieces in memory: for small files of a page without scripts, and for the command line."""
    row = begin(officer, name, size, media_type, now=now)
    chunks = _chunks(row)
    upload_id, number, place = str(row.upload_id), 0, row.sealed_size
    with files.held(upload_id):
        while number < chunks.layout.chunks and size:
            plain = _read_fully(source, min(CHUNK, size - number * CHUNK))
            if len(plain) < min(CHUNK, size - number * CHUNK):
                blobs.drop_upload(row)
                raise Rejected("file.piece", at="/", limit=size)
            place = files.append(upload_id, chunks.seal(number, plain), at=place)
            number += 1
    blobs.grown(row, place, now)
    return finish(officer, upload_id, now=now)


def _read_fully(source: Reader, size: int) -> bytes:
    pieces = []
    while size and (piece := source.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def whole(officer: Officer, upload_id: str) -> Upload:
    """An upload of this officer that is finished; raises Rejected: ``file.upload_unknown`` or ``file.not_whole``."""
    row = blobs.get_upload(officer.reference, upload_id)
    if not row.blob:
        raise Rejected("file.not_whole", at="/files", name=row.told["name"])
    return row


def content_of(officer: Officer, upload_id: str, **more: str) -> dict[str, Any]:
    """A finished upload as the content of a part; ``more`` are members such as ``description``; empty ones are left out."""
    row = whole(officer, upload_id)
    return {
        "name": row.told["name"],
        "media_type": row.told["media_type"],
        "size": row.size,
        "digest": row.told["digest"],
        "blob": row.blob,
        "blob_size": row.sealed_size,
        "identity": row.identity,
        **{name: value for name, value in more.items() if value},
    }


def as_fingerprints(officer: Officer, upload_id: str, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A finished ANSI/NIST file as the content of a part of type ``fingerprints``: its record headers are read, nothing else.

    Raises Rejected("ansi_nist.invalid"), naming byte and field, for a file that only looks like one.
    """
    row = blobs.get_upload(officer.reference, upload_id)
    identity = engine.open_identity(row.identity)
    with files.reading(files.path_of(row.blob)) as read_at:
        chunks = Chunks.read(read_at(0, MAX_HEAD), identity, sealed=row.sealed_size)

        def plain(offset: int, length: int) -> bytes:
            return b"".join(chunks.plain(read_at, start=offset, end=offset + length))

        found = ansi_nist.read_transaction(plain, row.size)
    shown = [
        ":".join("-" if n is None else str(n) for n in (i.record, i.impression, i.position)) for i in found.impressions
    ]
    told = {"version": found.version, "transaction": found.kind, "records": [*found.records], "impressions": shown}
    return "fingerprints", {**content, **told}


# -- what an entry names -------------------------------------------------------------------------------------------------


def require_here(parts: Iterable[Part]) -> None:
    """Raise Rejected("file.not_here", at=…) unless every file that own parts name is whole on this node, and opens by what they say."""
    for number, part in enumerate(parts):
        told = file_of(part)
        if told is not None and not _is_here(told):
            raise Rejected("file.not_here", at=f"/parts/{number}", name=told.name)


def _is_here(told: File) -> bool:
    row = blobs.get(told.blob)
    if row is None or row.state != row.HERE or row.size != told.blob_size:
        return False
    for upload in blobs.uploads_of_blob(told.blob):
        if (upload.identity, upload.size, upload.told["digest"]) == (told.identity, told.size, told.digest):
            return True
    for use in blobs.uses_of(told.blob):
        held = file_in(use.entry, use.index) if use.is_proved else None
        if held and (held.identity, held.size, held.digest) == (told.identity, told.size, told.digest):
            return True
    return False


def file_in(entry_id: str, index: int) -> File | None:
    """The file that a part describes; None where the part is gone or is no file."""
    return file_of(queries.part_of(entry_id, index))


def file_of(part: Part | None) -> File | None:
    """The file that a part describes, its own or one that it passes on; None for a part about something else."""
    read = part.read if part is not None else None
    if isinstance(read, Reshared):
        read = SaltedPart.from_json(read.salted, at="/content/salted").part.read
    return read if isinstance(read, File) else None


def follow(dossier: Dossier, entry: SignedEntry, now: datetime) -> None:
    """What follows from the files that an entry names: ours are announced, a partner's are awaited. In the caller's transaction."""
    me = partners.my_id()
    is_own = entry.header.author == me
    for index, salted in enumerate(entry.parts):
        told = file_of(salted.part if salted else None)
        if told is None:
            continue
        use = Use(entry.entry_id, index, dossier.dossier_id, entry.header.author, is_proved=is_own)
        is_here = blobs.use(told.blob, told.blob_size, use, now)
        if is_own:
            announce(told.blob, [one for one in dossier.participants if one != me and not is_external(one)], now)
        elif is_here:
            owe_proof(use, now)


def announce(blob: str, nodes: Collection[str], now: datetime) -> None:
    """These partners are to have the blob, in the caller's transaction. Where we cannot be dialled, we bring it."""
    pushed = set() if partners.myself().url else set(nodes)
    blobs.announce(blob, nodes, pushed_to=pushed, now=now)


def owe_proof(use: Use, now: datetime) -> None:
    """A part names a blob that is here by another one: a job looks whether its secret opens it. In the caller's transaction."""
    enqueue(PROVE_JOB, {"entry": use.entry, "index": use.index}, now=now, key=f"prove/{use.entry}/{use.index}")


def prove(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.prove_blob``: a partner names a blob that is here already. If its secret opens it, it has it too."""
    entry_id, index = str(payload["entry"]), int(payload["index"])
    told = file_in(entry_id, index)
    row = queries.entry_by_id(entry_id)
    if told is None or row is None:
        return
    try:
        with files.reading(files.path_of(told.blob)) as read_at:
            found = engine.inspect(read_at, engine.open_identity(told.identity), sealed=told.blob_size)
    except Rejected:
        found = None
    is_true = found is not None and (found.digest, found.size) == (told.digest, told.size)
    with transaction.atomic():
        if is_true:
            blobs.prove(entry_id, index)
        tell(row.author, told.blob, "" if is_true else "blob.not_as_described", now)


def tell(partner: str, blob: str, code: str, now: datetime) -> None:
    """Owe the partner our word on its blob: verified, or (``code``) why it is not taken. In the caller's transaction."""
    state = "refused" if code else "verified"
    content = {"v": 1, "blob": blob, "state": state, "code": code}
    exchange.queue([partner], ITEM, content, reference=f"{blob}/{state}", now=now)


def take_word(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """Item ``blob``: what a partner says became of a file of ours. The receipt that it is there, whole and verified."""
    blob, state = require_digest(content.get("blob"), at="/blob"), content.get("state")
    code = content.get("code")
    if state not in ("verified", "refused") or not isinstance(code, str):
        raise Rejected("item.malformed", at="/state")
    with transaction.atomic():
        if blobs.settled(blob, sender, state, code, now):
            facts = {"partner": sender, "blob": blob, "code": code[:80]}
            record(f"blob.{state}", actor=f"node:{sender}", facts=facts, log="exchange", now=now)
            desk.settle(f"file/{blob}/{sender}", now=now)
            if state == "refused":
                told = {"partner": sender, "code": code[:80]}
                desk.put(
                    "file", f"file/{blob}/{sender}", title_code="desk.file_refused", facts=told, urgent=True, now=now
                )


def flag_late(now: datetime) -> None:
    """Put on the desk of the dossier's circle each file of which a partner has not said within a day that it has it."""
    for copy in blobs.late(now - LATE):
        use = next(iter(blobs.uses_of(copy.blob)), None)
        dossier = queries.dossier_by_id(use.dossier) if use else None
        if dossier is not None:
            desk.put(
                "file",
                f"file/{copy.blob}/{copy.partner}",
                title_code="desk.file_late",
                facts={"partner": copy.partner, "hours": int(LATE.total_seconds()) // 3600},
                circle=dossier.circle,
                link=f"/dossiers/{dossier.dossier_id}",
                once=True,
                now=now,
            )


# -- erasing -------------------------------------------------------------------------------------------------------------


def forget(entry_id: str, indexes: Collection[int], now: datetime) -> list[str]:
    """These parts are erased, in the caller's transaction: blobs that no live part names go too, by a job that cannot be lost.

    Returns those blobs.
    """
    gone = list(blobs.forget(entry_id, indexes))
    for blob in gone:
        enqueue(ERASE_JOB, {"blob": blob}, now=now, key=f"erase_blob/{blob}")
    return gone


def erase(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.erase_blob``: the sealed bytes of a blob that no live part names."""
    blob = str(payload["blob"])
    if blobs.erase(blob):
        with transaction.atomic():
            record("blob.erased", actor="machine", facts={"blob": blob}, log="exchange", now=now)


def sweep(now: datetime) -> int:
    """Remove what broken uploads and files that nobody sent left behind; what a draft names stays."""
    return blobs.sweep(now, wanted=queries.blobs_in_drafts())
