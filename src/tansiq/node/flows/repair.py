"""Repair: partners compare what they hold, a restored node comes back, and ``doctor`` looks whether everything is sound."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.states import contains
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.formats.json_values import JsonValue
from tansiq.node.audit import actions as audit
from tansiq.node.audit import queries as audit_log
from tansiq.node.audit import verification
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier, Entry
from tansiq.node.exchange import actions as exchange
from tansiq.node.exchange import queries as links
from tansiq.node.jobs import queries as jobs
from tansiq.node.partners import queries as partners
from tansiq.node.vault import keys

MAX_HEADS_SENT = 2000
LOGS = ("exchange", "internal")


def compare(sender: str, content: dict[str, JsonValue], now: datetime) -> None:
    """A partner told its heads of shared dossiers: send it what they do not include, and fetch what we lack ourselves."""
    told = content.get("dossiers")
    if not isinstance(told, dict):
        raise Rejected("item.malformed", at="/dossiers")
    me = partners.myself().node_id
    for dossier in Dossier.objects.all().iterator():
        if sender not in dossier.participants or me not in dossier.participants:
            continue
        heads = told.get(dossier.dossier_id, [])
        if isinstance(heads, list):
            _send_what_lacks(sender, dossier, [str(h) for h in heads], now)
    unknown = [d for d in told if not Dossier.objects.filter(dossier_id=str(d)).exists()]
    for dossier_id in unknown[:MAX_HEADS_SENT]:
        _fetch(sender, str(dossier_id), [str(dossier_id)], now)


def _send_what_lacks(sender: str, dossier: Dossier, heads: list[str], now: datetime) -> None:
    known: dict[str, int] = {}
    missing = []
    for head in heads:
        trace = queries.load_trace(head)
        if trace is None:
            missing.append(head)
            continue
        for strand, number in trace.known.items():
            known[strand] = max(known.get(strand, 0), number)
    if missing:
        _fetch(sender, dossier.dossier_id, missing, now)
    for row in dossier.entries.order_by("depth", "entry_id"):
        if not contains(known, row.trace["strand"], row.trace["number"]):
            with transaction.atomic():
                wire = queries.signed_entry(row).to_wire()
                exchange.queue_again(sender, "entry", wire, reference=row.entry_id, dossier=dossier.dossier_id, now=now)


def _fetch(sender: str, dossier_id: str, wanted: list[str], now: datetime) -> None:
    content = {"v": 1, "dossier": dossier_id, "entries": wanted}
    with transaction.atomic():
        exchange.queue([sender], "fetch", content, reference=f"{wanted[0]}/{now:%d%H%M%S}", dossier=dossier_id, now=now)


def tell_heads(now: datetime) -> int:
    """Tell every partner our heads of the dossiers we share, so that each side learns what it lacks; returns how many partners."""
    told = 0
    for partner in partners.partners():
        shared: dict[str, Any] = {}
        for dossier in Dossier.objects.only("dossier_id", "participants", "folded").iterator():
            if partner.node_id in dossier.participants:
                shared[dossier.dossier_id] = sorted(queries.folded_of(dossier).heads)
        with transaction.atomic():
            content = {"v": 1, "dossiers": shared}
            exchange.queue([partner.node_id], "heads", content, reference=f"heads/{now:%Y%m%d%H%M%S}", now=now)
        told += 1
    return told


def after_restore(now: datetime) -> dict[str, Any]:
    """Bring a restored store back: a new incarnation of links and logs, and a comparison with every partner."""
    me = partners.myself().node_id
    last = {log: audit_log.checkpoint_text(log) for log in LOGS}
    with transaction.atomic():
        incarnation = exchange.begin_incarnation(now)
        for log in LOGS:
            declaration = {"restored_at": now.isoformat(), "incarnation": incarnation}
            audit.reopen(
                log, old_checkpoint=last[log], declaration=declaration, node_id=me, signer=keys.current().node, now=now
            )
        desk.put(
            "restored",
            f"restored/{incarnation}",
            title_code="desk.restored",
            facts={"incarnation": incarnation},
            urgent=True,
            now=now,
        )
    return {
        "node": me,
        "incarnation": incarnation,
        "partners_asked": tell_heads(now),
        "dossiers": Dossier.objects.count(),
    }


# -- doctor --------------------------------------------------------------------------------------------------------------


def examine(now: datetime, *, quick: bool) -> list[dict[str, str]]:
    """Every check of the doctor: {level: ok | warn | bad, check, told}."""
    findings = [_store(), _card(now), *_links(), _jobs(), _waiting()]
    if not quick:
        findings += [*_logs(), _entries()]
    return findings


def _found(level: str, check: str, told: str) -> dict[str, str]:
    return {"level": level, "check": check, "told": told}


def _store() -> dict[str, str]:
    if connection.vendor != "sqlite":
        return _found("ok", "store", "PostgreSQL answers")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        told = str(cursor.fetchone()[0])
    return _found("ok" if told == "ok" else "bad", "store", f"SQLite integrity: {told}")


def _card(now: datetime) -> dict[str, str]:
    card = partners.opened(partners.myself())
    if card.valid_until <= now:
        return _found("bad", "card", f"expired on {card.valid_until:%Y-%m-%d}; sign a new one with the root key")
    mailboxes = [k for k in card.keys if k.purpose == "mailbox" and k.valid_to > now]
    if not mailboxes:
        return _found("bad", "mailbox", "no mailbox key is valid; publish a new card")
    return _found("ok", "card", f"valid until {card.valid_until:%Y-%m-%d}, {len(mailboxes)} mailbox keys ahead")


def _links() -> list[dict[str, str]]:
    rows = []
    for partner, link in links.links().items():
        told = f"{link['waiting']} waiting, {link['failures']} failures {link['last_error']}".strip()
        missing = link.get("missing") or []
        level = "warn" if link["failures"] or missing else "ok"
        rows.append(_found(level, f"link {partner}", told + (f", {len(missing)} gaps" if missing else "")))
    return rows


def _jobs() -> dict[str, str]:
    dead = jobs.dead_count()
    return _found("warn" if dead else "ok", "jobs", f"{dead} dead letters")


def _waiting() -> dict[str, str]:
    waiting = len(queries.waiting())
    return _found("warn" if waiting else "ok", "waiting entries", f"{waiting} entries wait for their ancestors")


def _logs() -> list[dict[str, str]]:
    report = verification.verify([], publics=partners.own_node_keys())
    rows = [_found("bad", "logs", str(finding)) for finding in report.findings]
    for tree in report.trees:
        told = "; ".join(str(f) for f in tree.findings) or f"{tree.size} events verify"
        rows.append(_found("bad" if tree.findings else "ok", f"log {tree.origin}", told))
    return rows


def _entries() -> dict[str, str]:
    """Every entry's signature and commitments, as stored."""
    bad = []
    total = 0
    for row in Entry.objects.prefetch_related("parts").iterator(chunk_size=500):
        total += 1
        try:
            signed = queries.signed_entry(row)
            if signed.entry_id != row.entry_id:
                raise Rejected("entry.malformed", at="/", wanted=row.entry_id)
            entries.verify_entry(signed, partners.authority_keys(row.author, row.at))
        except TansiqError as error:
            bad.append(f"{row.entry_id[:12]} {error.code}")
    if bad:
        return _found("bad", "entries", f"{len(bad)} of {total}: {', '.join(bad[:5])}")
    return _found("ok", "entries", f"{total} signatures verify")
