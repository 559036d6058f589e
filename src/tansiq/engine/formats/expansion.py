"""What a file would become if somebody unpacked or drew it: archives and pictures made to fill a disk or a memory.

Nothing is unpacked onto a disk here, and no picture is drawn: directories and heads are read, and a bounded part of what is packed is
inflated and counted. The officer who saves the file has a computer that would do more.

What is looked for: an archive of which far more comes out than is in it (``ratio``); entries that share bytes, so that little is
packed many times (``overlap``); an entry that holds more than its directory says (``false_size``); archives in archives in archives
(``nested``); a directory too long to be read (``entries``); a picture with more points than a computer holds (``pixels``).

What is not: the inside of encrypted archives, of 7z, rar and zstd; whether large entries of inner archives hold what they say; what
follows after the part of a stream that was looked at; XML in office documents.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from tansiq.engine.formats import media

ReadAt = Callable[[int, int], bytes]
"""(offset, length) in, those bytes of the file out; fewer only where it ends."""

MAX_RATIO: Final = 200
"""Text and databases pack to a twentieth, a log now and then to a hundredth; deflate cannot do better than a 1032nd."""
MAX_EXPANDED: Final = 1 << 30
MAX_PIXELS: Final = 400_000_000
"""Twice the largest camera of a telephone; 1.6 GB in memory."""
MAX_DEPTH: Final = 3
MAX_DIRECTORY: Final = 64 << 20
MAX_INNER: Final = 16 << 20
WORK: Final = 256 << 20
"""Bytes inflated or read for one file, all its inner archives included."""
LOOKED_AT: Final = 4 << 20
"""Bytes of a packed stream that are looked at."""
STEP: Final = 1 << 20
PIECE: Final = 1 << 16
SEEK: Final = 1 << 16
"""What opening one entry costs at least: a chunk of a sealed file."""

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_FULL: Final = 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class Bomb:
    """Why a file is not to be unpacked or drawn: ``rule`` as above, and ``amount`` in bytes, points, levels or entries."""

    rule: str
    amount: int


def look(read_at: ReadAt, size: int, kind: str) -> Bomb | None:
    """What is wrong with a file of ``size`` bytes whose first bytes say ``kind`` (:func:`media.sniff`); None for nothing.

    A file that is broken, or only looks like one of that kind, bursts nowhere: None.
    """
    try:
        if kind == media.ZIP:
            return _zip(read_at, size, _Work(), depth=1).bomb
        if kind in _OPENERS:
            return _stream(read_at, size, kind)
        points = _PICTURES[kind](read_at, size) if kind in _PICTURES else 0
    except (struct.error, IndexError):
        return None
    return Bomb("pixels", points) if points > MAX_PIXELS else None


# -- archives ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Work:
    """What may still be spent on one file."""

    left: int = WORK

    def spend(self, cost: int) -> bool:
        self.left -= cost
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class _Archive:
    """What an archive comes to."""

    expanded: int = 0
    bomb: Bomb | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row of a directory."""

    flags: int
    method: int
    packed: int
    size: int
    place: int

    @property
    def is_open(self) -> bool:
        """Whether its bytes can be looked at: not encrypted, and packed as nearly everything is."""
        return not self.flags & 1 and self.method in (_STORED, _DEFLATED)


def _zip(read_at: ReadAt, size: int, work: _Work, *, depth: int) -> _Archive:
    """The directory first, which costs nothing; then entries, the smallest first, as far as the work goes.

    Inner archives come before what is large: a film inside must not use up what would have found the next archive.
    """
    entries = _directory(read_at, size)
    if isinstance(entries, Bomb):
        return _Archive(bomb=entries)
    packed, expanded = sum(e.packed for e in entries), sum(e.size for e in entries)
    if packed > size:
        return _Archive(bomb=Bomb("overlap", packed))
    opened = sorted((e for e in entries if e.is_open and (depth == 1 or e.size <= MAX_INNER)), key=lambda e: e.size)
    for entry in opened:
        if not work.spend(SEEK):
            break
        produced, inner = _opened(read_at, entry, work)
        if produced > entry.size:
            return _Archive(bomb=Bomb("false_size", produced))
        if inner.startswith(b"PK\x03\x04"):
            if depth >= MAX_DEPTH:
                return _Archive(bomb=Bomb("nested", depth + 1))
            below = _zip(_reader(inner), len(inner), work, depth=depth + 1)
            if below.bomb:
                return below
            expanded += below.expanded
    if expanded > MAX_EXPANDED and expanded > MAX_RATIO * size:
        return _Archive(bomb=Bomb("ratio", expanded))
    return _Archive(expanded)


