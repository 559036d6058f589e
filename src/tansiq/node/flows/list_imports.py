"""A list imported from the browser: brought sealed, looked at, confirmed by an officer, stored – by the worker, across restarts.

1. The file is sealed while it comes (``attaching``); its format is told or recognised; a CSV that brings no mapping waits for one.
2. Job ``flows.import`` looks at it (a dry run) and keeps the row report, sealed.
3. An officer reads the report and confirms, or drops it; the file goes either way in the end.
4. The same job stores it. It may run twice: an import is idempotent. A list that would delist much, or is older, is stored
   only if the officer confirmed exactly that.

Imports have a loop of their own in the worker: a million lines must not hold up an urgent envelope.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final, cast

from django.db import transaction

from tansiq.engine.entities.lists import ListLimits, RowProblem, read_csv_mapping
from tansiq.engine.entities.lists.csv_rows import read_csv_rows
from tansiq.engine.envelopes import blobs as engine
from tansiq.engine.envelopes.blobs import MAX_HEAD, Chunks
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.engine.formats import canonical
from tansiq.node.accounts.queries import officers
from tansiq.node.exchange import blobs, files
from tansiq.node.flows import attaching
from tansiq.node.jobs.actions import enqueue
from tansiq.node.register import import_orders
from tansiq.node.register.import_formats import FORMATS, HEAD_BYTES, ListFormat, csv_format, ftm_format, ofac_xml_format
from tansiq.node.register.importing import import_list

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.exchange.models import Upload
    from tansiq.node.register.models import ImportOrder

IMPORT_JOB = "flows.import"
LOCK: Final = timedelta(hours=6)
FORMS: Final = ("un", "ofac-csv", "ofac-xml", "ftm", "csv")
PREVIEWED: Final = 5
_SDN_ROW = re.compile(rb'^\d+,"[^"\r\n]*",(?:-0-|"[^"\r\n]*") ,', re.MULTILINE)


class OpenedUpload:
    """The plain bytes of a sealed upload as a stream; each chunk is opened and checked just before it is read."""

    def __init__(self, row: Upload) -> None:
        self.length = row.size
        self._plain = self._chunks(row)
        self._rest = b""

    @staticmethod
    def _chunks(row: Upload) -> Iterator[bytes]:
        with files.reading(files.path_of(row.blob)) as read_at:
            identity = engine.open_identity(row.identity)
            yield from Chunks.read(read_at(0, MAX_HEAD), identity, sealed=row.sealed_size).plain(read_at)

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; all that are left for -1; none at the end."""
        held = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            chunk = next(self._plain, b"")
            if not chunk:
                break
            held.append(chunk)
            length += len(chunk)
        raw = b"".join(held)
        self._rest = b"" if size < 0 else raw[size:]
        return raw if size < 0 else raw[:size]

    def __enter__(self) -> OpenedUpload:
        return self

    def __exit__(self, *_: object) -> None:
        self._plain.close()  # type: ignore[attr-defined]


