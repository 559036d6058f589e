"""What the worker does for the logs: the sequencer's loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from tansiq.engine.errors import TansiqError
from tansiq.node.audit import actions
from tansiq.node.audit.models import LOGS
from tansiq.node.vault import keys
from tansiq.node.vault.stores import on_disk

log = logging.getLogger(__name__)
IDLE = 0.25


def sequence_all(now: datetime, *, batch: int = actions.BATCH) -> int:
    """Number what waits in both logs and sign what is due, with the node's own key; returns how many events."""
    signer, node_id = keys.current().node, settings.NODE.node_id
    with on_disk():
        return sum(actions.sequence(now, batch, log=name, node_id=node_id, signer=signer) for name in LOGS)


def run_sequencer(*, stop: threading.Event, clock: Callable[[], datetime], idle: float = IDLE) -> None:
    """Number events until ``stop`` is set. Of any number of processes that run it one works at a time."""
    while not stop.is_set():
        try:
            done = sequence_all(clock())
        except (DatabaseError, TansiqError) as error:
            log.warning("sequencer: %s", type(error).__name__)
            close_old_connections()
            done = 0
        if done < actions.BATCH:
            stop.wait(idle)
    connection.close()
