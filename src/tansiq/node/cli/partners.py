"""Commands for partners: show one's own card, enrol another's, see how the links are doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tansiq.engine.errors import Rejected
from tansiq.node.cli.session import Session, now, passed, table


@click.group()
def partner() -> None:
    """Partners: the other nodes, their cards, keys and links."""


@partner.command("card")
@click.option("--out", type=click.Path(dir_okay=False), help="write the signed card into a file")
@passed
def card(session: Session, out: str | None) -> None:
    """This node's own card, to be brought to partners, and its fingerprint, to be read aloud."""
    session.start()
    from tansiq.engine.envelopes import words
    from tansiq.engine.envelopes.cards import fingerprint
    from tansiq.node.partners.queries import myself

    me = myself()
    spoken = {
        language: " ".join(words.spell(fingerprint(bytes(me.root_public)), language)) for language in ("ar", "fr", "en")
    }
    if out:
        Path(out).write_text(json.dumps(me.card, ensure_ascii=False), encoding="utf-8")
    session.tell(
        {"node": me.node_id, "card": me.card, "fingerprint": spoken},
        lambda: "\n".join(
            [f"{me.node_id} ({out or 'use --out FILE to write the card'})", *(f"  {k}: {v}" for k, v in spoken.items())]
        ),
    )


@partner.command("enrol")
@click.argument("card_file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--words", "spoken", required=True, help="the words that the partner reads aloud, in Arabic, French or English"
)
@passed
def enrol(session: Session, card_file: str, spoken: str) -> None:
    """Enrol the node whose CARD_FILE was brought here, if the words spell its fingerprint."""
    session.unlock()
    from tansiq.engine.errors import Rejected
    from tansiq.engine.formats import strict_json
    from tansiq.node.exchange import actions as exchange
    from tansiq.node.partners import actions

    value: Any = strict_json.loads(Path(card_file).read_bytes())
    if not isinstance(value, dict):
        raise Rejected("partner.not_a_card", at=card_file)
    row = actions.enrol(value, spoken=spoken, actor="administrator", now=now())
    exchange.seal_anew(row.node_id)  # what waits sealed to keys that it has no more
    session.tell({"partner": row.node_id, "state": row.state}, f"{row.node_id} is enrolled.")


@partner.command("kept")
@click.argument("node_id")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="the file to bring to them")
@passed
def kept(session: Session, node_id: str, out: str) -> None:
    """Write what NODE_ID has signed of itself – its cards, its revocations – for a partner that lost everything (`tansiq rebuild`)."""
    session.unlock()
    from tansiq.node.partners import queries

    value = queries.kept_of(node_id)
    Path(out).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    session.tell(
        {"partner": node_id, "cards": len(value["cards"]), "revocations": len(value["revocations"])},
        f"{out}: {len(value['cards'])} cards, {len(value['revocations'])} revocations of {node_id}",
    )


@partner.command("list")
@passed
def list_partners(session: Session) -> None:
    """Every partner, whom to call there, and how the link is doing."""
    session.start()
    from tansiq.node.exchange.queries import links
    from tansiq.node.partners.queries import opened, partners

    held = links()
    rows: list[dict[str, Any]] = []
    for p in partners():
        contact = opened(p).contact
        link = held.get(p.node_id, {})
        rows.append(
            {
                "partner": p.node_id,
                "name": p.name_in(session.language),
                "state": p.state,
                "status": p.status,
                "url": p.url,
                "phone": contact.phone,
                "languages": list(contact.languages),
                "waiting": link.get("waiting", 0),
                "failures": link.get("failures", 0),
                "last_error": link.get("last_error", ""),
                "last_heard_at": p.last_heard_at,
            }
        )
    columns = ["partner", "name", "status", "phone", "languages", "waiting", "failures", "last_error"]
    session.tell(
        rows, lambda: table([[",".join(r[c]) if c == "languages" else r[c] for c in columns] for r in rows], columns)
    )


@partner.command("suspend")
@click.argument("node_id")
@click.option("--resume", is_flag=True, help="end the suspension")
@passed
def suspend(session: Session, node_id: str, resume: bool) -> None:
    """Stop exchanging anything with NODE_ID (or go on, with --resume)."""
    session.unlock()
    from tansiq.node.partners import actions

    actions.suspend(node_id, suspended=not resume, actor="administrator", now=now())
    session.tell({"partner": node_id, "suspended": not resume}, f"{node_id}: {'resumed' if resume else 'suspended'}.")


@partner.command("sync")
@click.argument("node_id")
@passed
def sync(session: Session, node_id: str) -> None:
    """Compare now with NODE_ID what both hold of the dossiers they share; the day's comparison goes by itself.

    Only a digest travels. Where anything differs, each side then tells its heads and sends what the other lacks.
    """
    session.unlock()
    from tansiq.node.flows import comparing

    told = comparing.tell_summary(now(), only=node_id)
    if not told:
        raise Rejected("partner.not_told", partner=node_id)
    session.tell({"partner": node_id, "told": told}, f"{node_id} is told a digest of the dossiers you share.")


@partner.command("by-hand")
@click.argument("node_id")
@click.option("--off", is_flag=True, help="a line leads there again")
@passed
def by_hand(session: Session, node_id: str, off: bool) -> None:
    """Dial NODE_ID never: what is exchanged with it goes on removable media (tansiq envelopes)."""
    session.unlock()
    from tansiq.node.partners import actions

    actions.set_by_hand(node_id, by_hand=not off, actor="administrator", now=now())
    session.tell({"partner": node_id, "by_hand": not off}, f"{node_id}: {'by line again' if off else 'by hand only'}.")


