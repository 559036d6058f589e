"""Evidence against a partner: everything it signed that cannot stand beside something else that it signed.

All of it is as it came, under the partner's signatures, with the cards that name the keys: whoever has the root key can judge it without
this node (docs/protocol: envelopes §7 and §8, dossiers §6, logs).
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any, Final

from tansiq.engine.formats.times import format_time
from tansiq.node.audit import queries as audit
from tansiq.node.dossiers import forks
from tansiq.node.exchange import queries as exchange
from tansiq.node.partners import queries as partners

MOST: Final = 1000
"""Of each kind, the newest: a partner that contradicts itself without end needs no more to be judged."""


def against(partner: str, now: datetime) -> dict[str, Any]:
    """What is held against ``partner``; empty lists where it never contradicted itself. Raises Rejected("partner.unknown")."""
    partners.get_partner(partner)
    return {
        "v": 1,
        "node": partners.my_id(),
        "partner": partner,
        "made_at": format_time(now),
        "cards": partners.all_cards(partner),
        "envelope_ids": exchange.ids_used_twice(partner, MOST),
        "numbers": exchange.numbers_used_twice(partner, MOST),
        "entries": [*islice(forks.signed_by(partner), MOST)],
        "logs": [
            {"kind": row.kind, "origin": row.origin, "known": row.known, "other": row.other, "proof": row.proof}
            for row in audit.contradictions(partner)[:MOST]
        ],
    }
