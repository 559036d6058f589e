"""What a file is by its first bytes, against what its name or sender says it is.

A closed table of signatures, so that two nodes say the same of the same bytes; a library that guesses would not. Only
three questions are asked of the answer: is it a *program* (refused), is it *active* in a browser (never shown), does it
contradict the type that was declared (shown beside it).
"""

from __future__ import annotations

import re
from typing import Final

UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"
ZIP: Final = "application/zip"
ANSI_NIST: Final = "application/vnd.nist-itl"
"""No registered type exists for ANSI/NIST-ITL transactions; this one is ours."""

_SIGNATURES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (0, b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"dex\n", "application/x-dex"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (0, b"#!", "text/x-shellscript"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (0, b"\x00\x00\x00\x0cjP  \r\n", "image/jp2"),
    (0, b"\xff\xa0\xff", "image/x-wsq"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
PROGRAMS: Final = frozenset(kind for _, _, kind in _SIGNATURES[:11])
_INSIDE: Final = {
    ZIP: re.compile(
        r"application/(zip|java-archive|epub\+zip|vnd\.openxmlformats-officedocument\..+|vnd\.oasis\.opendocument\..+|"
        r"vnd\.android\.package-archive|vnd\.google-earth\.kmz)"
    ),
    "application/x-ole-storage": re.compile(r"application/(msword|vnd\.ms-.+|x-ole-storage)"),
    TEXT: re.compile(r"text/.+|application/(json|xml|x-ndjson|rtf|geo\+json)|message/rfc822"),
    "video/mp4": re.compile(r"(video|audio)/(mp4|3gpp|quicktime|x-m4v)"),
    "video/webm": re.compile(r"(video|audio)/(webm|x-matroska)"),
    "audio/ogg": re.compile(r"(audio|video|application)/ogg"),
    "audio/wav": re.compile(r"audio/(wav|x-wav|vnd\.wave)"),
    "image/bmp": re.compile(r"image/(bmp|x-ms-bmp)"),
    "application/gzip": re.compile(r"application/(gzip|x-gzip|x-tgz)"),
    "application/xml": re.compile(r".*[/+]xml"),
}
_MARKUP: Final = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(!doctype html|html|head|body|script|svg|\?xml)", re.I | re.S)


def sniff(first: bytes) -> str:
    """The type that the first bytes (4 KiB are enough) say; ``application/octet-stream`` where they say nothing."""
    for place, signature, kind in _SIGNATURES:
        if first.startswith(signature, place) and _is_meant(first, place, signature):
            return kind
    if re.match(rb"1\.0?01:\d", first):
        return ANSI_NIST
    text = first[3:] if first.startswith(b"\xef\xbb\xbf") else first
    if found := _MARKUP.match(text):
        word = found.group(1).lower()
        if word == b"svg" or (word == b"?xml" and b"<svg" in text.lower()):
            return "image/svg+xml"
        return "application/xml" if word == b"?xml" else "text/html"
    return TEXT if first and _is_text(first) else UNKNOWN


def _is_meant(first: bytes, place: int, signature: bytes) -> bool:
    """Whether a signature that fits is no chance: a text may begin with MZ or BM, and four letters at byte 8 are RIFF's."""
    if signature in (b"MZ", b"BM", b"BZh", b"ID3"):
        return not _is_text(first)
    return place != 8 or first.startswith(b"RIFF")


def is_program(kind: str) -> bool:
    """Whether a type is one that a computer runs."""
    return kind in PROGRAMS


def contradicts(declared: str, found: str) -> bool:
    """Whether the bytes cannot be of the declared type. What says nothing (``octet-stream``) contradicts nothing."""
    if found == UNKNOWN or declared in (found, UNKNOWN):
        return False
    inside = _INSIDE.get(found)
    return inside is None or inside.fullmatch(declared) is None


def _is_text(first: bytes) -> bool:
    """UTF-8 (a character may be cut off at the end) without control characters."""
    try:
        told = first.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or len(first) - error.start > 3:
            return False
        told = first[: error.start].decode("utf-8")
    return not any(ord(sign) < 32 and sign not in "\t\n\r\f\x1b\x1c\x1d\x1e\x1f" for sign in told)