@partner.command("relay-add")
@click.argument("card_file", type=click.Path(exists=True, dir_okay=False))
@click.option("--words", "spoken", required=True, help="the words of the relay's key, read aloud by whoever runs it")
@passed
def add_relay(session: Session, card_file: str, spoken: str) -> None:
    """Use the relay whose relay.json (CARD_FILE) was brought here: what waits there for this node is fetched from now on."""
    session.unlock()
    from tansiq.engine.formats import strict_json
    from tansiq.node.exchange import relaying

    row = relaying.add_relay(
        strict_json.loads(Path(card_file).read_bytes()), spoken=spoken, actor="administrator", now=now()
    )
    session.tell({"relay": row.relay_id, "url": row.url}, f"{row.relay_id} is used from now on.")


@partner.command("relay-drop")
@click.argument("relay_id")
@passed
def drop_relay(session: Session, relay_id: str) -> None:
    """Use RELAY_ID no more, on no route."""
    session.unlock()
    from tansiq.node.exchange import relaying

    relaying.drop_relay(relay_id, actor="administrator", now=now())
    session.tell({"relay": relay_id, "used": False}, f"{relay_id} is used no more.")


@partner.command("via")
@click.argument("node_id")
@click.argument("relay_ids", nargs=-1)
@passed
def via(session: Session, node_id: str, relay_ids: tuple[str, ...]) -> None:
    """Reach NODE_ID through these relays, the next where one fails; with none named, by its own address again."""
    session.unlock()
    from tansiq.node.exchange import relaying

    relaying.set_route(node_id, relay_ids, actor="administrator", now=now())
    words = f"{node_id} is reached via {', '.join(relay_ids)}." if relay_ids else f"{node_id} is reached directly."
    session.tell({"partner": node_id, "via": list(relay_ids)}, words)


@partner.command("relays")
@passed
def list_relays(session: Session) -> None:
    """The relays in use, and the last thing that went wrong with each."""
    session.start()
    from tansiq.node.exchange import relaying

    rows = [{"relay": r.relay_id, "url": r.url, "last_error": r.last_error} for r in relaying.relays()]
    session.tell(rows, lambda: table([list(r.values()) for r in rows], ["relay", "url", "last error"]))


@partner.command("renew")
@click.option(
    "--root-key", required=True, type=click.Path(exists=True, dir_okay=False), help="root-key.age, brought for this"
)
@click.option("--url", help="a new address")
@passed
def renew(session: Session, root_key: str, url: str | None) -> None:
    """Sign a new card with the root key: next mailbox key published ahead, and send it to every partner."""
    session.unlock()
    from tansiq.node.cli import ceremonies

    told = ceremonies.renew(session.home_path, Path(root_key), session.passphrase(), url=url, now=now())
    session.tell(told, f"Card {told['serial']} signed; partners will have it with the next delivery.")


@partner.command("revoke-key")
@click.argument("purpose", type=click.Choice(["node", "authority"]))
@click.option("--root-key", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--since", help="from when the key counts for nothing, as 2026-11-22T00:00:00.000Z; now if left out")
@click.option(
    "--key", default="", help="a key of an earlier card instead: what was lost with a machine (`tansiq rebuild`)"
)
@passed
def revoke_key(session: Session, purpose: str, root_key: str, since: str | None, key: str) -> None:
    """Replace this node's PURPOSE key and tell every partner that the old one is revoked.

    With --key nothing is replaced: only the key of that id, which this node has no more, is revoked.
    """
    session.unlock()
    from tansiq.engine.formats.times import parse_time
    from tansiq.node.cli import ceremonies

    at = parse_time(since) if since else now()
    root, phrase = Path(root_key), session.passphrase()
    if key:
        told = ceremonies.revoke_former(root, phrase, purpose=purpose, key=key, since=at, now=now())
        session.tell(told, f"Key {told['key']} is revoked.")
        return
    told = ceremonies.revoke(session.home_path, root, phrase, purpose=purpose, since=at, now=now())
    session.tell(told, f"Key {told['key']} is revoked; restart the node.")


@partner.command("correspondents")
@passed
def list_correspondents(session: Session) -> None:
    """Authorities without a node, with whom officers exchange by other channels."""
    session.unlock()
    from tansiq.node.partners.queries import correspondents

    names = ("party", "name", "state", "channel", "languages", "is_active")
    rows = [{name: getattr(row, name) for name in names} for row in correspondents(also_former=True)]
    session.tell(rows, lambda: table([[row[name] for name in names[:4]] for row in rows], names[:4]))


@partner.command("correspondent")
@click.argument("party")
@click.option("--name", required=True, help="as it calls itself")
@click.option("--channel", required=True, help="a code of the list of channels: paper, telephone, siena …")
@click.option("--contact", default="", help="address, numbers, whom to ask for")
@click.option("--languages", default="", help="comma-separated")
@click.option("--former", is_flag=True, help="offer it no more")
@passed
def keep_correspondent(
    session: Session, party: str, name: str, channel: str, contact: str, languages: str, former: bool
) -> None:
    """Add or change the correspondent PARTY: ext:, its State, and words (ext:es-fiscalia-cadiz)."""
    session.unlock()
    from tansiq.node.partners import actions

    row = actions.keep_correspondent(
        party,
        name=name,
        state=party[4:6],
        channel=channel,
        contact=contact,
        languages=[word for word in languages.split(",") if word],
        is_active=not former,
        actor="administrator",
        now=now(),
    )
    session.tell({"party": row.party, "name": row.name}, f"{row.party}: {row.name}")


COMMANDS = {"partner": partner}
