"""Blobs between nodes: pieces of a mebibyte, fetched by whoever awaits them or brought by whoever cannot be dialled.

::

    holder has an address      awaiting node ──POST /peer/v1/blobs/read  {blob, offset, length}──▶ holder
    holder has none            holder ──POST /peer/v1/blobs/write {blob, offset, digest} + bytes──▶ awaiting node

Both requests are signed by a node key, and answered only for a blob that a live part names in a dossier in which the asker takes
part. Every chunk is opened with the secret of that part before it is kept, so what is on the disk is always a true beginning of the
blob: a broken journey goes on at its end, from any holder, after any crash; a damaged chunk is fetched anew. When the last byte is
there the whole is read back and both digests are held to the part; only then it has its name, and its author has our signed word.

All this is done by a thread of its own, a few pieces at a time, so that no envelope waits for a film.
"""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
from django.db import DatabaseError, close_old_connections, connection, transaction

from tansiq.engine.envelopes import blobs as engine
from tansiq.engine.envelopes.blobs import MAX_HEAD, PIECE, Chunks
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import digest, is_digest
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import queries
from tansiq.node.exchange import blobs, delivery, files, pulling
from tansiq.node.exchange.blobs import Use
from tansiq.node.flows import attaching, rescanning, vetting
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.engine.dossiers.contents import File
    from tansiq.node.exchange.models import Blob, BlobCopy

log = logging.getLogger(__name__)
READ_TYPE = "application/vnd.tansiq.blob-read+json"
WRITE_TYPE = "application/vnd.tansiq.blob-write+json"
MAX_REQUEST = 16 * 1024
MAX_PIECE = PIECE + MAX_HEAD
PIECES_A_TURN = 48
THREADS = 2
TRIES = 8
"""After so many tries in a row that end in the same contradiction, the contradiction is the part's and not the line's."""
NOTE_EVERY = 16 * PIECE
FALSE = frozenset(
    {"age.no_match", "age.header", "age.header_mac", "blob.size_impossible", "blob.identity", "blob.other"}
)
Clock = Callable[[], datetime]


# -- the loop ------------------------------------------------------------------------------------------------------------


def run(worker: str, *, stop: threading.Event, clock: Clock, idle: float = 0.5) -> None:
    """Fetch and bring until ``stop`` is set."""
    with delivery.client() as http, ThreadPoolExecutor(THREADS, thread_name_prefix="files") as pool:
        while not stop.is_set():
            try:
                close_old_connections()
                moved = turn(worker, http, clock, stop, pool)
            except DatabaseError as error:
                log.warning("files: %s", type(error).__name__)
                moved = 0
            if not moved:
                stop.wait(idle)
    connection.close()


def turn(
    worker: str, http: httpx.Client, clock: Clock, stop: threading.Event, pool: ThreadPoolExecutor | None = None
) -> int:
    """One round over everything that can move; returns how many blobs moved. Without a pool it runs in this thread."""
    work: list[tuple[Step, Any]] = [(fetch, row) for row in blobs.wanting(clock())]
    work += [(bring, row) for row in blobs.bringing(clock())]

    def one(step: Step, row: Any) -> bool:
        try:
            return _leased(step, row, worker, http, clock, stop)
        finally:
            if pool is not None:
                connection.close()

    if pool is None:
        return sum([one(step, row) for step, row in work])
    return sum(pool.map(lambda told: one(*told), work))


Step = Callable[["Any", httpx.Client, Clock, threading.Event], bool]


def _leased(step: Step, row: Any, worker: str, http: httpx.Client, clock: Clock, stop: threading.Event) -> bool:
    """Do some of one row's work under its lease; whatever goes wrong is noted on the row and tried again."""
    holder = f"{worker}/files"
    if stop.is_set() or not blobs.lease(row, holder, clock()):
        return False
    try:
        return step(row, http, clock, stop)
    except TansiqError as error:
        blobs.failed(row, error.code, clock())
        return False
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - the top of a loop: one file, or a disk that fails, must not stop the others
        log.warning("files: %s", type(error).__name__)
        blobs.failed(row, "blob.not_kept", clock())
        return False
    finally:
        blobs.release(row, holder)


