"""Partners witness each other's exchange logs: every envelope and every receipt carries a checkpoint, the proof that it continues
the last one the other saw, and the countersignature under the other's own.

So a log that is rewritten is found from any partner's checkpoint alone, without a third party.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Corrupt, TansiqError
from tansiq.node.audit import queries as audit_log
from tansiq.node.audit import witnessing
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.exchange.models import Link
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

LOG = "exchange"
ITEM = "witness"


def told_to(partner: str) -> dict[str, Any]:
    """What ``partner`` is shown now: our newest checkpoint, the proof from the size it saw, its own checkpoint countersigned."""
    seen = Link.objects.filter(partner=partner).values_list("witnessed_size", flat=True).first() or 0
    checkpoint, consistency = audit_log.checkpoint_with_proof(LOG, seen)
    return {"checkpoint": checkpoint, "consistency": consistency, "cosigned": audit_log.cosigned_for(partner)}


def learn(partner: str, told: Mapping[str, Any], now: datetime) -> None:
    """Keep what a partner shows of its log and saw of ours. A contradiction is evidence and an alarm; nothing else stops."""
    publics = list(partners.node_keys(partner, now).values())
    try:
        if told.get("checkpoint"):
            me, signer = partners.my_id(), keys.current().node
            witnessing.keep_partner_checkpoint(
                partner,
                str(told["checkpoint"]),
                told.get("consistency"),
                publics=publics,
                node_id=me,
                signer=signer,
                now=now,
            )
        if told.get("cosigned"):
            seen = witnessing.keep_cosigned(partner, str(told["cosigned"]), publics=publics)
            Link.objects.filter(partner=partner, witnessed_size__lt=seen.size).update(witnessed_size=seen.size)
    except TansiqError as error:
        with transaction.atomic():
            record(
                "witness.rejected",
                actor=f"node:{partner}",
                facts={"partner": partner, "code": error.code},
                log="internal",
                now=now,
            )
            if isinstance(error, Corrupt):
                desk.put(
                    "log_contradicts",
                    f"log_contradicts/{partner}",
                    title_code="desk.log_contradicts",
                    facts={"partner": partner},
                    urgent=True,
                    now=now,
                )
