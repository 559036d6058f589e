"""Whoever holds a connection open and moves nothing is dropped; a real server on the loopback, with little patience."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tansiq.node.api import bounds
from tansiq.node.api.patience import Patient

LARGE = 32 * 1024 * 1024


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    body = bytes(LARGE) if scope["path"] == "/large" else b"{}"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that waits a fifth of a second and knows one large answer."""
    monkeypatch.setattr(Patient, "stall", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(bounds.bounded(_answer), http=Patient, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _ends(one: socket.socket) -> bytes:
    """Everything that comes until the other side ends the connection."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while raw := one.recv(65536):
            came += raw
    return came


@pytest.mark.parametrize(
    "begun", [b"", b"POST /peer/v1/env", b"POST /peer/v1/envelopes HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf"]
)
def test_a_request_that_does_not_go_on_is_dropped(port: int, begun: bytes) -> None:
    with _connected(port) as stuck, _connected(port) as other:
        stuck.sendall(begun)
        assert _ends(stuck) == b""
        other.close()
        with _connected(port) as honest:
            honest.sendall(b"POST / HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            assert _ends(honest).startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_reads_is_dropped_with_its_bytes(port: int) -> None:
    with _connected(port) as deaf:
        deaf.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        with _connected(port) as other:
            assert _ends(other) == b""
        time.sleep(2)  # ten times the server's patience, in which nothing is read: reading would let it go on
        assert len(_ends(deaf)) < LARGE


def test_a_body_that_trickles_has_an_end(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "GRACE", 0.1)
    monkeypatch.setattr(Patient, "stall", 20.0)
    with _connected(port) as slow:
        slow.sendall(b"POST /peer/v1/envelopes HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf")
        told = _ends(slow)
    assert told.startswith(b"HTTP/1.1 408")
    assert b'"code": "api.too_slow"' in told