# -- fetching ------------------------------------------------------------------------------------------------------------


def fetch(row: Blob, http: httpx.Client, clock: Clock, stop: threading.Event) -> bool:
    """Some pieces of an awaited blob, or, once all are here, its verification; True if anything moved."""
    use, told = _chosen(row)
    if told is None or use is None:
        return False
    try:
        with files.held(row.digest) as length:
            if length < told.blob_size:
                files.require_room(told.blob_size - length)
                blobs.require_quota(told.blob_size - length)
                source = _source(use, row.failures)
                if source is None:
                    raise Unavailable("blob.to_be_brought")
                length = _fetch_some(row, told, length, source, http, clock, stop)
            if length < told.blob_size:
                return True
            return _verify(row, use, told, clock())
    except Rejected as error:
        if error.code == "blob.too_large" or (error.code in FALSE and row.failures >= TRIES):
            _refuse(row, use, error.code, clock())
            return False
        raise


def _chosen(row: Blob) -> tuple[Use | None, File | None]:
    """The use by whose part the blob is fetched this time: where one part lies, the next may not."""
    uses = blobs.uses_of(row.digest)
    if not uses:
        blobs.erase(row.digest)
        return None, None
    use = uses[row.failures % len(uses)]
    return use, attaching.file_in(use.entry, use.index)


def _source(use: Use, failures: int) -> tuple[str, str] | None:
    """Who is asked this time, and where: the author first, then whoever else takes part; None if nobody can be dialled."""
    dossier = queries.dossier_by_id(use.dossier)
    nodes = [use.author, *(one for one in (dossier.participants if dossier else []) if one != use.author)]
    cards = {node: partners.card_of(node) for node in nodes if node not in {partners.my_id(), *partners.by_hand()}}
    dialled = [(node, card.url) for node, card in cards.items() if card is not None and card.url]
    return dialled[failures % len(dialled)] if dialled else None


def _fetch_some(
    row: Blob, told: File, length: int, source: tuple[str, str], http: httpx.Client, clock: Clock, stop: threading.Event
) -> int:
    """Fetch pieces until the turn is over; returns how much is here. Every chunk kept was opened."""
    for _ in range(PIECES_A_TURN):
        if stop.is_set() or length >= told.blob_size:
            break
        chunks, length = _known(row.digest, told, length)
        wanted = min(PIECE if chunks else MAX_PIECE, told.blob_size - length)
        raw = _ask(row.digest, length, wanted, source, http, clock())
        length = _keep(row.digest, told, chunks, length, raw)
        blobs.advanced(row, length)
        row.failures = 0
    return length


def _known(blob: str, told: File, length: int) -> tuple[Chunks | None, int]:
    """The chunks of what is here, and where the next one begins; None while not even the head is here."""
    if not length:
        return None, 0
    try:
        with files.reading(files.arriving(blob)) as read_at:
            chunks = Chunks.read(read_at(0, MAX_HEAD), engine.open_identity(told.identity), sealed=told.blob_size)
    except Rejected:
        return None, 0
    if not chunks.layout.whole(length):
        return None, 0
    return chunks, chunks.layout.start(chunks.layout.whole(length))


def _keep(blob: str, told: File, chunks: Chunks | None, offset: int, raw: bytes) -> int:
    """Write the whole chunks of ``raw`` that are true; returns how much is here then."""
    start = 0
    if chunks is None:
        chunks = Chunks.read(raw[:MAX_HEAD], engine.open_identity(told.identity), sealed=told.blob_size)
        start = chunks.layout.head
    taken = start + chunks.check(offset + start, raw[start:])
    if taken == start:
        raise Unavailable("blob.cut_off")
    return files.append(blob, raw[:taken], at=offset)