def sniffed(head: bytes) -> str:
    """Which of ``FORMS`` a file seems to be from its first bytes; "csv" for what is none of the others."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "un" if b"CONSOLIDATED_LIST" in start else "ofac-xml"
    if start.startswith(b"{"):
        return "ftm"
    return "ofac-csv" if _SDN_ROW.match(start) else "csv"


def order(
    officer: Officer,
    upload: Upload,
    *,
    form: str = "",
    list_key: str = "",
    name: str = "",
    circle: str = "",
    discoverability: str = import_orders.DEFAULT_REACH,
    is_part: bool = False,
    now: datetime,
) -> ImportOrder:
    """Have a whole upload looked at; one whose columns must first be explained waits in the state ``mapping``.

    Raises Refused("account.role"), Rejected("register.circle_not_yours"), Rejected("register.unknown_list_key") or
    Rejected("register.unknown_import_form").
    """
    with OpenedUpload(upload) as stream:
        head = stream.read(HEAD_BYTES)
    chosen = form or sniffed(head)
    if chosen not in FORMS:
        raise Rejected("register.unknown_import_form", at="/form", form=chosen[:20], known=list(FORMS))
    told = {"form": chosen, "list": list_key, "name": name, "is_part": is_part, "file": upload.told["name"]}
    row = import_orders.create(officer, upload.upload_id, told, circle=circle, discoverability=discoverability, now=now)
    if chosen == "csv":
        ftm_format(list_key)  # the key alone: it must name a list of one's own
        row.save(force_insert=True)
        return row
    _format(row, head)
    import_orders.owe(row, import_orders.LOOK, job=IMPORT_JOB, now=now)
    return row


def preview(row: ImportOrder, *, encoding: str, delimiter: str) -> list[tuple[str, ...]]:
    """The first rows of a CSV as they would be read, the head first; raises what reading raises."""
    with OpenedUpload(blobs.get_upload(row.officer, str(row.upload))) as stream:
        limits = ListLimits()
        rows = read_csv_rows(cast("IO[bytes]", stream), encoding=encoding, delimiter=delimiter, limits=limits)
        whole = (found for found in rows if not isinstance(found, RowProblem))
        return [found.cells for found in islice(whole, PREVIEWED + 1)]


def explain_columns(officer: Officer, order_id: object, mapping: Mapping[str, Any], *, now: datetime) -> ImportOrder:
    """Say what the columns mean (as a mapping file does, without its list and names), and have the file looked at.

    Raises Rejected("list.mapping_invalid", at=…) for the first thing in it that means nothing.
    """
    with transaction.atomic():
        row = import_orders.locked(officer, order_id, import_orders.MAPPING)
        whole = {**mapping, "list": row.told["list"], "names": {}}
        read_csv_mapping(canonical.dumps(whole), form="json")
        row.told = {**row.told, "mapping": whole}
        import_orders.owe(row, import_orders.LOOK, job=IMPORT_JOB, now=now)
    return row


def confirm(
    officer: Officer, order_id: object, *, confirmed: frozenset[str] = frozenset(), now: datetime
) -> ImportOrder:
    """Store what was looked at; ``confirmed`` names what is improbable about it and meant all the same."""
    with transaction.atomic():
        row = import_orders.locked(officer, order_id, import_orders.LOOKED)
        row.told = {**row.told, "confirmed": sorted(confirmed)}
        import_orders.owe(row, import_orders.STORE, job=IMPORT_JOB, now=now)
    return row


def drop(officer: Officer, order_id: object, *, now: datetime) -> None:
    """The file is not wanted after all: it goes, the line in the history stays."""
    with transaction.atomic():
        row = import_orders.locked(officer, order_id, import_orders.MAPPING, import_orders.LOOKED, import_orders.FAILED)
        import_orders.end(row, import_orders.DROPPED, now)
        _take_file(row, now)


def run(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.import``: look at the file, or store it, whichever the order's state asks for; nothing if it asks for neither."""
    row = import_orders.order_by_id(payload["order"])
    if row is None or row.state not in import_orders.RUNNING:
        return
    is_dry = row.state == import_orders.LOOK
    try:
        officer = next(one for one in officers() if one.reference == row.officer)
        upload = blobs.get_upload(row.officer, str(row.upload))
        with OpenedUpload(upload) as stream:
            wanted = _format(row, stream.read(HEAD_BYTES))
        report = import_list(
            officer,
            wanted,
            lambda: cast("IO[bytes]", OpenedUpload(upload)),
            circle=row.circle,
            discoverability=row.discoverability,
            is_dry=is_dry,
            is_part=bool(row.told["is_part"]),
            confirm=frozenset(row.told.get("confirmed", [])),
            progress=import_orders.progress_of(row),
            now=now,
        )
    except Unavailable:
        raise
    except TansiqError as error:
        import_orders.failed(row, error, now)
        return
    if is_dry:
        import_orders.looked(row, report, now)
        return
    with transaction.atomic():
        import_orders.end(row, import_orders.DONE, now, report)
        _take_file(row, now)


def _format(row: ImportOrder, head: bytes) -> ListFormat:
    told = row.told
    if told["form"] == "ftm":
        languages = ("ar", "fr", "en", "it", "fa")
        return ftm_format(told["list"], dict.fromkeys(languages, told["name"]) if told["name"] else None)
    if told["form"] == "ofac-xml":
        return ofac_xml_format(head, list_key=told["list"])
    if told["form"] == "csv":
        return csv_format(read_csv_mapping(canonical.dumps(told["mapping"]), form="json"))
    return FORMATS["un" if told["form"] == "un" else "ofac-sdn"]


def _take_file(row: ImportOrder, now: datetime) -> None:
    """The file of an order that is over goes, in the caller's transaction; a job takes the sealed bytes."""
    try:
        upload = blobs.get_upload(row.officer, str(row.upload))
    except Rejected:
        return
    blobs.drop_upload(upload)
    enqueue(attaching.ERASE_JOB, {"blob": upload.blob}, now=now)
