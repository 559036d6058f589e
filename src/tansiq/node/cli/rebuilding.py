"""Making a node again after everything was lost: its root key, and what partners kept of its cards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tansiq.engine.envelopes import keyfile
from tansiq.engine.envelopes.cards import NodeCard, open_card, open_revocation
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import Ed25519Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import b64decode
from tansiq.node.cli.session import Session, now, passed, start_django
from tansiq.node.vault.keys import Keys


@dataclass(frozen=True, slots=True)
class Kept:
    """What partners kept of a node, each piece proved by its root key: signed cards, the oldest first, and signed revocations."""

    cards: Sequence[tuple[NodeCard, dict[str, Any]]]
    revocations: Sequence[dict[str, Any]]

    @property
    def newest(self) -> NodeCard:
        return self.cards[-1][0]


def read_kept(files: Iterable[str], root: bytes, node_id: str) -> Kept:
    """Read what ``tansiq partner kept`` wrote at partners. Raises Rejected for whatever this root did not sign of this node."""
    cards: dict[int, tuple[NodeCard, dict[str, Any]]] = {}
    revocations: dict[str, dict[str, Any]] = {}
    for file in files:
        match strict_json.loads(Path(file).read_bytes()):
            case {"v": 1, "cards": list(signed_cards), "revocations": list(signed_revocations)}:
                pass
            case _:
                raise Rejected("settings.not_kept", at=file)
        for place, signed in enumerate(signed_cards):
            card = open_card(Signed.from_json(signed, at=f"/cards/{place}"), pinned_root=root)
            _require_of(card.node_id, node_id, at=f"{file}/cards/{place}")
            cards[card.serial] = (card, dict(signed))
        for place, signed in enumerate(signed_revocations):
            revocation = open_revocation(Signed.from_json(signed, at=f"/revocations/{place}"), pinned_root=root)
            _require_of(revocation.node_id, node_id, at=f"{file}/revocations/{place}")
            revocations[revocation.key_id] = dict(signed)
    if not cards:
        raise Rejected("settings.not_kept", at="--kept")
    return Kept([cards[serial] for serial in sorted(cards)], list(revocations.values()))


def _require_of(found: str, node_id: str, *, at: str) -> None:
    if found != node_id:
        raise Rejected("partner.card_of_another", at=at, node=node_id, card=found)


@click.command()
@click.argument("node_id")
@click.option(
    "--root-key", required=True, type=click.Path(exists=True, dir_okay=False), help="root-key.age, brought for this"
)
@click.option(
    "--root-passphrase-file",
    type=click.Path(exists=True, dir_okay=False),
    help="where the root key was sealed under another passphrase than the new node's",
)
@click.option(
    "--kept",
    "files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    help="what a partner kept of this node (`tansiq partner kept`); repeatable, one is enough",
)
@click.option("--url", help="a new address; else that of the last card")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8400, show_default=True)
@click.option("--time-zone", default="UTC", show_default=True)
@click.option("--weekend", default="6,7", show_default=True, help="days of the weekend, 1 = Monday to 7 = Sunday")
@click.option(
    "--language", "screen_language", default="ar", show_default=True, help="language of the pages before sign-in"
)
@click.option("--database-url", default="", help="an empty database; empty for the embedded SQLite")
@click.option(
    "--erasures",
    type=click.Path(exists=True, dir_okay=False),
    help="the erasure ledger, which is kept outside of copies",
)
@click.option("--without-erasures", is_flag=True, help="the ledger is lost too: what was erased here comes back")
@click.option("--demo", is_flag=True, hidden=True)
@click.option("--work-factor", default=17, hidden=True)
@passed
def rebuild(
    session: Session, node_id: str, *, erasures: str | None, without_erasures: bool, work_factor: int, **told: Any
) -> None:
    """Make NODE_ID again where everything was lost, the copies too: from its root key and what partners kept of its cards.

    It has new keys and a new incarnation, and signs nothing. Broken off anywhere, the same command begins anew. Then: bring the new card to every
    partner, enrol every partner here (both with the words read aloud, as at first), make units and officers, `tansiq recovery ask`, and
    start it: what was shared comes back, and what only this node had is declared lost.
    """
    from tansiq.node.cli import copies

    if erasures is None and not without_erasures:
        raise Rejected("erasure.ledger_needed", at="--erasures")
    home, passphrase = session.home_path, session.passphrase(confirm=True)
    root = _root(told.pop("root_key"), told.pop("root_passphrase_file"), passphrase)
    kept = read_kept(told.pop("files"), root.public, node_id)
    with copies.unfinished(home):
        made = _make(home, node_id, kept, passphrase, work_factor=work_factor, **told)
        _install(node_id, kept, root, made, url=told["url"])
        from tansiq.node.flows import recovering

        report = recovering.begin_without_copy(now(), erasures=Path(erasures) if erasures else None)
    report |= {"serial": kept.newest.serial + 1, "cards_kept": len(kept.cards)}
    session.tell(report, lambda: copies.told(report))


def _root(path: str, passphrase_file: str | None, passphrase: str) -> Ed25519Signer:
    phrase = Path(passphrase_file).read_text(encoding="utf-8").rstrip("\n") if passphrase_file else passphrase
    value: Any = keyfile.unseal(Path(path).read_bytes(), phrase)
    return Ed25519Signer.from_seed(b64decode(value["root"]))


def _make(home: Path, node_id: str, kept: Kept, passphrase: str, *, work_factor: int, **told: Any) -> Keys:
    """Write secrets and settings, and make the store."""
    from tansiq.node.cli import setup
    from tansiq.node.vault import keys

    made = keys.generate(now())
    keys.write_secrets(home / keys.SECRETS_FILE, made.to_json(), passphrase, work_factor=work_factor)
    card = kept.newest
    url = card.url or "" if told["url"] is None else told["url"]
    setup.write_settings(home, node_id=node_id, names=dict(card.names), **{**told, "url": url, "state": card.state})
    start_django(home)
    setup.migrate()
    from tansiq.node.partners.queries import is_installed

    if is_installed():
        raise Rejected("settings.database_not_empty", at="--database-url")
    keys.install(made)
    return made


def _install(node_id: str, kept: Kept, root: Ed25519Signer, made: Keys, *, url: str | None) -> None:
    """Keep the cards of the past, which prove the entries of the past, and the new one above them."""
    from django.db import transaction

    from tansiq.node.cli import setup
    from tansiq.node.partners import actions

    card = kept.newest
    told = {
        "state": card.state,
        "url": (card.url or "") if url is None else url,
        "phone": card.contact.phone,
        "email": card.contact.email,
        "languages": ",".join(card.contact.languages),
    }
    new = setup.make_card(node_id, dict(card.names), told, root, made, serial=card.serial + 1, now=now())
    with transaction.atomic():
        for signed in [*(signed for _, signed in kept.cards), new]:
            actions.install_self(signed, actor="administrator", now=now())
        for revoked in kept.revocations:
            actions.revoke(revoked, node_id=node_id, actor="administrator", now=now())


COMMANDS = {"rebuild": rebuild}
