"""What bytes say they are, against what they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.formats import media


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"MZ\x90\x00\x03" + bytes(60), "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02\x01", "application/x-elf"),
        (b"#!/bin/sh\nrm -rf /\n", "text/x-shellscript"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"XXXX\x00\x00\x00\x00WEBPVP8 \x00", media.UNKNOWN),
        (b"PK\x03\x04\x14\x00", media.ZIP),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"<!DOCTYPE html><html>", "text/html"),
        (b"\xef\xbb\xbf  <!-- x --> <svg xmlns=''>", "image/svg+xml"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><Report/>", "application/xml"),
        ("محضر استماع\n".encode(), media.TEXT),
        ("é".encode()[:1], media.TEXT),
        (b"MZ 4711 seen at the border", media.TEXT),
        (b"BM 12 AB, grey", media.TEXT),
        (b"1.001:188\x1d1.002:0502\x1d", media.ANSI_NIST),
        (b"", media.UNKNOWN),
        (b"\x00\x01\x02", media.UNKNOWN),
        (bytes(257) + b"ustar", "application/x-tar"),
    ],
)
def test_types_are_told_by_the_bytes(first: bytes, kind: str) -> None:
    assert media.sniff(first) == kind


def test_programs_are_programs_whatever_they_are_called() -> None:
    assert media.is_program(media.sniff(b"\x7fELF"))
    assert media.is_program("text/x-shellscript")
    assert not media.is_program("application/pdf")


@pytest.mark.parametrize(
    ("declared", "found", "is_so"),
    [
        ("image/jpeg", "image/jpeg", False),
        ("image/jpeg", "application/pdf", True),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", media.ZIP, False),
        ("image/png", media.ZIP, True),
        ("text/csv", media.TEXT, False),
        ("application/pdf", media.TEXT, True),
        (media.UNKNOWN, "application/pdf", False),
        ("image/jpeg", media.UNKNOWN, False),
        ("image/png", "text/html", True),
    ],
)
def test_contradictions(declared: str, found: str, is_so: bool) -> None:
    assert media.contradicts(declared, found) is is_so


@given(st.binary(max_size=600))
def test_every_sequence_of_bytes_has_one_answer(first: bytes) -> None:
    kind = media.sniff(first)
    assert not media.contradicts(kind, kind)
