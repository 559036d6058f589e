"""Archives and pictures that would burst are known by their directories and heads; honest ones pass, and nothing breaks the reader."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.formats import expansion, media
from tansiq.engine.formats.expansion import Bomb, look

MIB = 1 << 20


def seen(raw: bytes) -> Bomb | None:
    """What is found in these bytes, read as a sealed file is: in any stretch, and never beyond the end."""
    return look(lambda offset, length: raw[offset : offset + length], len(raw), media.sniff(raw[:4096]))


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An honest archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def _row(name: bytes, *, packed: int, size: int, place: int, method: int = 8) -> bytes:
    return (
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, method, 0, 0, 0, packed, size, len(name), 0, 0, 0, 0, 0, place)
        + name
    )


def crafted(packed: bytes, rows: list[tuple[int, int]]) -> bytes:
    """An archive of one stretch of packed bytes, and a directory that names it (packed, size) as often as told."""
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), 0, 1, 0) + b"a" + packed
    told = b"".join(_row(b"a", packed=p, size=s, place=0) for p, s in rows)
    return local + told + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(rows), len(rows), len(told), len(local), 0)


def deflated(size: int) -> bytes:
    """So many zeros, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join([packer.compress(bytes(MIB)) for _ in range(size // MIB)]) + packer.flush()


NOISE = bytes(i * 2654435761 % 251 for i in range(50_000))


@pytest.mark.parametrize(
    "raw",
    [
        zipped(("a.txt", b"hello " * 1000), ("b.bin", NOISE)),
        zipped(("log.txt", b"2026-11-27 10:00 nothing happened\n" * 200_000)),
        zipped(("inner.zip", zipped(("a.docx", zipped(("word/document.xml", b"<w/>" * 100))))), method=0),
        zipped(),
        gzip.compress(NOISE) + gzip.compress(b"a second member"),
        gzip.compress(bytes(20 * MIB)),
        bz2.compress(NOISE),
        lzma.compress(NOISE),
        gzip.compress(gzip.compress(NOISE)),
    ],
    ids=["two", "log", "three_levels", "empty", "gzip", "sparse", "bzip2", "xz", "twice"],
)
def test_honest_archives_pass(raw: bytes) -> None:
    assert seen(raw) is None


def test_far_more_out_than_in() -> None:
    packed = deflated(64 * MIB)
    raw = crafted(packed, [(len(packed), 64 * MIB)]) + b""
    assert seen(raw) is None, "a sparse file of 64 MiB fills no disk"
    many = crafted(b"".join([packed] * 20), [(len(packed), 64 * MIB)] * 20)
    assert seen(many) == Bomb("ratio", 20 * 64 * MIB)


def test_entries_that_share_their_bytes() -> None:
    """As in Fifield's "A better zip bomb" (2019): one kernel, a directory of ten thousand rows."""
    packed = deflated(4 * MIB)
    raw = crafted(packed, [(len(packed), 4 * MIB)] * 10_000)
    found = seen(raw)
    assert found is not None
    assert found.rule == "overlap"


def test_an_entry_that_says_less_than_it_holds() -> None:
    packed = deflated(64 * MIB)
    found = seen(crafted(packed, [(len(packed), 100)]))
    assert found == Bomb("false_size", 101)


def test_archives_in_archives() -> None:
    """As in 42.zip: nothing on the outside is large."""
    raw = zipped(("0", b"bottom"))
    for _ in range(4):
        raw = zipped(*((f"{n}.zip", raw) for n in range(4)))
    found = seen(raw)
    assert found is not None
    assert found.rule == "nested"


def test_what_inner_archives_hold_counts() -> None:
    packed = deflated(512 * MIB)
    inner = crafted(packed, [(len(packed), 512 * MIB)])
    assert seen(inner) is None
    assert seen(zipped(("a.zip", inner), ("b.zip", inner), ("c.zip", inner))) == Bomb(
        "ratio", 3 * 512 * MIB + 3 * len(inner)
    )


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_streams_of_zeros(pack: Callable[[bytes], bytes]) -> None:
    raw = pack(bytes(300 * MIB))
    tracemalloc.start()
    found = seen(raw)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found is not None
    assert found.rule == "ratio"
    assert most < 24 * MIB, "counted, never held"


def test_a_stream_packed_again_and_again() -> None:
    raw = gzip.compress(gzip.compress(bytes(300 * MIB)))
    assert len(raw) < 20_000
    assert getattr(seen(raw), "rule", "") == "ratio"
    raw = NOISE
    for _ in range(4):
        raw = bz2.compress(raw)
    assert getattr(seen(raw), "rule", "") == "nested"


def test_a_directory_too_long_to_be_read() -> None:
    raw = b"PK\3\4" + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0x7FFFFFFF, 0, 0)
    assert getattr(seen(raw), "rule", "") == "entries"


def test_sizes_of_eight_bytes_are_read() -> None:
    """ZIP64: what does not fit stands in the extra field and in an end of its own."""
    name, packed = b"a", b"\3\0"
    large = struct.pack("<2H2Q", 1, 16, 1 << 42, len(packed))
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 8, 0, 0, 0, 0, 0, 1, 0) + name + packed
    row = (
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 8, 0, 0, 0, 2**32 - 1, 2**32 - 1, 1, len(large), 0, 0, 0, 0, 0)
        + name
        + large
    )
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(row), len(local))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(local) + len(row), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    assert seen(local + row + end64 + locator + end) == Bomb("ratio", 1 << 42)


