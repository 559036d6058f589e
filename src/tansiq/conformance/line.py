"""The doors of the node under test, over HTTP (docs/protocol/envelopes.md §12)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.json_values import Limits

ENVELOPES: Final = "/peer/v1/envelopes"
RECEIPTS: Final = "/peer/v1/receipts"
PULL: Final = "/peer/v1/pull"
BLOB_READ: Final = "/peer/v1/blobs/read"
BLOB_WRITE: Final = "/peer/v1/blobs/write"
_LIMITS: Final = Limits(max_bytes=1024 * 1024)
_TEMPORARY: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a door said: HTTP status, body, and the JSON in it where there is any."""

    status: int
    raw: bytes
    media_type: str

    @property
    def value(self) -> Any:
        """The JSON in the body, None where it is none."""
        try:
            return strict_json.loads(self.raw, limits=_LIMITS)
        except TansiqError:
            return None

    @property
    def code(self) -> str:
        """The code of a refusal; empty where there is none."""
        value = self.value
        return str(value.get("code", "")) if self.status >= 400 and isinstance(value, dict) else ""

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in _TEMPORARY

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


@dataclass(frozen=True)
class Line:
    """The way to the node at ``url``; raises ``httpx.HTTPError`` where there is none."""

    url: str
    http: httpx.Client
    is_network: bool = True
    """Whether real connections lead there; else what is about connections cannot be tried."""

    def post(self, path: str, raw: bytes) -> Answer:
        """Knock at a door."""
        answer = self.http.post(f"{self.url.rstrip('/')}{path}", content=raw)
        return Answer(answer.status_code, answer.content, answer.headers.get("content-type", ""))

    @contextmanager
    def stuck(self, raw: bytes, *, count: int) -> Iterator[None]:
        """So many connections that have each sent the beginning of ``raw`` and say no more."""
        place = urlsplit(self.url)
        head = f"POST {ENVELOPES} HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-length: {len(raw)}\r\n\r\n".encode()
        with ExitStack() as open_ones:
            for _ in range(count):
                one = socket.create_connection((place.hostname or "", place.port or 80), timeout=10)
                open_ones.enter_context(one)
                one.sendall(head + raw[: len(raw) // 2])
            yield


def framed(raw: bytes) -> list[bytes]:
    """The envelopes in what a request to fetch is answered with; raises ``ValueError`` where the lengths do not add up."""
    found, place = [], 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise ValueError("half a length")
        (size,) = struct.unpack_from(">I", raw, place)
        if place + 4 + size > len(raw):
            raise ValueError("a length beyond the end")
        found.append(raw[place + 4 : place + 4 + size])
        place += 4 + size
    return found
