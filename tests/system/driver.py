"""Acts as an officer on a node's own store, one JSON command a line: what pages do, without a page for each of 300 entries.

Run as ``python -m tests.system.driver`` with the node's environment. Each line is ``{"do": name, …}``; each answer is
``{"ok": value}`` or ``{"error": code, "facts": {…}}``. The process can be killed at any time like the others.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Read commands until the input ends. Before the node is made, the first of them is ``program`` with ``init``."""
    from tansiq.engine.errors import TansiqError
    from tests.system import skewed

    skewed.apply()
    from tansiq.node.cli.session import now

    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] != "program":
            unlocked()
        try:
            answer: dict[str, Any] = {"ok": COMMANDS[command.pop("do")](now=now(), **command)}
        except TansiqError as error:
            answer = {"error": error.code, "facts": error.facts}
        except SystemExit as ended:
            answer = {"error": "exit", "facts": {"status": ended.code}}
        print(json.dumps(answer, default=str), flush=True)


def unlocked() -> None:
    """Django for this home, with the vault open and no connection that has died."""
    from tansiq.node.cli.session import Session

    session = Session(os.environ["TANSIQ_HOME"], passphrase_file=os.environ["TANSIQ_PASSPHRASE_FILE"])
    session.unlock()
    from django.db import close_old_connections

    close_old_connections()


def program(*, now: Any, words: list[str], given: Any = None) -> Any:
    """Run ``tansiq --json words`` in this process; returns the JSON it prints, or its text."""
    import contextlib
    import io

    from tansiq.node.cli import cli

    del now
    said, asked = io.StringIO(), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(json.dumps(given, ensure_ascii=False).encode()))
    try:
        with contextlib.redirect_stdout(said):
            cli(["--json", *words], standalone_mode=False)
    finally:
        sys.stdin = asked
    text = said.getvalue()
    return json.loads(text) if text.strip().startswith(("{", "[")) else text


def act(*, now: Any, officer: str, intent: dict[str, Any], draft: str = "") -> dict[str, Any]:
    """Do an act; returns where it stands."""
    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.flows.act import act as do
    from tansiq.node.flows.intents import Intent

    done = do(get_officer(officer), Intent.from_json(intent), now=now, draft_id=draft)
    return {"dossier": done.dossier_id, "entry": done.entry_id, "draft": done.draft_id, "role": done.awaiting_role}


def burst(*, now: Any, officer: str, intents: list[dict[str, Any]], every: float) -> list[list[Any]]:
    """Do these acts one after another, one every ``every`` seconds (0: as fast as it goes); returns [entry id, wall time] of each."""
    import time

    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.cli.session import now as clock
    from tansiq.node.flows.act import act as do
    from tansiq.node.flows.intents import Intent

    del now
    who, done, start = get_officer(officer), [], time.monotonic()
    for number, intent in enumerate(intents):
        if (ahead := start + number * every - time.monotonic()) > 0:
            time.sleep(ahead)
        begin = time.time()
        done.append([do(who, Intent.from_json(intent), now=clock()).entry_id, begin])
    return done


def taken(*, now: Any, entries: list[str]) -> dict[str, float]:
    """When each of these entries was recorded here, as seconds since the epoch; those that are not here are left out."""
    from tansiq.node.dossiers.models import Entry

    del now
    return {
        e: at.timestamp() for e, at in Entry.objects.filter(entry_id__in=entries).values_list("entry_id", "recorded_at")
    }


def wire_size(*, now: Any, entry: str) -> int:
    """How many bytes an entry has on its way."""
    from tansiq.engine.formats import canonical
    from tansiq.node.dossiers import queries

    del now
    row = queries.entry_by_id(entry)
    return len(canonical.dumps(queries.signed_entry(row).to_wire())) if row else 0


def entries(*, now: Any, dossier: str) -> dict[str, Any]:
    """Everything the store holds of a dossier, in a form that two nodes can be compared by."""
    from tansiq.node.dossiers import queries, waiting_room

    row = queries.dossier_by_id(dossier)
    if row is None:
        return {"entries": [], "shown": None, "phase": "", "waiting": len(waiting_room.listed())}
    folded = queries.folded_of(row)
    return {
        "entries": [(e.entry_id, e.is_effective, e.reason) for e in row.entries.order_by("entry_id")],
        "shown": folded.shown(),
        "phase": row.phase,
        "waiting": len(waiting_room.listed()),
    }


def totals(*, now: Any) -> dict[str, int]:
    """Counts by which loss or repetition shows."""
    from tansiq.node.dossiers.models import Dossier, Entry
    from tansiq.node.exchange.models import InEnvelope, Item, OutEnvelope
    from tansiq.node.jobs.models import Job

    return {
        "dossiers": Dossier.objects.count(),
        "entries": Entry.objects.count(),
        "own": Entry.objects.filter(is_own=True).count(),
        "undelivered": Item.objects.filter(delivered_at=None).count(),
        "envelopes_out": OutEnvelope.objects.count(),
        "envelopes_in": InEnvelope.objects.count(),
        "jobs": Job.objects.exclude(state="done").filter(run_at__lte=now).count(),
    }