def _png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">2L", width, height) + b"\x08\x06\0\0\0"


def _gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<2H", width, height) + b"\0\0\0"


def _jpeg(width: int, height: int) -> bytes:
    return (
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xff\xc2\0\x11\x08"
        + struct.pack(">2H", height, width)
        + bytes(12)
    )


def _bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(16) + struct.pack("<2l", width, -height) + b"\1\0\x18\0"


def _webp(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + sides


def _lossless(width: int, height: int) -> bytes:
    return b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(8)


def _tiff(width: int, height: int) -> bytes:
    rows = struct.pack(">HHLL", 256, 4, 1, width) + struct.pack(">HHLL", 257, 4, 1, height)
    return b"MM\0*" + struct.pack(">LH", 8, 2) + rows


def _jp2(width: int, height: int) -> bytes:
    return b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x2djp2h\0\0\0\x16ihdr" + struct.pack(">2L", height, width) + bytes(6)


def _heic(width: int, height: int) -> bytes:
    return b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">2L", width, height)


@pytest.mark.parametrize(
    ("draw", "side"),
    [
        (_png, 100_000),
        (_gif, 65_535),
        (_jpeg, 65_535),
        (_bmp, 100_000),
        (_webp, 100_000),
        (_lossless, None),
        (_tiff, 100_000),
        (_jp2, 100_000),
        (_heic, 100_000),
    ],
)
def test_pictures_with_too_many_points(draw: Callable[[int, int], bytes], side: int | None) -> None:
    assert media.sniff(draw(640, 480)).startswith("image/")
    assert seen(draw(640, 480)) is None
    assert seen(draw(16_000, 12_500)) is None, "the largest camera of a telephone"
    if side is not None:  # the lossless form of WebP cannot say more than 16,384
        assert seen(draw(side, side)) == Bomb("pixels", side * side)


@given(
    st.sampled_from(["application/zip", *expansion._OPENERS, *expansion._PICTURES]), st.binary(max_size=400), st.data()
)
def test_anything_at_all_is_looked_at_and_breaks_nothing(kind: str, raw: bytes, data: st.DataObject) -> None:
    honest = {
        "application/zip": zipped(("a", b"hello " * 9), ("b.zip", zipped(("c", b"d")))),
        "application/gzip": gzip.compress(b"hello " * 9),
        "image/jpeg": _jpeg(9, 9),
        "image/tiff": _tiff(9, 9),
    }.get(kind, b"")
    place = data.draw(st.integers(0, len(honest)))
    mixed = honest[:place] + raw + honest[place + data.draw(st.integers(0, 8)) :]
    found = look(lambda offset, length: mixed[offset : offset + length], len(mixed), kind)
    assert found is None or found.amount > 0