def _directory(read_at: ReadAt, size: int) -> list[_Entry] | Bomb:
    """Every row; a Bomb where there are too many."""
    start = max(0, size - _END.size - 0xFFFF)
    tail = read_at(start, size - start)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0:
        return []
    _, _, _, _, _, length, offset, _ = _END.unpack_from(tail, place)
    end = start + place
    if _FULL in (length, offset) and end >= 20:
        locator = read_at(end - 20, 20)
        if locator.startswith(b"PK\x06\x07"):
            (end,) = struct.unpack_from("<Q", locator, 8)
            *_, length, offset = _END_64.unpack(read_at(end, _END_64.size))
    if length > MAX_DIRECTORY:
        return Bomb("entries", length // _ENTRY.size)
    if read_at(offset, 4) != b"PK\x01\x02":  # something was put before the archive
        offset = end - length
    if offset < 0:
        return []
    raw = b"".join(read_at(offset + at, min(STEP, length - at)) for at in range(0, length, STEP))
    return list(_rows(raw))


def _rows(raw: bytes) -> Iterator[_Entry]:
    place = 0
    while raw.startswith(b"PK\x01\x02", place):
        row = _ENTRY.unpack_from(raw, place)
        flags, method, (packed, size) = row[3], row[4], row[8:10]
        name, extra, comment, at = row[10], row[11], row[12], row[16]
        place += _ENTRY.size + name
        large = _large(raw[place : place + extra])
        if size == _FULL:
            size = next(large, size)
        if packed == _FULL:
            packed = next(large, packed)
        if at == _FULL:
            at = next(large, at)
        yield _Entry(flags, method, packed, size, at)
        place += extra + comment


def _large(extra: bytes) -> Iterator[int]:
    """The numbers of eight bytes that stand for those too large for four."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == 1:
            yield from (n for (n,) in struct.iter_unpack("<Q", extra[place + 4 : place + 4 + length // 8 * 8]))
            return
        place += 4 + length


def _opened(read_at: ReadAt, entry: _Entry, work: _Work) -> tuple[int, bytes]:
    """How many bytes come out of an entry, counted until one more than it says, and those bytes where they are few."""
    head = read_at(entry.place, _LOCAL.size)
    if not head.startswith(b"PK\x03\x04"):
        return 0, b""
    *_, name, extra = _LOCAL.unpack(head)
    start = entry.place + _LOCAL.size + name + extra
    if entry.method == _STORED:
        keeps = entry.packed <= MAX_INNER and work.spend(entry.packed)
        return entry.packed, read_at(start, entry.packed) if keeps else b""
    inflater, produced = zlib.decompressobj(-15), 0
    kept: list[bytes] = []
    for at in range(0, entry.packed, PIECE):
        waiting = read_at(start + at, min(PIECE, entry.packed - at))
        while waiting and not inflater.eof:
            try:
                out = inflater.decompress(waiting, min(STEP, entry.size + 1 - produced))
            except zlib.error:
                return produced, b""
            produced += len(out)
            waiting = inflater.unconsumed_tail
            if produced > entry.size or not work.spend(len(out) + PIECE):
                return produced, b""
            if entry.size <= MAX_INNER:
                kept.append(out)
    return produced, b"".join(kept)


def _reader(raw: bytes) -> ReadAt:
    return lambda offset, length: raw[offset : offset + length]


# -- streams -------------------------------------------------------------------------------------------------------------


class _Opener(Protocol):
    """A decompressor of the standard library, with a bound on what one step gives."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


_OPENERS: Final[dict[str, Callable[[], _Opener]]] = {
    "application/gzip": lambda: zlib.decompressobj(31),
    "application/x-bzip2": bz2.BZ2Decompressor,
    "application/x-xz": lambda: lzma.LZMADecompressor(memlimit=64 << 20),
}


@dataclass(slots=True)
class _Count:
    """What went into the first opener, and the most that came out of any."""

    taken: int = 0
    produced: int = 0
    work: _Work = field(default_factory=_Work)


def _stream(read_at: ReadAt, size: int, kind: str) -> Bomb | None:
    """Open the beginning of a packed stream, and what is packed in it again; count what comes out."""
    count = _Count()
    pieces = _pieces(read_at, min(size, LOOKED_AT), count)
    depth = 0
    while kind in _OPENERS:
        depth += 1
        if depth > MAX_DEPTH:
            return Bomb("nested", depth)
        pieces = _expanded(pieces, _OPENERS[kind], count)
        first = next(pieces, b"")
        kind = media.sniff(first)
        pieces = _again(first, pieces)
    for _ in pieces:
        pass
    if count.work.left < 0 and count.produced > MAX_RATIO * count.taken:
        return Bomb("ratio", count.produced)
    return None


def _pieces(read_at: ReadAt, size: int, count: _Count) -> Iterator[bytes]:
    for at in range(0, size, PIECE):
        raw = read_at(at, min(PIECE, size - at))
        count.taken += len(raw)
        yield raw


def _expanded(pieces: Iterator[bytes], opener: Callable[[], _Opener], count: _Count) -> Iterator[bytes]:
    """What comes out, a megabyte at most at once, until the work is spent, the stream ends or is broken."""
    opened, produced = opener(), 0
    for waiting in pieces:
        raw, is_more = waiting, True
        while is_more:
            try:
                out = opened.decompress(raw, STEP)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
                return
            if opened.eof:
                raw, opened = getattr(opened, "unused_data", b""), opener()
                is_more = bool(raw)
            else:
                # zlib hands back what it has not taken yet; the others keep it and go on.
                raw = getattr(opened, "unconsumed_tail", b"")
                is_more = bool(raw) or len(out) == STEP
            produced += len(out)
            count.produced = max(count.produced, produced)
            if out:
                yield out
            if not count.work.spend(len(out)):
                return


def _again(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


# -- pictures ------------------------------------------------------------------------------------------------------------


def _png(read_at: ReadAt, _: int) -> int:
    width, height = struct.unpack(">2L", read_at(16, 8))
    return int(width * height)


def _gif(read_at: ReadAt, _: int) -> int:
    width, height = struct.unpack("<2H", read_at(6, 4))
    return int(width * height)


def _bmp(read_at: ReadAt, _: int) -> int:
    width, height = struct.unpack("<2l", read_at(18, 8))
    return int(abs(width) * abs(height))


def _jpeg(read_at: ReadAt, size: int) -> int:
    """The frame stands behind any number of segments; each says how long it is."""
    place = 2
    for _ in range(2000):
        if place + 10 > size:
            break
        mark, code, length, _, height, width = struct.unpack(">BBHBHH", read_at(place, 9))
        if mark != 0xFF:
            break
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            return int(width * height)
        place += 2 + max(2, length) if code != 0xFF else 1
    return 0


def _webp(read_at: ReadAt, _: int) -> int:
    first = read_at(12, 18)
    if first.startswith(b"VP8X"):
        return (1 + int.from_bytes(first[12:15], "little")) * (1 + int.from_bytes(first[15:18], "little"))
    if first.startswith(b"VP8L"):
        bits = int.from_bytes(first[9:13], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    width, height = struct.unpack_from("<2H", first, 14)
    return int((width & 0x3FFF) * (height & 0x3FFF))


def _tiff(read_at: ReadAt, _: int) -> int:
    """The first directory only: further ones are drawn when somebody asks for them."""
    order = "<" if read_at(0, 2) == b"II" else ">"
    (place,) = struct.unpack(order + "L", read_at(4, 4))
    (count,) = struct.unpack(order + "H", read_at(place, 2))
    sides = {}
    for raw in struct.iter_unpack(order + "HHL4s", read_at(place + 2, min(count, 4096) * 12)):
        tag, kind, value = raw[0], raw[1], raw[3]
        if tag in (256, 257):
            sides[tag] = struct.unpack(order + ("H" if kind == 3 else "L"), value[: 2 if kind == 3 else 4])[0]
    return int(sides.get(256, 0) * sides.get(257, 0))


def _boxed(name: bytes, skip: int) -> Callable[[ReadAt, int], int]:
    """A reader of the largest pair of sides that stand ``skip`` bytes behind a box of that name, in the first 64 KiB."""

    def read(read_at: ReadAt, size: int) -> int:
        head, place, most = read_at(0, min(size, PIECE)), -1, 0
        while (place := head.find(name, place + 1)) >= 0:
            at = place + len(name) + skip
            if at + 8 <= len(head):
                one, other = struct.unpack_from(">2L", head, at)
                most = max(most, one * other)
        return most

    return read


_PICTURES: Final[dict[str, Callable[[ReadAt, int], int]]] = {
    "image/png": _png,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/jpeg": _jpeg,
    "image/webp": _webp,
    "image/tiff": _tiff,
    "image/jp2": _boxed(b"ihdr", 0),
    "image/heic": _boxed(b"ispe", 4),
    "image/avif": _boxed(b"ispe", 4),
}