def _ask(blob: str, offset: int, length: int, source: tuple[str, str], http: httpx.Client, now: datetime) -> bytes:
    node, url = source
    request = pulling.signed_request(READ_TYPE, node, now, blob=blob, offset=offset, length=length)
    answer = _post(http, f"{url.rstrip('/')}/peer/v1/blobs/read", request, node)
    if len(answer) > length:
        raise Unavailable("blob.cut_off")
    return answer


def _post(http: httpx.Client, url: str, raw: bytes, node: str) -> bytes:
    try:
        answer = http.post(url, content=raw)
    except httpx.HTTPError as error:
        raise Unavailable("exchange.unreachable", partner=node, reason=type(error).__name__) from error
    if answer.status_code != 200:
        raise Unavailable("exchange.answered", partner=node, status=answer.status_code)
    return answer.content


def _verify(row: Blob, use: Use, told: File, now: datetime) -> bool:
    """Read the whole back and look at it; what is as its part says has its name from now on, and its author is told."""
    identity = engine.open_identity(told.identity)
    try:
        with files.reading(files.arriving(row.digest)) as read_at:
            found = engine.inspect(read_at, identity, sealed=told.blob_size)
    except Rejected as error:
        if error.code == "blob.chunk_damaged":  # the disk, or a crash, took something back
            chunks, _ = _known(row.digest, told, told.blob_size)
            files.cut(row.digest, chunks.layout.start(int(str(error.facts["chunk"]))) if chunks else 0)
        raise
    if found.blob != row.digest:
        files.cut(row.digest, 0)
        raise Rejected("blob.other")
    if (found.digest, found.size) != (told.digest, told.size):
        _refuse(row, use, "blob.not_as_described", now)
        return False
    with files.reading(files.arriving(row.digest)) as read_at:
        verdict = vetting.vet(read_at, identity, sealed=told.blob_size, first=found.first)
    files.keep(row.digest, row.digest)
    with transaction.atomic():
        blobs.arrived(row.digest, verdict.row, now)
        if verdict.danger:
            rescanning.warn(use, verdict, now)
        blobs.prove(use.entry, use.index)
        if use.author != partners.my_id():
            attaching.tell(use.author, row.digest, "", now)
        for other in blobs.uses_of(row.digest):
            if not other.is_proved:
                attaching.owe_proof(other, now)
        facts = {"blob": row.digest, "from": use.author}
        record("blob.arrived", actor="machine", facts=facts, log="exchange", now=now, dossier=use.dossier)
    return True


def _refuse(row: Blob, use: Use, code: str, now: datetime) -> None:
    with transaction.atomic():
        blobs.refuse(row.digest, code)
        attaching.tell(use.author, row.digest, code, now)
        facts = {"blob": row.digest, "code": code, "from": use.author}
        record("blob.refused", actor="machine", facts=facts, log="exchange", now=now, dossier=use.dossier)
    files.drop(row.digest)


# -- bringing ------------------------------------------------------------------------------------------------------------


def bring(copy: BlobCopy, http: httpx.Client, clock: Clock, stop: threading.Event) -> bool:
    """Some pieces of a blob to a partner that cannot come for it; the partner says where it goes on."""
    card, row = partners.card_of(copy.partner), blobs.get(copy.blob)
    if card is None or not card.url or row is None or copy.partner in partners.by_hand():
        raise Unavailable("blob.to_be_fetched")
    place = _bring_piece(copy, card.url, 0, b"", http, clock())
    with files.reading(files.path_of(copy.blob)) as read_at:
        for _ in range(PIECES_A_TURN):
            if stop.is_set() or place >= row.size:
                break
            raw = read_at(place, PIECE if place else MAX_PIECE)
            following = _bring_piece(copy, card.url, place, raw, http, clock())
            if following <= place:
                raise Unavailable("blob.cut_off")
            place = following
            blobs.advanced(copy, place)
    if place >= row.size:
        raise Unavailable("blob.awaits_word")  # the partner reads it back now; if it found it damaged, we go on later
    return True


