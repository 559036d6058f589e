"""Fingerprint files: headers read in bounds, every broken one refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import ansi_nist, media
from tansiq.engine.formats.ansi_nist import FS, GS, Impression, ReadAt, Transaction, read_transaction


def tagged(kind: int, *fields: tuple[str, bytes]) -> bytes:
    """A tagged record with its own length in its first field."""
    body = b"".join(GS + f"{kind}.{number}:".encode() + value for number, value in fields) + FS
    length = 0
    while True:
        raw = f"{kind}.001:{length}".encode() + body
        if len(raw) == length:
            return raw
        length = len(raw)


def first(content: bytes = b"1\x1f2\x1e2\x1f00\x1e14\x1f01", **changed: bytes) -> bytes:
    """A Type-1 record."""
    told = {"002": b"0502", "003": content, "004": b"CRM", "005": b"20261122", "007": b"FR001", "008": b"MA001"}
    told |= {name.removeprefix("f"): value for name, value in changed.items()}
    return tagged(1, *told.items())


def finger(image: bytes = b"\x1c\x1d\x1e" * 20_000) -> bytes:
    """A Type-14 record with an image that holds every separator."""
    return tagged(14, ("002", b"01"), ("003", b"0"), ("013", b"2"), ("999", image))


def binary(kind: int = 4, size: int = 18, position: int = 7) -> bytes:
    return size.to_bytes(4, "big") + bytes([1, 3, position]) + b"\xff" * 5 + bytes(size - 12)


TEXT = tagged(2, ("002", b"00"), ("005", b"N"))
WHOLE = first() + TEXT + finger()


def read(raw: bytes) -> Transaction:
    return read_transaction(at(raw), len(raw))


def at(raw: bytes) -> ReadAt:
    return lambda offset, length: raw[offset : offset + length]


def test_headers_say_what_a_file_holds() -> None:
    assert media.sniff(WHOLE[:4096]) == media.ANSI_NIST
    found = read(WHOLE)
    assert (found.version, found.kind, found.originator, found.destination) == ("0502", "CRM", "MA001", "FR001")
    assert found.records == (1, 2, 14)
    assert found.impressions == (Impression(14, 0, 2),)


def test_binary_records_are_passed_over_by_their_length() -> None:
    raw = first(b"1\x1f3\x1e2\x1f00\x1e4\x1f01\x1e4\x1f02") + TEXT + binary(size=5000) + binary(position=255)
    assert read(raw).impressions == (Impression(4, 3, 7), Impression(4, 3, None))


def test_of_a_large_record_only_the_header_is_read() -> None:
    raw, most = first() + TEXT + finger(bytes(3_000_000)), [0]

    def counted(offset: int, length: int) -> bytes:
        most[0] += length
        return raw[offset : offset + length]

    assert read_transaction(counted, len(raw)).records == (1, 2, 14)
    assert most[0] < 4 * ansi_nist.MAX_HEADER


@pytest.mark.parametrize(
    ("raw", "place", "rule"),
    [
        (b"", "/0/1.001", "first_field"),
        (b"%PDF-1.7", "/0/1.001", "first_field"),
        (b"1.001:9999\x1d1.002:0502\x1c", "/0/1.001", "length"),
        (first()[:-1] + b"x" + TEXT + finger(), "/0/1.001", "end"),
        (first(f002=b"9900") + TEXT + finger(), "/0/1.002", "version"),
        (first(f002="٠٥٠٢".encode()), "/0/1.002", "not_ascii"),
        (first(f004=b"") + TEXT + finger(), "/0/1.004", "missing"),
        (first(b"1\x1f3\x1e2\x1f00"), "/0/1.003", "count"),
        (first(b"2\x1f00"), "/0/1.003", "count"),
        (first(b""), "/0/1.003", "count"),
        (first(b"1\x1f1\x1e77\x1f00"), "/0/1.003", "record_type"),
        (first(b"1\x1f1\x1e1\x1f00"), "/0/1.003", "record_type"),
        (first(b"1\x1f1\x1e-2\x1f00"), "/0/1.003", "record_type"),
        (first(b"1\x1f1001" + b"\x1e2\x1f00" * 1001), "/0/1.003", "too_many_records"),
        (first(), f"/{len(first())}/2.001", "record_missing"),
        (first() + finger(), f"/{len(first())}/2.001", "first_field"),
        (WHOLE + b"x", f"/{len(WHOLE)}/", "bytes_after_last_record"),
        (WHOLE[:-9], f"/{len(first() + TEXT)}/14.001", "length"),
        (
            first(b"1\x1f1\x1e4\x1f01") + binary()[:10],
            f"/{len(first(b'1' + chr(31).encode() + b'1' + chr(30).encode() + b'4' + chr(31).encode() + b'01'))}/4.001",
            "length",
        ),
        (tagged(1, ("002", b"0502"), ("x", b"1")), "/0/1.003", "field"),
    ],
)
def test_a_broken_file_is_refused_with_its_place_and_rule(raw: bytes, place: str, rule: str) -> None:
    with pytest.raises(Rejected, match=r"ansi_nist\.invalid") as caught:
        read(raw)
    assert caught.value.facts == {"at": place, "rule": rule}


def refusal(raw: bytes) -> str:
    """The code by which it is refused, or nothing; any other error is a defect and comes through."""
    try:
        read(raw)
    except Rejected as error:
        return error.code
    return ""


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_else_than_be_read_or_refused(noise: bytes) -> None:
    for raw in (noise, first() + noise, WHOLE[: len(noise)] + noise + WHOLE[len(noise) :]):
        assert refusal(raw) in ("", "ansi_nist.invalid")


@given(st.integers(0, len(first() + TEXT)), st.integers(0, 255))
def test_no_changed_byte_of_the_headers_does_either(place: int, value: int) -> None:
    raw = bytearray(WHOLE)
    raw[place] = value
    assert refusal(bytes(raw)) in ("", "ansi_nist.invalid")
