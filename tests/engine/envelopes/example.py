"""Makes the worked example of the protocol page.

``python -m tests.engine.envelopes.example > docs/protocol/examples/envelope.json``

Everything but the sealed body follows from the seeds in it; sealing draws fresh randomness, so a new run gives another
envelope that is just as good.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tansiq.engine.envelopes import dsse, receipts, words
from tansiq.engine.envelopes.bodies import Body, Item
from tansiq.engine.envelopes.cards import NodeCard, fingerprint
from tansiq.engine.envelopes.receipts import Receipt
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.formats.times import format_time
from tests.engine.envelopes.makers import FRANCE, MOROCCO, NOW, Node, seal

BODY = Body((Item("heads", {"dossiers": {}}),), checkpoint=None)


def keys_of(node: Node) -> dict[str, str]:
    """The secrets of a node of the example: seeds of Ed25519 in hexadecimal, age identities as text."""
    return {
        "root": node.root.seed.hex(),
        "node": node.node.seed.hex(),
        "authority": node.authority.seed.hex(),
        "mailbox": node.mailbox.to_text(),
        "next_mailbox": node.next_mailbox.to_text(),
        "archive": node.archive.to_text(),
    }


def example() -> dict[str, Any]:
    """The example as JSON."""
    sealed = seal(BODY.to_bytes())
    manifest = sealed.opened_manifest
    receipt = Receipt(
        envelope_id=manifest.envelope_id,
        manifest_digest=sealed.manifest_digest,
        sender="ma-dgsn",
        recipient="fr",
        status="accepted",
        received_at=NOW,
        understood=("heads",),
    )
    return {
        "now": format_time(NOW),
        "secrets": {"fr": keys_of(FRANCE), "ma-dgsn": keys_of(MOROCCO)},
        "card": FRANCE.signed_card.to_json(),
        "card_signed_bytes": b64encode(dsse.encoding(NodeCard.payload_type, FRANCE.card.to_bytes())),
        "fingerprint": fingerprint(FRANCE.root.public).hex(),
        "words": {one: list(words.spell(fingerprint(FRANCE.root.public), one)) for one in words.LANGUAGES},
        "body": BODY.to_bytes().decode(),
        "binding": manifest.binding(),
        "manifest_digest": sealed.manifest_digest,
        "envelope": b64encode(sealed.to_bytes()),
        "receipt": receipts.sign_receipt(receipt, MOROCCO.node).to_json(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(example(), ensure_ascii=False, indent=1) + "\n")
