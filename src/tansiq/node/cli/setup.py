"""Steps of ``tansiq init``: settings file, store, card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import CardKey, Contact, NodeCard, fingerprint, sign_card
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected
from tansiq.node.vault.keys import Keys

CARD_DAYS = 400
SPOKEN = ("ar", "fr", "en")


def parse_names(given: tuple[str, ...]) -> dict[str, str]:
    """``("ar=…", "fr=…")`` as a mapping; raises Rejected("settings.name_form")."""
    names: dict[str, str] = {}
    for text in given:
        language, mark, name = text.partition("=")
        if not mark or language not in {"ar", "fr", "en", "it", "fa"} or not name.strip():
            raise Rejected("settings.name_form", at="--name", given=text)
        names[language] = name.strip()
    return names


def write_settings(home: Path, *, node_id: str, names: dict[str, str], **told: Any) -> None:
    """Write ``node.toml``; a value is a JSON string or number, which TOML reads alike."""
    lines = [f"node_id = {json.dumps(node_id)}", f"state = {json.dumps(told['state'].upper())}"]
    inner = ", ".join(f"{language} = {json.dumps(name, ensure_ascii=False)}" for language, name in names.items())
    lines.append(f"names = {{{inner}}}")
    lines += [f"{key} = {json.dumps(told[key])}" for key in ("url", "host", "time_zone", "database_url")]
    lines.append(f"language = {json.dumps(told['screen_language'])}")
    lines.append(f"port = {int(told['port'])}")
    lines.append(f"weekend = [{', '.join(str(int(day)) for day in told['weekend'].split(','))}]")
    if told.get("demo"):
        lines.append("demo = true")
    path = home / "node.toml"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def migrate() -> None:
    """Bring the store to the present shape."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)


def make_card(
    node_id: str,
    names: dict[str, str],
    told: dict[str, Any],
    root: Ed25519Signer,
    keys: Keys,
    *,
    serial: int,
    now: datetime,
    since: Mapping[str, datetime] | None = None,
) -> dict[str, Any]:
    """The node's card, signed by its root key: who it is, where it is reached, and its public keys.

    ``since`` says from when the keys of the card before were valid, by key id: a newer card may not move that.
    """
    start, end = now - timedelta(days=1), now + timedelta(days=CARD_DAYS)
    card_keys = [
        CardKey.for_signer("node", keys.node, start, end),
        CardKey.for_signer("authority", keys.authority, start, end),
        CardKey.for_recipient("archive", keys.archive.recipient(), start, end),
        *(CardKey.for_recipient("mailbox", m.identity.recipient(), m.valid_from, m.valid_to) for m in keys.mailboxes),
    ]
    begun = since or {}
    card_keys = [key.model_copy(update={"valid_from": begun.get(key.key_id, key.valid_from)}) for key in card_keys]
    card = NodeCard(
        node_id=node_id,
        names=names,
        state=told["state"].upper(),
        url=told["url"] or None,
        serial=serial,
        issued_at=now,
        valid_until=end,
        keys=tuple(card_keys),
        root_key=root.public,
        contact=Contact(
            phone_24_7=told["phone"] or None, email=told["email"] or None, languages=tuple(told["languages"].split(","))
        ),
    )
    return sign_card(card, root).to_json()


def install_card(card: dict[str, Any], now: datetime) -> None:
    """Keep the card as this node's own."""
    from tansiq.node.partners import actions

    actions.install_self(card, actor="administrator", now=now)


def spell_root(root: Ed25519Signer) -> dict[str, str]:
    """The root key's fingerprint as words, in each language in which it may be read aloud."""
    return {language: " ".join(words.spell(fingerprint(root.public), language)) for language in SPOKEN}


def told(node_id: str, home: Path, spoken: dict[str, str]) -> str:
    """What ``init`` tells a person."""
    lines = [f"Node {node_id} is ready in {home}.", "Fingerprint of its root key, to be read aloud:"]
    lines += [f"  {language}: {text}" for language, text in spoken.items()]
    lines.append(f"Keep {home / 'root-key.age'} in a safe place off this machine.")
    return "\n".join(lines)