def _bring_piece(copy: BlobCopy, url: str, offset: int, raw: bytes, http: httpx.Client, now: datetime) -> int:
    told = {"blob": copy.blob, "offset": offset, "digest": digest(raw)}
    request = pulling.signed_request(WRITE_TYPE, copy.partner, now, **told)
    framed = struct.pack(">I", len(request)) + request + raw
    answer = strict_json.loads(_post(http, f"{url.rstrip('/')}/peer/v1/blobs/write", framed, copy.partner))
    following = answer.get("next") if isinstance(answer, dict) else None
    if not isinstance(following, int):
        raise Unavailable("blob.cut_off")
    return following


# -- the doors -----------------------------------------------------------------------------------------------------------


def serve_read(raw: bytes, now: datetime) -> bytes:
    """A partner asks for a stretch of a blob.

    Raises Rejected("blob.not_found") for what it may not have or what is not named here (the two look the same), and
    Unavailable("blob.not_here") for what this node awaits itself.
    """
    told = pulling.proved(raw, READ_TYPE, now)
    partner, blob = str(told["from"]), told.get("blob")
    offset, length = _number(told, "offset"), _number(told, "length")
    if not 0 < length <= MAX_PIECE:
        raise Rejected("item.malformed", at="/length")
    if not is_digest(blob) or not _may_have(partner, str(blob), proved=True):
        raise Rejected("blob.not_found")
    row = blobs.get(str(blob))
    if row is None or row.state != row.HERE:
        raise Unavailable("blob.not_here")
    with files.reading(files.path_of(row.digest)) as read_at:
        piece = read_at(offset, length)
    if offset % NOTE_EVERY < PIECE or offset + length >= row.size:
        blobs.given(row.digest, partner, offset + len(piece))
    return piece


def serve_write(raw: bytes, now: datetime) -> dict[str, Any]:
    """A partner brings a piece of a blob that is awaited; the answer says where to go on.

    Raises Unavailable("blob.not_awaited") while no entry of a shared dossier names it here: it may be on its way.
    """
    (size,) = struct.unpack(">I", raw[:4]) if len(raw) >= 4 else (0,)
    if not 0 < size <= MAX_REQUEST or len(raw) < 4 + size:
        raise Rejected("exchange.pull_frames", at=0)
    told, piece = pulling.proved(raw[4 : 4 + size], WRITE_TYPE, now), raw[4 + size :]
    partner, blob, offset = str(told["from"]), told.get("blob"), _number(told, "offset")
    if told.get("digest") != digest(piece):
        raise Rejected("blob.chunk_damaged", chunk=0)
    if not is_digest(blob) or not _may_have(partner, str(blob), proved=False):
        raise Unavailable("blob.not_awaited")
    row = blobs.get(str(blob))
    if row is None or row.state != row.ARRIVING:
        return {"v": 1, "next": row.size if row else 0, "state": row.state if row else ""}
    return {"v": 1, "next": _take_piece(row, offset, piece), "state": row.state}


def _take_piece(row: Blob, offset: int, piece: bytes) -> int:
    _, told = _chosen(row)
    if told is None:
        raise Unavailable("blob.not_awaited")
    with files.held(row.digest) as length:
        if length >= told.blob_size:
            return length
        chunks, place = _known(row.digest, told, length)
        if not piece or offset != place:
            return place
        files.require_room(told.blob_size - place)
        blobs.require_quota(told.blob_size - place)
        length = _keep(row.digest, told, chunks, place, piece)
    blobs.advanced(row, length)
    return length


def _may_have(partner: str, blob: str, *, proved: bool) -> bool:
    """Whether a live part of a dossier in which ``partner`` takes part names the blob (``proved``: and opens it)."""
    uses = [use for use in blobs.uses_of(blob) if use.is_proved or not proved]
    return any(queries.takes_part(partner, dossier) for dossier in {use.dossier for use in uses})


def _number(told: dict[str, Any], member: str) -> int:
    number = told.get(member)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**53:
        raise Rejected("item.malformed", at=f"/{member}")
    return number
