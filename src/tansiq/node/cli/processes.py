"""The processes of a running node: forked from one that has opened the vault and loaded the program once.

Each would otherwise need seconds to load the same modules, and memory of its own for them. The parent has no thread and no connection
to the store, so that nothing half done is copied into a child.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkProcess

import click

from tansiq.engine import matching
from tansiq.engine.entities.model import model

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15


def load() -> None:
    """Load what the processes of a node share; the first question of an officer or a partner then waits for nothing."""
    from django.conf import settings

    for module in ("tansiq.node.flows.working", settings.ROOT_URLCONF, "uvicorn"):
        importlib.import_module(module)
    matching.warm()
    model()


def supervise(parts: Mapping[str, Callable[[], None]], *, stop: threading.Event) -> None:
    """Run each of ``parts`` in a process of its own until ``stop`` is set, and start again whichever ends before."""
    gc.freeze()  # what is loaded stays shared: the collector of a child does not write into it
    running = {name: _started(name, part) for name, part in parts.items()}
    try:
        while not stop.wait(0.3):
            for name, child in running.items():
                if not child.is_alive():
                    _tell(f"{name} ended with status {child.exitcode}; starting it again")
                    stop.wait(1)
                    running[name] = _started(name, parts[name])
    finally:
        for child in running.values():
            child.terminate()
        for child in running.values():
            child.join(10)
            child.kill()


def _tell(text: str) -> None:
    """Say it where it can be said: the parent of all outlives a log that cannot be written, such as one on a disk that is full."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def _started(name: str, part: Callable[[], None]) -> ForkProcess:
    child = multiprocessing.get_context("fork").Process(target=_child, args=(name, part, os.getpid()), name=name)
    child.start()
    return child


def _child(name: str, part: Callable[[], None], parent: int) -> None:
    """What a process does first: a session of its own (Ctrl-C reaches only the parent, which ends its children in order)."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _end_with_parent(name)
    if os.getppid() == parent:
        part()


def _end_with_parent(name: str) -> None:
    """Ask the kernel to end this process when its parent dies, so that a killed parent leaves nothing behind; be listed by name."""
    if sys.platform == "linux":
        import ctypes

        kernel = ctypes.CDLL(None)
        kernel.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        kernel.prctl(PR_SET_NAME, f"tansiq-{name}".encode())
