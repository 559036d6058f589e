"""``tansiq relay``: a relay of one's own, beside any node and without one."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tansiq.engine.envelopes import words
from tansiq.engine.envelopes.cards import fingerprint, open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import b64decode, b64encode, require_node_id
from tansiq.relay.passing import Relay
from tansiq.relay.store import Store

KEY_FILE, CARD_FILE, STORE_FILE = "relay-key.json", "relay.json", "relay.sqlite3"
FORGET_EVERY = 600.0
_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def relay() -> None:
    """A relay: holds sealed envelopes, which it cannot open, for nodes that dial in to fetch them."""


@relay.command("init")
@_folder
@click.option("--id", "relay_id", required=True, help="its id; begins with xr, e.g. xr-tunis")
@click.option("--url", required=True, help="where nodes reach it")
def init(folder: Path, relay_id: str, url: str) -> None:
    """Make a relay in FOLDER; writes relay.json, which administrators of nodes are given, and prints the words of its key."""
    require_node_id(relay_id, at="/id")
    if not relay_id.startswith("xr-"):
        raise Rejected("relay.id", at="/id", relay=relay_id)
    if (folder / KEY_FILE).exists():
        raise Conflict("relay.exists", folder=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    signer = Ed25519Signer.generate(os.urandom)
    key = folder / KEY_FILE
    key.touch(mode=0o600)
    key.write_text(json.dumps({"v": 1, "relay": relay_id, "seed": b64encode(signer.seed)}), encoding="ascii")
    card = {"v": 1, "relay": relay_id, "url": url, "key": b64encode(signer.public)}
    (folder / CARD_FILE).write_text(json.dumps(card), encoding="utf-8")
    Store(folder / STORE_FILE).close()
    for language in ("ar", "fr", "en"):
        click.echo(f"{language}: {' '.join(words.spell(fingerprint(signer.public), language))}")


@relay.command("enrol")
@_folder
@click.argument("card_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--words", "spoken", required=True, help="the words of the node's root key, read aloud by its people")
def enrol(folder: Path, card_file: Path, spoken: str) -> None:
    """Serve the node whose CARD_FILE was brought here, if the words spell its root key."""
    value: Any = strict_json.loads(card_file.read_bytes())
    if not isinstance(value, dict):
        raise Rejected("relay.not_a_card", at=str(card_file))
    signed = Signed.from_json(value)
    card = open_card(signed, pinned_root=None)
    if words.parse(spoken) != fingerprint(card.root_public):
        raise Refused("relay.fingerprint_differs", node=card.node_id)
    store = Store(opened(folder) / STORE_FILE)
    known = store.root_of(card.node_id)
    if known is not None and known != card.root_public:
        raise Conflict("relay.other_root", node=card.node_id)
    store.put_node(card, signed)
    store.close()
    click.echo(f"{card.node_id} is served.")


@relay.command("stop")
@_folder
@click.argument("node_id")
def stop(folder: Path, node_id: str) -> None:
    """Serve NODE_ID no more: nothing is taken from it and nothing given to it."""
    store = Store(opened(folder) / STORE_FILE)
    is_known = store.stop_node(node_id)
    store.close()
    if not is_known:
        raise Rejected("relay.unknown_node", node=node_id[:64])
    click.echo(f"{node_id} is served no more.")


@relay.command("status")
@_folder
@click.option("--json", "as_json", is_flag=True)
def status(folder: Path, as_json: bool) -> None:
    """The nodes that are served, and what waits for each: count, bytes, and since when. Nothing else is known here."""
    store = Store(opened(folder) / STORE_FILE)
    waiting = {who: (count, size, since) for who, count, size, since in store.counts()}
    rows = [
        {"node": node, "card": serial, "served": served, "waiting": waiting.get(node, (0, 0, ""))[0],
         "bytes": waiting.get(node, (0, 0, ""))[1], "since": waiting.get(node, (0, 0, ""))[2]}
        for node, serial, served in store.nodes()
    ]  # fmt: skip
    store.close()
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        served = "" if row["served"] else " (stopped)"
        click.echo(f"{row['node']}{served}: {row['waiting']} waiting, {row['bytes']} bytes {row['since']}".rstrip())


@relay.command("serve")
@_folder
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8500, show_default=True)
def serve(folder: Path, host: str, port: int) -> None:
    """Serve until stopped. Put a reverse proxy with TLS before it, as before a node."""
    import uvicorn

    from tansiq.relay.door import application

    served = relay_in(folder)
    ended = threading.Event()
    threading.Thread(target=_forget, args=(served, ended), daemon=True).start()
    try:
        uvicorn.run(
            application(served),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            limit_concurrency=400,
            timeout_keep_alive=20,
            server_header=False,
        )
    finally:
        ended.set()
        served.store.close()


def relay_in(folder: Path) -> Relay:
    """The relay that lives in ``folder``; raises Rejected("relay.none_here")."""
    key: Any = strict_json.loads((opened(folder) / KEY_FILE).read_bytes())
    return Relay(key["relay"], Ed25519Signer(b64decode(key["seed"])), Store(folder / STORE_FILE))


def opened(folder: Path) -> Path:
    """``folder``, if a relay was made there."""
    if not (folder / KEY_FILE).exists():
        raise Rejected("relay.none_here", folder=str(folder))
    return folder


def _forget(served: Relay, ended: threading.Event) -> None:
    while not ended.wait(FORGET_EVERY):
        served.forget(datetime.now(UTC))
