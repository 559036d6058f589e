"""Ceremonies with the root key, which is brought for them and taken away again: a newer card, a revoked key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction

from tansiq.engine.envelopes import keyfile
from tansiq.engine.envelopes.age import HybridIdentity
from tansiq.engine.envelopes.cards import LastGood, Revocation, sign_revocation
from tansiq.engine.envelopes.revocations import copies
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, is_external
from tansiq.node.cli import setup
from tansiq.node.dossiers.queries import last_entries_of
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import recovery
from tansiq.node.partners import actions, queries
from tansiq.node.vault import keys
from tansiq.node.vault.keys import Keys, Mailbox


def _root(path: Path, passphrase: str) -> Ed25519Signer:
    value: Any = keyfile.unseal(path.read_bytes(), passphrase)
    root = Ed25519Signer.from_seed(b64decode(value["root"]))
    if root.public != bytes(queries.myself().root_public):
        raise Rejected("settings.not_root_key", at=str(path))
    return root


def renew(home: Path, root_key: Path, passphrase: str, *, url: str | None, now: datetime) -> dict[str, Any]:
    """Add the next mailbox key, sign a newer card, and owe it to every partner.

    The secrets are written before the card: a card that partners have must never name a key that was lost.
    """
    root = _root(root_key, passphrase)
    held = keys.current()
    start = max(m.valid_to for m in held.mailboxes)
    if start - now < timedelta(days=keys.MAILBOX_DAYS):
        begin = max(start, now)
        following = Mailbox(HybridIdentity.generate(), begin, begin + timedelta(days=keys.MAILBOX_DAYS))
        live = tuple(m for m in held.mailboxes if m.valid_to + timedelta(days=2 * keys.MAILBOX_DAYS) > now)
        held = replace(held, mailboxes=(*live, following))
        keys.write_secrets(home / keys.SECRETS_FILE, held.to_json(), passphrase)
        keys.install(held)
    return _publish(root, held, url=url, now=now)


def _publish(root: Ed25519Signer, held: Keys, *, url: str | None, now: datetime) -> dict[str, Any]:
    me = queries.myself()
    old = queries.opened(me)
    told = {
        "state": old.state,
        "url": (old.url or "") if url is None else url,
        "phone": old.contact.phone,
        "email": old.contact.email,
        "languages": ",".join(old.contact.languages),
    }
    since = {key.key_id: key.valid_from for key in old.keys}
    card = setup.make_card(me.node_id, dict(old.names), told, root, held, serial=old.serial + 1, now=now, since=since)
    with transaction.atomic():
        actions.install_self(card, actor="administrator", now=now)
        recipients = [p.node_id for p in queries.partners()]
        exchange.queue(recipients, "card", card, reference=f"card/{old.serial + 1}", now=now)
    return {"node": me.node_id, "serial": old.serial + 1}


def revoke(
    home: Path, root_key: Path, passphrase: str, *, purpose: str, since: datetime, now: datetime
) -> dict[str, Any]:
    """Replace a signing key, publish the card that names the new one, and owe the revocation of the old to every partner."""
    root = _root(root_key, passphrase)
    held = keys.current()
    old = held.node if purpose == "node" else held.authority
    fresh = Ed25519Signer.generate()
    changed = replace(held, node=fresh) if purpose == "node" else replace(held, authority=fresh)
    base = Revocation(node_id=queries.my_id(), key_id=old.key_id, from_time=since, issued_at=now, reason="compromised")
    told = _copies(base, since) if purpose == "authority" else {}
    keys.write_secrets(home / keys.SECRETS_FILE, changed.to_json(), passphrase)
    keys.install(changed)
    _publish(root, changed, url=None, now=now)
    return _owe_revocation(base, told, root, purpose=purpose, now=now)


def revoke_former(
    root_key: Path, passphrase: str, *, purpose: str, key: str, since: datetime, now: datetime
) -> dict[str, Any]:
    """Owe every partner the revocation of a key of an earlier card that this node has no more: it may be in other hands.

    Raises Rejected("partner.not_former_key"), and Unavailable("recovery.under_way") while the last good entries are not all back.
    """
    recovery.require_over()
    root = _root(root_key, passphrase)
    if key not in queries.former_keys(purpose):
        raise Rejected("partner.not_former_key", at="--key", purpose=purpose, key=key)
    base = Revocation(node_id=queries.my_id(), key_id=key, from_time=since, issued_at=now, reason="compromised")
    told = _copies(base, since) if purpose == "authority" else {}
    return _owe_revocation(base, told, root, purpose=purpose, now=now)


def _owe_revocation(
    base: Revocation, told: dict[str, Revocation], root: Ed25519Signer, *, purpose: str, now: datetime
) -> dict[str, Any]:
    with transaction.atomic():
        actions.revoke(sign_revocation(base, root).to_json(), node_id=base.node_id, actor="administrator", now=now)
        for partner in queries.partners():
            copy = told.get(partner.node_id) or base.model_copy(update={"recipient": partner.node_id})
            signed = sign_revocation(copy, root).to_json()
            name = f"revocation/{base.key_id}"
            exchange.queue([partner.node_id], "revocation", signed, reference=name, urgent=True, now=now)
    return {"node": base.node_id, "key": base.key_id, "purpose": purpose}


def _copies(base: Revocation, since: datetime) -> dict[str, Revocation]:
    """For each partner, the revocation with the last good entry of every dossier that both take part in."""
    good: dict[str, LastGood] = {}
    participants: dict[str, list[str]] = {}
    for dossier, audience, entry, sequence in last_entries_of(base.node_id, since):
        good[dossier] = LastGood(entry=entry, sequence=sequence)
        participants[dossier] = [party for party in audience if not is_external(party)]
    return copies(base, good, participants)
