"""The doctor looks whether everything is sound, and changes nothing; what it finds is mended in :mod:`tansiq.node.flows.mending`."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from django.db import connection

from tansiq.engine.errors import Unavailable
from tansiq.node.audit import verification
from tansiq.node.dossiers import damage, owed, refolding, waiting_room
from tansiq.node.exchange import blobs
from tansiq.node.exchange import queries as links
from tansiq.node.flows import printing, scanner
from tansiq.node.jobs import queries as jobs
from tansiq.node.partners import queries as partners


def examine(now: datetime, *, quick: bool) -> list[dict[str, str]]:
    """Every check of the doctor: {level: ok | warn | bad, check, told}."""
    findings = [_store(), _card(now), *_links(), _jobs(), _waiting(), _paper(), _scanner()]
    if not quick:
        findings += [*_logs(), _entries(), _states(), _files(), _owed()]
    return findings


def finding(level: str, check: str, told: str) -> dict[str, str]:
    """One row of the doctor's report: {level: ok | warn | bad, check, told}."""
    return {"level": level, "check": check, "told": told}


def _store() -> dict[str, str]:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute("SHOW fsync")
            if str(cursor.fetchone()[0]) != "on":
                return finding("warn", "store", "PostgreSQL runs with fsync=off: a power cut loses what was done")
            return finding("ok", "store", "PostgreSQL answers")
        cursor.execute("PRAGMA integrity_check")
        told = str(cursor.fetchone()[0])
    return finding("ok" if told == "ok" else "bad", "store", f"SQLite integrity: {told}")


def _card(now: datetime) -> dict[str, str]:
    card = partners.opened(partners.myself())
    if card.valid_until <= now:
        return finding("bad", "card", f"expired on {card.valid_until:%Y-%m-%d}; sign a new one with the root key")
    mailboxes = [k for k in card.keys if k.purpose == "mailbox" and k.valid_to > now]
    if not mailboxes:
        return finding("bad", "mailbox", "no mailbox key is valid; publish a new card")
    return finding("ok", "card", f"valid until {card.valid_until:%Y-%m-%d}, {len(mailboxes)} mailbox keys ahead")


def _paper() -> dict[str, str]:
    """Whether this machine can print; without it everything else works."""
    lacking = printing.lacking()
    if lacking:
        return finding("warn", "printing", f"not available until these packages are installed: {' '.join(lacking)}")
    return finding("ok", "printing", "pages can be laid out")


def _scanner() -> dict[str, str]:
    """Whether the virus scanner answers; files wait for it."""
    try:
        said = scanner.scan([b"nothing"])
    except Unavailable as error:
        return finding("bad", "file scanner", f"no answer ({error.facts['reason']}); files wait until it gives one")
    if said.verdict == scanner.UNSCANNED:
        return finding("warn", "file scanner", "none is set up; files are not looked at for malware (file_scanner)")
    return finding("ok", "file scanner", "answers")


def _links() -> list[dict[str, str]]:
    rows = []
    for partner, link in links.links().items():
        told = f"{link['waiting']} waiting, {link['failures']} failures {link['last_error']}".strip()
        missing = link.get("missing") or []
        level = "warn" if link["failures"] or missing else "ok"
        rows.append(finding(level, f"link {partner}", told + (f", {len(missing)} gaps" if missing else "")))
    return rows


def _jobs() -> dict[str, str]:
    dead = jobs.dead_count()
    return finding("warn" if dead else "ok", "jobs", f"{dead} dead letters")


def _files() -> dict[str, str]:
    lost, damaged = len(blobs.lost()), len(blobs.damaged())
    told = f"{lost} sealed files are not on the disk, {damaged} are damaged; restore the folder of files, or `tansiq doctor --repair`"
    is_bad = bool(lost or damaged)
    return finding("bad" if is_bad else "ok", "files", told if is_bad else "every sealed file is on the disk and whole")


def _waiting() -> dict[str, str]:
    waiting = len(waiting_room.listed())
    return finding("warn" if waiting else "ok", "waiting entries", f"{waiting} entries wait for their ancestors")


def _logs() -> list[dict[str, str]]:
    report = verification.verify([], publics=partners.own_node_keys())
    rows = [finding("bad", "logs", str(finding)) for finding in report.findings]
    for tree in report.trees:
        told = "; ".join(str(f) for f in tree.findings) or f"{tree.size} events verify"
        rows.append(finding("bad" if tree.findings else "ok", f"log {tree.origin}", told))
    return rows


def _states() -> dict[str, str]:
    """Every dossier's stored state, and the verdict on each entry, is what its headers come to."""
    found = list(islice(refolding.differences(), 6))
    if found:
        named = "; ".join(str(one) for one in found[:5])
        return finding(
            "bad", "states", f"not what the entries come to: {named}; `tansiq doctor --repair` folds them anew"
        )
    return finding("ok", "states", "every dossier is what its entries come to")


def _owed() -> dict[str, str]:
    """The rows of what is owed say what the dossiers' states say."""
    differ = list(islice(owed.differences(), 6))
    if differ:
        named = ", ".join(one[:12] for one in differ[:5])
        return finding(
            "bad", "owed", f"rows differ from the state of {named}; `tansiq overdue --recount` writes them anew"
        )
    return finding("ok", "owed", "what is owed is what the dossiers say")


def _entries() -> dict[str, str]:
    """Every entry's id, signature and commitments, as stored."""
    total, found = damage.examine(partners.authority_keyring)
    if found:
        named = "; ".join(str(one) for one in found[:5])
        return finding(
            "bad", "entries", f"{len(found)} of {total}: {named}; `tansiq doctor --repair` asks partners for them"
        )
    return finding("ok", "entries", f"{total} signatures verify")
