"""What machines of ours are told: each state of each open task of their account, signed, until their machine says yes.

A machine has a desk as an officer has: what needs somebody there is what it is told of. So a recall reaches what was exported to it by
the same road as any holder of a copy: a task of its account. What is sent names codes and ids, never content: the machine asks for that.

The form is that of the Standard Webhooks specification (1.0): headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``,
HMAC-SHA256 over ``id.timestamp.body``. Told at least once; the id stays the same however often it is repeated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
from django.db import DatabaseError, close_old_connections, connection

from tansiq.engine.errors import TansiqError
from tansiq.engine.formats.times import format_time
from tansiq.node.clients import actions, queries
from tansiq.node.desk import queries as desk

if TYPE_CHECKING:
    from tansiq.node.clients.models import Client, Notice

Clock = Callable[[], datetime]
EVERY = 1.0
BATCH = 100
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


def run(*, stop: threading.Event, clock: Clock) -> None:
    """Tell until ``stop`` is set. Several workers may: a notice told twice has the same id."""
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as http:
        while not stop.is_set():
            try:
                close_old_connections()
                turn(http, clock)
            except DatabaseError:
                close_old_connections()
            stop.wait(EVERY)
    connection.close()


def turn(http: httpx.Client, clock: Clock) -> int:
    """Owe what is new to every client that is told, and tell what is owed; returns how many were told."""
    told = 0
    for client in queries.told_clients(clock()):
        actions.owe(client, desk.states_for(client.officer), now=clock())
        told += _tell(client, http, clock)
    return told


def _tell(client: Client, http: httpx.Client, clock: Clock) -> int:
    """Tell one client in the order of what is owed; its first no ends the turn, so that a machine that is down costs one try."""
    told = 0
    for notice in queries.owed_notices(client, clock(), limit=BATCH):
        try:
            task = desk.get_task_for(client.officer, notice.task)
        except TansiqError:
            actions.drop(notice)
            continue
        error = _post(client, notice, _body(notice, task), http, clock())
        if error:
            actions.note_failed(notice, error, clock())
            return told
        actions.note_told(notice, clock())
        told += 1
    return told


def sweep(now: datetime) -> None:
    """Forget what clients were told long ago of tasks that are no more."""
    for client in queries.told_clients(now):
        actions.sweep(client, list(desk.states_for(client.officer)), now)


def _body(notice: Notice, task: Any) -> bytes:
    value = {
        "type": f"task.{task.state}",
        "timestamp": format_time(notice.changed_at),
        "data": {
            "task": task.key,
            "kind": task.kind,
            "code": task.title_code,
            "link": task.link,
            "urgent": task.urgent,
            "due_at": format_time(task.due_at) if task.due_at else None,
        },
    }
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def signature(secret: str, notice_id: str, timestamp: str, body: bytes) -> str:
    """The header ``webhook-signature``: ``v1,`` and the HMAC-SHA256 over id, time and body, base64."""
    raw = secret.removeprefix("whsec_")
    key = base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))
    signed = hmac.new(key, f"{notice_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def _post(client: Client, notice: Notice, body: bytes, http: httpx.Client, now: datetime) -> str:
    """Send one notice; returns why not, empty if its machine said yes."""
    timestamp = str(int(now.timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-id": str(notice.notice_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(client.secret or "", str(notice.notice_id), timestamp, body),
    }
    try:
        answer = http.post(client.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        return type(error).__name__
    return "" if answer.is_success else f"HTTP {answer.status_code}"
