"""Several processes that read pieces of one file at once, and give back what they read in the order of the file.

Each holds one piece at a time, so memory is that of a few pieces however long the file is. They are started anew
(``spawn``), inherit nothing of this process, get their one key through a pipe, never touch the database or the disk,
and end when the pipe breaks: a killed import leaves no process behind.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

from tansiq.engine.entities.lists import FtmPieces, Piece, PieceCounts
from tansiq.engine.errors import TansiqError, Unavailable
from tansiq.node.register.import_preparing import PreparedRow, Preparing, Want

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

MAX_PROCESSES: Final = 4
WORTH_BYTES: Final = 32 * 1024 * 1024
"""A shorter file is read before other processes have loaded the model."""

Task = tuple[Piece, "Want | bytes"]
Done = tuple[list[PreparedRow], PieceCounts]


def processes_for(size: int) -> int:
    """How many processes to read a file of ``size`` bytes with; 0 means in this one."""
    return min(MAX_PROCESSES, os.cpu_count() or 1) if size >= WORTH_BYTES else 0


def read_piece(pieces: FtmPieces, preparing: Preparing, task: Task) -> Done:
    """What a process does with each piece."""
    piece, wanted = task
    found = pieces.read(piece)
    return preparing.rows(found.rows, wanted), found.told


def read_pieces(pieces: FtmPieces, preparing: Preparing, tasks: Iterable[Task], *, processes: int) -> Generator[Done]:
    """Every task done, in order; raises what a reader raises, or Unavailable("register.import_reader_lost")."""
    if not processes:
        yield from (read_piece(pieces, preparing, task) for task in tasks)
        return
    with _started(pieces, preparing, processes) as pipes:
        busy: list[Connection] = []
        for number, task in enumerate(tasks):
            pipe = pipes[number % processes]
            # Its turn has come round: what it was given before is the oldest that is still out.
            done = _received(busy.pop(0)) if len(busy) == processes else None
            _send(pipe, task)
            busy.append(pipe)
            if done is not None:
                yield done
        for pipe in busy:
            yield _received(pipe)


@contextmanager
def _started(pieces: FtmPieces, preparing: Preparing, count: int) -> Iterator[list[Connection]]:
    context = get_context("spawn")
    pipes: list[Connection] = []
    running: list[SpawnProcess] = []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, pieces, preparing), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            running.append(process)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in running:
            process.join(2)
            if process.is_alive():
                process.kill()
                process.join()


def _serve(pipe: Connection, pieces: FtmPieces, preparing: Preparing) -> None:
    while True:
        try:
            task: Task = pipe.recv()
        except (EOFError, OSError):
            return
        answer: Any
        try:
            answer = read_piece(pieces, preparing, task)
        except TansiqError as error:
            answer = (type(error), error.code, error.facts)
        try:
            pipe.send(answer)
        except OSError:
            return


def _send(pipe: Connection, task: Task) -> None:
    try:
        pipe.send(task)
    except OSError as error:
        raise Unavailable("register.import_reader_lost") from error


def _received(pipe: Connection) -> Done:
    try:
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise Unavailable("register.import_reader_lost") from error
    if isinstance(answer[0], type):
        kind, code, facts = answer
        raise kind(code, **facts)
    return answer  # type: ignore[no-any-return]