def stuck(*, now: Any) -> dict[str, Any]:
    """What has not come to its end, and why: totals, links, jobs, envelopes on their way."""
    from tansiq.node.exchange.models import InEnvelope, Link, OutEnvelope
    from tansiq.node.jobs.models import Job

    links = Link.objects.values("partner", "failures", "retry_at", "last_error", "leased_until", "leased_by")
    jobs = Job.objects.exclude(state="done").filter(run_at__lte=now)
    out = OutEnvelope.objects.exclude(state="delivered").values_list("partner", "sequence", "state", "code")
    arrived = InEnvelope.objects.exclude(state="opened").values_list("sender", "sequence", "state", "code")
    return {
        "now": now,
        "totals": totals(now=now),
        "links": list(links),
        "jobs": list(jobs.values("name", "crashes", "state", "attempts", "last_error", "run_at")[:10]),
        "out": list(out[:10]),
        "in": list(arrived[:10]),
    }


def sequences(*, now: Any) -> dict[str, list[Any]]:
    """For each sender and incarnation: how many of its envelopes are here, the last number, and which before it are missing."""
    from tansiq.node.exchange.models import InEnvelope

    del now
    held: dict[str, list[int]] = {}
    for sender, incarnation, number in InEnvelope.objects.values_list("sender", "incarnation", "sequence"):
        held.setdefault(f"{sender}/{incarnation}", []).append(number)
    return {
        key: [len(numbers), max(numbers), sorted(set(range(1, max(numbers))) - set(numbers))[:20]]
        for key, numbers in held.items()
    }


def verify(*, now: Any, checkpoints: list[str]) -> dict[str, Any]:
    """Verify the node's logs against checkpoints that partners keep."""
    from tansiq.node.audit.verification import verify as recompute

    report = recompute(checkpoints)
    return {"well": report.is_well, "report": report.to_json()}


def kept(*, now: Any, partner: str) -> str:
    """The checkpoint of ``partner`` that this node keeps."""
    from tansiq.node.audit.queries import kept_of

    row = kept_of(partner)
    return row.cosigned if row else ""


def people(*, now: Any, password: str, officers: list[list[Any]]) -> int:
    """Make a unit and officers [username, roles] in one go (the command line does it one process each)."""
    from tansiq.node.accounts import actions

    actions.add_unit("ops", {"en": "Operations unit"}, competence=["*"], entry_point=True, now=now)
    for username, roles in officers:
        actions.add_officer(
            username, password, display_name=username.title(), unit="ops", roles=roles, language="en", now=now
        )
    return len(officers)


class Repeated:
    """A file of ``size`` bytes that is nowhere: made as it is read, different everywhere."""

    def __init__(self, size: int) -> None:
        self.left, self.number, self.block = size, 0, os.urandom(1 << 20)

    def read(self, size: int = -1, /) -> bytes:
        raw = (self.number.to_bytes(16, "big") + self.block)[: min(size, self.left)]
        self.left, self.number = self.left - len(raw), self.number + 1
        return raw


def erase(*, now: Any, entry: str) -> int:
    """Erase what this node holds of an entry, as a review at the end of a retention does; returns how many parts are gone."""
    from django.db import transaction

    from tansiq.node.dossiers import queries
    from tansiq.node.flows import reaching

    row = queries.entry_by_id(entry)
    assert row
    with transaction.atomic():
        reaching.erase(row, None, reason="retention", now=now)
    return len([part for part in parts(now=now, entry=entry) if not part])


def parts(*, now: Any, entry: str) -> list[bool]:
    """Which parts of an entry are here."""
    from tansiq.node.dossiers import queries

    del now
    row = queries.entry_by_id(entry)
    return [part is not None for part in queries.signed_entry(row).parts] if row else []


def attach(*, now: Any, officer: str, size: int) -> dict[str, Any]:
    """Bring a file of ``size`` bytes; returns the content of its part."""
    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.flows import attaching

    who = get_officer(officer)
    row = attaching.take(who, "film.bin", "application/octet-stream", size, Repeated(size), now=now)
    return attaching.content_of(who, str(row.upload_id))


def files(*, now: Any, entry: str) -> list[dict[str, Any]]:
    """How the files that an entry names stand here and at partners."""
    from tansiq.node.exchange import blobs

    del now
    return list(blobs.of_parts([entry]).values())


def opened(*, now: Any, officer: str, dossier: str) -> str:
    """Open the file of a dossier's opening entry as an officer does; returns the digest of what came."""
    import hashlib

    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.exchange import blobs
    from tansiq.node.flows.file_uses import open_file

    ((_, index),) = blobs.of_parts([dossier])
    found = open_file(get_officer(officer), dossier, dossier, index, use="read", now=now)
    digest = hashlib.sha256()
    for piece in found.plain():
        digest.update(piece)
    return digest.hexdigest()


COMMANDS = {
    "erase": erase,
    "parts": parts,
    "program": program,
    "attach": attach,
    "files": files,
    "opened": opened,
    "people": people,
    "act": act,
    "burst": burst,
    "taken": taken,
    "wire_size": wire_size,
    "entries": entries,
    "totals": totals,
    "sequences": sequences,
    "stuck": stuck,
    "verify": verify,
    "kept": kept,
}

if __name__ == "__main__":
    main()
