"""The delivery loop: for every partner to whom something waits, seal, send, and keep the receipt.

One thread a partner at a time, so that a slow or dead partner holds up nobody else; the lease on the link lets any number
of worker processes share the work. The only state is in the tables.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
from django.db import connection

from tansiq.engine.errors import TansiqError, Unavailable
from tansiq.engine.formats import strict_json
from tansiq.node.exchange import actions, queries, relaying
from tansiq.node.exchange.models import OutEnvelope
from tansiq.node.jobs import waking
from tansiq.node.partners import queries as partners

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
ENVELOPE_TYPE = "application/vnd.tansiq.envelope"
_RECEIPT_LIMITS = strict_json.Limits(max_bytes=256 * 1024)
THREADS = 8
SETTLE = 0.01
"""Who is being delivered to takes along what comes meanwhile: many rings in a moment need no look each."""
SEAL_ANEW = frozenset({"envelope.key_revoked", "envelope.key_not_valid", "envelope.expired"})
"""What a partner says of bytes that will never be accepted, while the items in them may be: under another key, or another time."""
UNSOUND = frozenset({"dsse.signatures_differ", "envelope.signature_invalid", "exchange.receipt_for_other"})
TRIES_FOR_A_RECEIPT = 3
"""A stored receipt under a key that its node has revoked since is given again for ever: the items must travel anew to get another."""


def client() -> httpx.Client:
    """An HTTP client for partners: no proxy surprises, no redirects, certificate checks as the system has them."""
    return httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False, headers={"user-agent": "tansiq"})


def send(envelope: OutEnvelope, url: str, http: httpx.Client) -> dict[str, object]:
    """Send one stored envelope and return the receipt; raises Unavailable for everything that is worth another try."""
    try:
        response = http.post(
            f"{url.rstrip('/')}/peer/v1/envelopes", content=bytes(envelope.raw), headers={"content-type": ENVELOPE_TYPE}
        )
    except httpx.HTTPError as error:
        raise Unavailable("exchange.unreachable", partner=envelope.partner, reason=type(error).__name__) from error
    if response.status_code != 200:
        raise Unavailable(
            "exchange.answered", partner=envelope.partner, status=response.status_code, problem=_problem(response)
        )
    try:
        receipt = strict_json.loads(response.content, limits=_RECEIPT_LIMITS)
    except TansiqError as error:
        raise Unavailable("exchange.no_receipt", partner=envelope.partner) from error
    if not isinstance(receipt, dict):
        raise Unavailable("exchange.no_receipt", partner=envelope.partner)
    return receipt


def _problem(response: httpx.Response) -> str:
    try:
        value = strict_json.loads(response.content[:65536], limits=_RECEIPT_LIMITS)
    except TansiqError:
        return ""
    return str(value.get("code", ""))[:80] if isinstance(value, dict) else ""


def deliver_to(
    partner: str, worker: str, http: httpx.Client, clock: Callable[[], datetime], stop: threading.Event
) -> int:
    """Deliver everything that waits for ``partner``; returns the number of envelopes receipted."""
    now = clock()
    if not actions.lease(partner, worker, now):
        return 0
    delivered = 0
    try:
        while not stop.is_set() and _deliver_one(partner, worker, http, clock):
            delivered += 1
            actions.lease(partner, worker, clock())
    finally:
        actions.release(partner, worker)
    return delivered


def _deliver_one(partner: str, worker: str, http: httpx.Client, clock: Callable[[], datetime]) -> bool:
    ready = queries.ready_for(partner, 1)
    envelope = ready[0] if ready else None
    try:
        card = partners.card_of(partner)
        if card is None:
            raise Unavailable("partner.suspended", node=partner)
        if envelope is None:
            envelope = actions.seal_next(partner, worker, clock())
        if envelope is None:
            return False
        route = relaying.route_of(partner)
        if route:
            relaying.hand_over(envelope, route, http, clock())
            return True
        if not card.url:
            return False
        receipt = send(envelope, card.url, http)
        actions.record_receipt(partner, receipt, clock())
    except TansiqError as error:
        code = error.facts.get("problem") or error.code
        if envelope and (code in SEAL_ANEW or (code in UNSOUND and envelope.attempts >= TRIES_FOR_A_RECEIPT)):
            actions.replace(envelope.envelope_id)
        actions.record_failure(partner, envelope.envelope_id if envelope else None, str(code), clock())
        return False
    return True


def run(worker: str, *, stop: threading.Event, clock: Callable[[], datetime], idle: float = 0.5) -> None:
    """Deliver until ``stop`` is set, looking for new work when the bell rings and every ``idle`` seconds."""
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
    with client() as http, threads as pool, waking.Bell(waking.DELIVER, worker) as bell:
        under_way: dict[str, object] = {}
        while not stop.is_set():
            for partner in queries.partners_with_work(clock(), worker, but=set(under_way)):
                if len(under_way) < THREADS:
                    under_way[partner] = pool.submit(_guarded, partner, worker, http, clock, stop, under_way)
            bell.wait(stop, idle)
            stop.wait(SETTLE)
    connection.close()


def _guarded(
    partner: str,
    worker: str,
    http: httpx.Client,
    clock: Callable[[], datetime],
    stop: threading.Event,
    under_way: dict[str, object],
) -> None:
    try:
        deliver_to(partner, f"{worker}/{partner}", http, clock, stop)
    finally:
        under_way.pop(partner, None)
        waking.ring(waking.DELIVER)  # what came for this partner in the meantime was left to this thread
        connection.close()
