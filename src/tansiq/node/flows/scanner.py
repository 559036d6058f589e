"""The virus scanner of this machine, asked about a file while it streams by: clamd over its socket, or any command that reads its input.

``file_scanner`` in ``node.toml`` names it::

    clamd:/run/clamav/clamd.ctl          clamd behind a socket of this machine (INSTREAM)
    clamd:127.0.0.1:3310                 the same behind a port of this machine
    command:/usr/bin/clamdscan -         a program that is given the file and says 0 (clean), 1 (found) or anything else (no answer)

The file goes to the scanner in clear, so the scanner is on this machine, and what it writes meanwhile belongs into memory (clamd:
``TemporaryDirectory`` on a tmpfs).
"""

from __future__ import annotations

import shlex
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from tansiq.engine.errors import Unavailable

CLEAN, FOUND, TOO_LARGE, UNSCANNED = "clean", "found", "too_large", ""
PATIENCE: Final = 300
"""Seconds without a word from the scanner."""
MAX_ANSWER: Final = 4096
MAX_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanner said: ``verdict`` is clean, found or too_large, or empty where none is set up; ``name`` is what was found."""

    verdict: str
    name: str = ""


def scan(pieces: Iterable[bytes]) -> Scan:
    """Ask the scanner that the settings name about the file of these pieces; raises Unavailable("file.scanner_silent") for no answer."""
    kind, _, place = str(settings.NODE.file_scanner).partition(":")
    if not kind:
        return Scan(UNSCANNED)
    try:
        return _clamd(place, pieces) if kind == "clamd" else _command(place, pieces)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable("file.scanner_silent", reason=type(error).__name__) from error


# -- clamd ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _connected(place: str) -> Iterator[socket.socket]:
    host, _, port = place.rpartition(":")
    if place.startswith("/"):
        line, address = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), place
    else:
        line, address = socket.socket(socket.AF_INET, socket.SOCK_STREAM), (host, int(port))  # type: ignore[assignment]
    with line:
        line.settimeout(PATIENCE)
        line.connect(address)
        yield line


def _clamd(place: str, pieces: Iterable[bytes]) -> Scan:
    """INSTREAM of clamd(8): chunks with their length before them, then a length of zero."""
    with _connected(place) as line:
        try:
            line.sendall(b"zINSTREAM\0")
            for piece in pieces:
                if piece:
                    line.sendall(struct.pack(">I", len(piece)) + piece)
            line.sendall(bytes(4))
        except (BrokenPipeError, ConnectionResetError):
            pass  # clamd hangs up on what is larger than it takes, and says so first
        answer = b""
        while len(answer) < MAX_ANSWER and not answer.endswith(b"\0") and (more := line.recv(MAX_ANSWER)):
            answer += more
    told = answer.rstrip(b"\0\n").decode("utf-8", "replace").removeprefix("stream: ")
    if told == "OK":
        return Scan(CLEAN)
    if told.endswith(" FOUND"):
        return Scan(FOUND, told.removesuffix(" FOUND")[:MAX_NAME])
    if "size limit exceeded" in told:
        return Scan(TOO_LARGE)
    raise Unavailable("file.scanner_silent", reason=told[:MAX_NAME] or "no answer")


# -- a command -----------------------------------------------------------------------------------------------------------


def _command(words: str, pieces: Iterable[bytes]) -> Scan:
    with tempfile.TemporaryFile() as told:  # what the program says, not what it was given
        program = subprocess.Popen(shlex.split(words), stdin=subprocess.PIPE, stdout=told, stderr=subprocess.DEVNULL)
        try:
            _feed(program, pieces)
            status = program.wait(PATIENCE)
        finally:
            program.kill()
            program.wait()
        told.seek(0)
        lines = told.read(MAX_ANSWER).decode("utf-8", "replace").split("\n")
    if status == 0:
        return Scan(CLEAN)
    if status == 1:
        name = next((line for line in lines if line.strip()), "")
        return Scan(FOUND, name.removeprefix("stream: ").removesuffix(" FOUND").strip()[:MAX_NAME])
    raise Unavailable("file.scanner_silent", reason=f"exit status {status}")


def _feed(program: subprocess.Popen[bytes], pieces: Iterable[bytes]) -> None:
    """Give the file; a program that has seen enough closes its input, and its exit status says why."""
    assert program.stdin
    try:
        with program.stdin as sink:
            for piece in pieces:
                sink.write(piece)
    except BrokenPipeError:
        pass
