"""An officer opens a file: asked of policy and accord for the use it is meant for, audited, and streamed; never in clear on the disk.

What was sent here to be read is read by whoever needs to know the dossier (``read``). Two uses go further and are asked for by name:
in proceedings (``evidence``, handling code H1) and out of this node (``export``, H2, TLP and the accord's onward terms). A condition in
words (H3) is nothing that a machine can judge, so what carries one leaves only after its author has lifted it. Refusals cite the clause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tansiq.engine.accords.decide import Decision, Question, decide, strictest_decision
from tansiq.engine.dossiers.contents import File
from tansiq.engine.dossiers.kind import ABOUT
from tansiq.engine.envelopes import blobs as engine
from tansiq.engine.envelopes.blobs import MAX_HEAD, Chunks
from tansiq.engine.errors import Refused, Rejected, TansiqError, Unavailable
from tansiq.engine.formats import media
from tansiq.node.accounts.policy import require
from tansiq.node.audit.actions import record
from tansiq.node.dossiers import queries
from tansiq.node.exchange import blobs, files
from tansiq.node.flows import attaching
from tansiq.node.partners import queries as partners

if TYPE_CHECKING:
    from tansiq.engine.dossiers.entries import Part
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier, Entry

USES = ("read", "evidence", "export")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that an officer may have now."""

    told: File
    found: str
    """What its first bytes say it is."""

    @property
    def is_contradicted(self) -> bool:
        """Whether that is something else than what its author declared."""
        return media.contradicts(self.told.media_type, self.found)

    def plain(self) -> Iterator[bytes]:
        """The bytes of the file, a chunk at a time; each was opened and checked just before."""
        with files.reading(files.path_of(self.told.blob)) as read_at:
            identity = engine.open_identity(self.told.identity)
            yield from Chunks.read(read_at(0, MAX_HEAD), identity, sealed=self.told.blob_size).plain(read_at)


def open_file(officer: Officer, dossier_id: str, entry_id: str, index: int, *, use: str, now: datetime) -> Opened:
    """The file of one part, for one use; audited, who opened which and what for.

    Raises Rejected("dossier.not_found") or ("blob.not_found") for what the officer has not to know or what is gone, Refused with the
    clause where accord, marking or local rules forbid the use, or with the danger for which a file is held back (``flows.vetting``), and
    Unavailable("blob.not_here") for what is still on its way.
    """
    dossier = queries.get_dossier_for(officer, dossier_id)
    row = queries.entry_by_id(entry_id)
    part = queries.part_of(entry_id, index) if row is not None and row.dossier_id == dossier.dossier_id else None
    told = attaching.file_of(part)
    if row is None or part is None or told is None:
        raise Rejected("blob.not_found")
    facts: dict[str, Any] = {"entry": entry_id, "part": index, "use": use}
    try:
        facts["clause"] = require_use(officer, dossier, row, part, use=use, now=now)
        held = blobs.get(told.blob)
        if held is None or held.state != held.HERE or not blobs.is_proved(entry_id, index):
            raise Unavailable("blob.not_here")
        if held.danger:
            raise Refused(held.danger, name=told.name, **held.danger_facts)
    except Refused as error:
        facts["code"] = error.code
        with transaction.atomic():
            record("file.refused", actor=officer.reference, facts=facts, log="internal", now=now, dossier=dossier_id)
        raise
    with transaction.atomic():
        record("file.opened", actor=officer.reference, facts=facts, log="internal", now=now, dossier=dossier_id)
    return Opened(told, held.media_type)


def require_use(officer: Officer, dossier: Dossier, row: Entry, part: Part, *, use: str, now: datetime) -> str:
    """Raise Refused unless this use of a part is permitted; returns the clause that permits it."""
    if use not in USES:
        raise Rejected("file.use_unknown", use=use[:20])
    is_own = row.author == partners.my_id()
    if use == "export":
        require(officer.roles, "export")
        if part.marking.level > 0:
            raise Refused("file.level", level=part.marking.level)
        if part.marking.needs_note and not is_own:
            raise Refused("file.words_only", partner=row.author)
    return str(_decided(dossier, row, part, use, now).enforce().clause)


def _decided(dossier: Dossier, row: Entry, part: Part, use: str, now: datetime) -> Decision:
    about = queries.folded_of(dossier).state.value(ABOUT) or {}
    # What a partner sends answers to that partner; what we made of others' information answers to them.
    is_made = row.author == partners.my_id() and part.sources
    authors = queries.authors_of({source.entry for source in part.sources}) if is_made else set()
    question = Question(
        act="print",
        kind=dossier.kind,
        entry_act=row.act,
        sender=partners.my_id(),
        marking=part.marking,
        purpose=about.get("purpose"),
        categories=frozenset({part.category} if part.category else ()),
        flags=frozenset(part.flags),
        opens=False,
        as_evidence=use == "evidence",
        providers=frozenset({row.author, *authors}),
        version=dossier.accord_version or None,
    )
    asked = [replace(question, act="export"), replace(question, act="forward")] if use == "export" else [question]
    accord = partners.accord_in_force(dossier.accord) if dossier.accord else None
    local = partners.local_rules()
    return strictest_decision([decide(one, accord, now=now, local=local) for one in asked])


def uses_of(officer: Officer, dossier: Dossier, row: Entry, part: Part, now: datetime) -> dict[str, TansiqError | None]:
    """For each use, the refusal that stands against it, or None: what a page may offer."""
    found: dict[str, TansiqError | None] = {}
    for use in USES:
        try:
            require_use(officer, dossier, row, part, use=use, now=now)
        except Refused as error:
            found[use] = error
        else:
            found[use] = None
    return found
