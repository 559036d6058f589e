"""Bytes that are almost right: pieces of the corpus, cut, repeated, turned and put together."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

STRANGE = (
    b"\x00",
    b"\xff",
    b"\r\n",
    b'"',
    b"{",
    b"[" * 64,
    b"-",
    b"9" * 40,
    b"1e999",
    b"\\ud800",
    "\u202e".encode(),
    "\u0661\u0640\u0300".encode(),
    b"<!DOCTYPE x [<!ENTITY a 'a'>]>",
    b"&a;",
    b"\x1c\x1d\x1e\x1f",
    b"A" * 200,
)
LONGEST = 256 * 1024


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A seed after one to six changes, or bytes from nowhere."""
    raw = draw(st.sampled_from([*seeds, b""]))
    if not raw:
        return draw(st.binary(max_size=300))
    for _ in range(draw(st.integers(1, 6))):
        raw = _once(draw, raw, seeds)[:LONGEST]
    return raw


def _once(draw: st.DrawFn, raw: bytes, seeds: Sequence[bytes]) -> bytes:
    first = draw(st.integers(0, len(raw)))
    last = min(len(raw), first + draw(st.sampled_from([0, 1, 2, 4, 16, 64, 1024])))
    match draw(st.sampled_from(["cut", "put", "turn", "repeat", "splice", "end"])):
        case "cut":
            return raw[:first] + raw[last:]
        case "put":
            return raw[:first] + draw(st.sampled_from(STRANGE)) + raw[first:]
        case "turn":
            turned = bytes(byte ^ draw(st.integers(1, 255)) for byte in raw[first : first + 1])
            return raw[:first] + turned + raw[first + 1 :]
        case "repeat":
            return raw[:first] + raw[first:last] * draw(st.integers(2, 50)) + raw[last:]
        case "splice":
            other = draw(st.sampled_from(list(seeds)))
            place = draw(st.integers(0, len(other)))
            return raw[:first] + other[place:]
        case _:
            return raw[:first]
