"""Signed requests outside of envelopes: who asks whom for what, when, and a nonce. They change nothing that a replay could change again.

A request holds for two hours, so that clocks may differ as those of envelopes may. A replay only gets what nobody else can open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import format_time, parse_time

PULL_TYPE: Final = "application/vnd.tansiq.pull+json"
WINDOW: Final = timedelta(hours=2)


def sign_request(
    type_: str, signer: Signer, *, sender: str, to: str, nonce: bytes, now: datetime, **members: str | int
) -> bytes:
    """The request as canonical JSON of its DSSE document, under the sender's node key."""
    payload = {"v": 1, "from": sender, "to": to, "at": format_time(now), "nonce": b64encode(nonce), **members}
    return canonical.dumps(dsse.sign(type_, canonical.dumps(payload), [signer]).to_json())


def open_request(
    raw: bytes, type_: str, *, me: str, keys_of: Callable[[str], Mapping[str, bytes]], now: datetime
) -> dict[str, Any]:
    """What a request says, once its sender is proved.

    ``keys_of`` gives the node keys of a sender that are valid now, none for a stranger. Raises Rejected:
    ``exchange.pull_not_for_us``, what ``dsse.verify_one`` raises, ``exchange.pull_stale``.
    """
    signed = Signed.from_json(strict_json.loads(raw))
    claimed = strict_json.loads(signed.payload)
    if not isinstance(claimed, dict) or claimed.get("to") != me:
        raise Rejected("exchange.pull_not_for_us")
    sender = str(claimed.get("from"))
    dsse.verify_one(signed, payload_type=type_, keys=keys_of(sender))
    if abs(parse_time(str(claimed.get("at"))) - now) > WINDOW:
        raise Rejected("exchange.pull_stale", partner=sender)
    return claimed
