"""Fetching, for a node that partners cannot reach from outside: it dials out, takes what waits, and brings receipts.

The request is signed by the node's key over who asks whom, when, and a nonce; it changes nothing at the partner, so a
replay while it holds would only fetch envelopes that nobody else can open.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from tansiq.engine.envelopes.relaying import framed, split
from tansiq.engine.envelopes.requests import PULL_TYPE, open_request, sign_request
from tansiq.engine.errors import TansiqError, Unavailable
from tansiq.engine.formats import canonical
from tansiq.node.exchange import accepting, actions, queries
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

LIMIT = 20
MAX_BYTES = 16 * 1024 * 1024


def request_for(partner: str, now: datetime) -> bytes:
    """The signed request with which this node asks ``partner`` for what waits."""
    return signed_request(PULL_TYPE, partner, now)


def asker(raw: bytes, now: datetime) -> str:
    """Who asks, proved; raises Rejected for anybody else's request, or one that holds no more."""
    return str(proved(raw, PULL_TYPE, now)["from"])


def signed_request(type_: str, partner: str, now: datetime, **members: str | int) -> bytes:
    """A request of this node to ``partner``, signed by its node key: who asks whom, when, a nonce, and ``members``."""
    return sign_request(
        type_,
        keys.current().node,
        sender=partners.my_id(),
        to=partner,
        nonce=os.urandom(12),
        now=now,
        **members,
    )


def proved(raw: bytes, type_: str, now: datetime) -> dict[str, Any]:
    """What a request says, once its sender is proved; raises Rejected as :func:`asker` does."""
    return open_request(
        raw, type_, me=partners.my_id(), keys_of=lambda sender: partners.node_keys(sender, now), now=now
    )


def waiting(partner: str, worker: str, now: datetime) -> bytes:
    """The framed envelopes that wait for ``partner``: each a 4-byte length and the envelope's bytes."""
    if actions.lease(partner, worker, now):
        try:
            actions.seal_next(partner, worker, now)
        finally:
            actions.release(partner, worker)
    raws: list[bytes] = []
    for row in queries.ready_for(partner, LIMIT):
        if raws and sum(map(len, raws)) + row.size > MAX_BYTES:
            break
        raws.append(bytes(row.raw))
    return framed(raws)


def pull_from(partner: str, url: str, http: httpx.Client, clock: Callable[[], datetime]) -> int:
    """Fetch what waits at ``partner``, take it in, and bring the receipts; returns how many envelopes came.

    An envelope that is refused does not hold up those behind it; the first refusal is raised in the end.
    """
    came = 0
    refused: TansiqError | None = None
    try:
        answer = http.post(f"{url.rstrip('/')}/peer/v1/pull", content=request_for(partner, clock()))
        if answer.status_code != 200:
            raise Unavailable("exchange.answered", partner=partner, status=answer.status_code)
        for raw in split(answer.content):
            try:
                receipt = accepting.accept(raw, clock())
            except TansiqError as error:
                refused = refused or error
                continue
            came += 1
            http.post(f"{url.rstrip('/')}/peer/v1/receipts", content=canonical.dumps(receipt))
    except httpx.HTTPError as error:
        raise Unavailable("exchange.unreachable", partner=partner, reason=type(error).__name__) from error
    if refused is not None:
        raise refused
    return came


def pull_all(http: httpx.Client, clock: Callable[[], datetime]) -> int:
    """Fetch from every partner that has an address, when this node has none; a partner that fails is tried next time."""
    me = partners.myself()
    if me.url:
        return 0
    came = 0
    for row in partners.partners():
        if row.url and not row.by_hand and row.status == row.ENROLLED and not queries.is_pausing(row.node_id, clock()):
            try:
                came += pull_from(row.node_id, row.url, http, clock)
                actions.note_reached(row.node_id)
            except TansiqError as error:
                actions.record_failure(row.node_id, None, error.code, clock())
    return came
