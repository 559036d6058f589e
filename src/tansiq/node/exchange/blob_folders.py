"""Sealed files in a folder on removable media: ``blobs/<from>_to_<to>/<digest>.blob``, the bytes that the doors would carry in pieces.

What leaves is what a partner is to have and has not receipted; what comes is taken only if a live part here awaits it. Nothing is
believed for its name: the worker opens every chunk and holds both digests to the part before the file counts as here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.formats.ids import is_digest
from tansiq.node.exchange import files, folders
from tansiq.node.exchange.models import Blob, BlobCopy
from tansiq.node.partners import queries as partners

BLOBS = "blobs"
STEP = 4 * files.MEBI


def name_of(sender: str, recipient: str, blob: str) -> str:
    """Where a sealed file of ``sender`` for ``recipient`` stands."""
    return f"{BLOBS}/{folders.pair(sender, recipient)}/{blob}{folders.BLOB_SUFFIX}"


def put_all(folder: Path, partner: str) -> tuple[list[str], int]:
    """Write every file that ``partner`` is to have and has not receipted; returns their names, and how many were written now."""
    names, written = [], 0
    waiting = BlobCopy.objects.filter(partner=partner).exclude(state__in=["verified", "refused"])
    for blob in waiting.order_by("id").values_list("blob", flat=True):
        if Blob.objects.filter(pk=blob, state=Blob.HERE).exists() and files.has(blob):
            name = name_of(partners.my_id(), partner, blob)
            written += folders.put_file(folder, name, files.path_of(blob))
            names.append(name)
    return names, written


def take(path: Path) -> dict[str, Any]:
    """Take in one file of a folder: copied beside what is under way; the worker verifies it. Told as ``carrying.Imported`` tells files.

    Raises Unavailable("blob.not_awaited") while no part here names it: take the folder in again when its envelopes were opened.
    """
    blob = path.name.removesuffix(folders.BLOB_SUFFIX)
    row = Blob.objects.filter(pk=blob).first() if is_digest(blob) else None
    if row is None:
        if any(BlobCopy.objects.filter(blob=blob)):
            return {"state": "own", "blob": blob}
        raise Unavailable("blob.not_awaited")
    if row.state != Blob.ARRIVING:
        return {"state": "repeated" if row.state == Blob.HERE else "left", "blob": blob}
    if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size != row.size:
        raise Rejected("blob.size_impossible", size=path.lstat().st_size)
    files.require_room(row.size)
    with files.held(blob), os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as source:
        place = 0
        while raw := source.read(STEP):
            place = files.append(blob, raw, at=place)
    Blob.objects.filter(pk=blob, state=Blob.ARRIVING).update(received=place, retry_at=None)
    return {"state": "accepted", "blob": blob}
