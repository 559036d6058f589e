"""A dossier on paper: asked of policy and accord, numbered, marked on every sheet, audited, and called back when it must be.

What stands behind every sheet is one value (:class:`Sheets`); how it looks is the pages' (``settings.PRINT_RENDERER``), so that the
command line prints exactly what the pages do. Whatever is printed leaves the node's control: the purpose is stated and asked of the
accord of everybody whose information is shown, use in proceedings apart (handling code H1), and one refusal stops the whole copy.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from tansiq.engine.accords.decide import FOUNDING_KIND, Question, decide, strictest_decision
from tansiq.engine.accords.markings import Marking, strictest
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.ids import LANGUAGES, b64encode
from tansiq.node.accounts import policy as roles
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import queries
from tansiq.node.flows.reading import read_dossier
from tansiq.node.partners import queries as partners
from tansiq.node.register import prints
from tansiq.node.register.export_policy import JUDICIAL

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier
    from tansiq.node.dossiers.queries import EntryView

MAX_COPIES = 20
MAX_REASON = 500
SYSTEM_LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
"""What lays out pages and comes with no wheel: {library: its Debian package} (tools/setup.sh installs them where it may)."""


def lacking() -> list[str]:
    """The packages without which this machine cannot print; empty where it can."""
    found = []
    for library, package in SYSTEM_LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            found.append(package)
    return found


@dataclass(frozen=True, slots=True)
class Sheets:
    """Everything that a print shows."""

    read: dict[str, Any]
    """What :func:`reading.read_dossier` gives, with the chosen entries alone."""
    evidence: list[dict[str, Any]]
    """Per entry what a court needs to check it: digests, signatures, commitments."""
    marking: Marking
    numbers: list[int]
    officer: Officer
    purpose: str
    reason: str
    clause: str
    language: str
    printed_at: datetime


@dataclass(frozen=True, slots=True)
class Printed:
    """The file, and the numbers of the copies in it."""

    raw: bytes
    numbers: list[int]
    file_digest: str


Renderer = Callable[[Sheets], bytes]


def print_dossier(
    officer: Officer,
    dossier_id: str,
    *,
    purpose: str,
    reason: str,
    entry: str = "",
    copies: int = 1,
    language: str = "",
    render: Renderer | None = None,
    now: datetime,
) -> Printed:
    """Print a dossier, or one entry of it, as a PDF of ``copies`` numbered copies, or as ``render`` writes it.

    Raises Refused("account.role"); Rejected("print.reason"), ("print.copies"), ("print.language"), ("codes.unknown_code"),
    ("dossier.not_found"), ("print.no_such_entry"); Refused with the clause where accord, marking or local rules forbid it (audited);
    Unavailable("print.no_library") where the machine lacks what lays out the pages. No number is taken before all of that is asked.
    """
    roles.require(officer.roles, "print")
    language = language or officer.language
    _require_sound(purpose, reason, copies, language)
    dossier = queries.get_dossier_for(officer, dossier_id)
    render = render or import_string(settings.PRINT_RENDERER)
    chosen = _chosen(dossier, entry)
    clause = _require_permitted(officer, dossier, chosen, purpose, now)
    read = read_dossier(officer, dossier_id, now=now)
    ids = [view.row.entry_id for view in chosen]
    read = {**read, "entries": [one for one in read["entries"] if one["entry"] in set(ids)]}
    numbers = prints.begin(officer, dossier_id, ids, purpose=purpose, copies=copies, now=now)
    sheets = Sheets(
        read=read,
        evidence=[_evidence(view) for view in chosen],
        marking=strictest(view.signed.header.marking for view in chosen),
        numbers=numbers,
        officer=officer,
        purpose=purpose,
        reason=reason.strip(),
        clause=clause,
        language=language,
        printed_at=now,
    )
    raw = render(sheets)
    file_digest = hashlib.sha256(raw).hexdigest()
    facts = {"reason": sheets.reason, "clause": clause, "language": language, "entry": entry}
    prints.end(officer, dossier_id, numbers, file_digest=file_digest, facts=facts, now=now)
    return Printed(raw, numbers, file_digest)


def _require_sound(purpose: str, reason: str, copies: int, language: str) -> None:
    code_list("purposes").require(purpose, at="/purpose")
    if not 3 <= len(reason.strip()) <= MAX_REASON:
        raise Rejected("print.reason", at="/reason", limit=MAX_REASON)
    if not 1 <= copies <= MAX_COPIES:
        raise Rejected("print.copies", at="/copies", limit=MAX_COPIES)
    if language not in LANGUAGES:
        raise Rejected("print.language", at="/language", known=list(LANGUAGES))


def _chosen(dossier: Dossier, entry: str) -> list[EntryView]:
    shown = queries.entries_of(dossier)
    if not entry:
        return shown
    chosen = [view for view in shown if view.row.entry_id == entry]
    if not chosen:
        raise Rejected("print.no_such_entry", at="/entry", entry=entry[:64])
    return chosen


def _require_permitted(officer: Officer, dossier: Dossier, chosen: list[EntryView], purpose: str, now: datetime) -> str:
    """Raise Refused, audited, unless everybody whose information is shown permits it; returns the clause that does."""
    accord = partners.accord_in_force(dossier.accord) if dossier.accord else None
    found = accord.among(dossier.participants) if accord else None
    asked = [_question(dossier, view, purpose, frozenset(officer.roles)) for view in chosen]
    local = partners.local_rules()
    decision = strictest_decision([decide(one, found, now=now, local=local) for one in asked])
    if not decision.is_permitted:
        facts = {"purpose": purpose, "code": decision.code, "clause": decision.clause}
        with transaction.atomic():
            actor = officer.reference
            record("print.refused", actor=actor, facts=facts, log="internal", now=now, dossier=dossier.dossier_id)
        if decision.answer == "approval":
            # A copy on paper cannot wait as a draft: whoever may approve prints it.
            raise Refused("print.needs_role", role=decision.role or "", clause=decision.clause)
        decision.enforce()
    return decision.clause


def _question(dossier: Dossier, view: EntryView, purpose: str, held: frozenset[str]) -> Question:
    """Of each entry: its author's information, and that of whoever it was made from.

    ``held`` are the roles of whoever prints: where the accord asks for one, it is that officer who must print.
    """
    made_from = {source.entry for part in view.parts if part is not None for source in part.sources}
    providers = {queries.provider_of(view.row), *(queries.authors_of(made_from) if made_from else ())}
    return Question(
        act="print",
        kind=dossier.kind,
        entry_act=view.row.act,
        sender=partners.my_id(),
        marking=view.signed.header.marking,
        purpose=None if dossier.kind == FOUNDING_KIND else purpose,
        categories=frozenset(part.category for part in view.parts if part is not None and part.category),
        flags=frozenset(flag for part in view.parts if part is not None for flag in part.flags),
        as_evidence=purpose in JUDICIAL,
        opens=False,
        approvals=held,
        providers=frozenset(providers),
        version=dossier.accord_version or None,
    )


def _evidence(view: EntryView) -> dict[str, Any]:
    header = view.signed.header
    return {
        "entry": view.row.entry_id,
        "author": header.author,
        "act": header.act,
        "at": header.at,
        "seq": header.seq,
        "prev": header.prev,
        "heads": list(header.heads),
        "signatures": [{"key": one.key_id, "signature": b64encode(one.signature)} for one in view.signed.signatures],
        "parts": [{"type": ref.type, "commitment": ref.commitment} for ref in header.parts],
    }
