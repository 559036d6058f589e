"""Segments as files: one file a segment, memory-mapped, checked by sums, and put in force by one rename.

File: the magic line, eight bytes of header length (big-endian), a JSON header ``{"arrays": {name: [dtype, shape,
offset, crc]}}``, then the arrays at 64-byte steps. ``index.json`` names the segments in force and, for each, the
numbers of subjects removed from it. A file that is not named there does not exist for the index: a crash at any moment
leaves the former state.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import numpy as np

from tansiq.engine.errors import Corrupt
from tansiq.engine.matching.segment import Arrays

MAGIC = b"TANSIQ-SEGMENT-1\n"
FORMAT = 2
"""Of the files and of what stands in them: words are folded when an index is built, so another folding is another format
and an older index is built again.
"""
_STEP = 64


def write_segment(path: Path, arrays: Arrays) -> None:
    """Write arrays to ``path`` so that it exists whole or not at all."""
    header: dict[str, list[object]] = {}
    offset = 0
    ordered = sorted(arrays.items())
    for name, array in ordered:
        raw = np.ascontiguousarray(array)
        header[name] = [raw.dtype.str, list(raw.shape), offset, zlib.crc32(raw.view(np.uint8).reshape(-1).data)]
        offset += -(-raw.nbytes // _STEP) * _STEP
    text = json.dumps({"arrays": header}).encode()
    start = -(-(len(MAGIC) + 8 + len(text)) // _STEP) * _STEP
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as stream:
        stream.write(MAGIC + len(text).to_bytes(8, "big") + text)
        for name, array in ordered:
            raw = np.ascontiguousarray(array)
            stream.seek(start + int(str(header[name][2])))
            stream.write(raw.view(np.uint8).reshape(-1).data)
        stream.truncate(start + offset)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def read_segment(path: Path, *, verify: bool = True) -> Arrays:
    """The arrays of a segment file, memory-mapped. Raises ``Corrupt("matching.segment_damaged")`` naming the file."""
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
        if bytes(mapped[: len(MAGIC)]) != MAGIC:
            raise ValueError("magic")
        length = int.from_bytes(bytes(mapped[len(MAGIC) : len(MAGIC) + 8]), "big")
        text = bytes(mapped[len(MAGIC) + 8 : len(MAGIC) + 8 + length])
        header = json.loads(text)["arrays"]
        start = -(-(len(MAGIC) + 8 + length) // _STEP) * _STEP
        arrays: Arrays = {}
        for name, (dtype, shape, offset, crc) in header.items():
            kind = np.dtype(dtype)
            size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
            raw = mapped[start + offset : start + offset + size]
            if len(raw) != size or (verify and zlib.crc32(raw.data) != crc):
                raise ValueError(name)
            arrays[name] = raw.view(kind).reshape(shape).view(np.ndarray)
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Corrupt("matching.segment_damaged", at=path.name) from wrong
    return arrays


def write_root(folder: Path, root: dict[str, object]) -> None:
    """Put a list of segments in force, durably and at once."""
    temporary = folder / "index.json.part"
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump({"format": FORMAT, **root}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / "index.json")
    _sync_folder(folder)


def read_root(folder: Path) -> dict[str, object] | None:
    """The list in force, or None for a folder without index. Raises ``Corrupt("matching.segment_damaged")``."""
    path = folder / "index.json"
    if not path.exists():
        return None
    try:
        root = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(root, dict) or root["format"] != FORMAT:
            raise ValueError("format")
    except (OSError, ValueError, KeyError) as wrong:
        raise Corrupt("matching.segment_damaged", at="index.json") from wrong
    return root


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
