"""Commands for dossiers: list and show them, draft, ask, act, approve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import click

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import LANGUAGES
from tansiq.node.cli.session import Session, now, passed, table


def _intent(path: str) -> Any:
    from tansiq.engine.formats import strict_json
    from tansiq.node.flows.intents import Intent

    raw = click.get_binary_stream("stdin").read() if path == "-" else Path(path).read_bytes()
    return Intent.from_json(strict_json.loads(raw), at="")


def _tell_acted(session: Session, acted: Any) -> None:
    if acted.is_signed:
        session.tell(
            {"dossier": acted.dossier_id, "entry": acted.entry_id},
            f"Signed: entry {acted.entry_id[:12]} in dossier {acted.dossier_id}",
        )
    else:
        session.tell(
            {"draft": acted.draft_id, "awaits": acted.awaiting_role, "clause": acted.clause},
            f"Draft {acted.draft_id} awaits the approval of {acted.awaiting_role} ({acted.clause}).",
        )


@click.group()
def request() -> None:
    """Requests for information to partners."""


@request.command("new")
@click.argument("intent_file", type=click.Path(allow_dash=True))
@click.option("--to", "recipients", multiple=True, help="partner, repeatable: one dossier each under one case")
@click.option(
    "--attach", "attached", multiple=True, type=click.Path(exists=True, dir_okay=False), help="a file, repeatable"
)
@click.option("--check", is_flag=True, help="only say what is missing, who will read it, and whether it is permitted")
@passed
def new(
    session: Session, intent_file: str, recipients: tuple[str, ...], attached: tuple[str, ...], check: bool
) -> None:
    """Open a request from INTENT_FILE (JSON; - for standard input)."""
    officer = session.officer()
    from tansiq.engine.dossiers.entries import Part
    from tansiq.node.flows import act as flow
    from tansiq.node.flows.intents import ABSENT

    intent = _intent(intent_file)
    if attached:
        files = [Part.from_json({**ABSENT, **_attached(officer, path)}) for path in attached]
        intent = replace(intent, parts=(*intent.parts, *files))
    if check:
        found = flow.consider(officer, intent, now=now())
        session.tell(
            {
                "missing": [m.at for m in found.missing],
                "readers": found.readers,
                "decision": found.decision.to_json(),
                "digest": found.digest,
            }
        )
        return
    for target in recipients or (None,):
        _tell_acted(session, flow.act(officer, intent.to(target) if target else intent, now=now()))


@request.command("template")
def template() -> None:
    """Print an intent to fill in."""
    from tansiq.node.flows.templates import REQUEST

    click.echo(REQUEST)


@click.group()
def dossier() -> None:
    """Dossiers with partners."""


@dossier.command("list")
@click.option("--kind", "kind_name", default="")
@click.option("--partner", default="")
@click.option("--reference", default="", help="our number, theirs, or the prosecutor's")
@click.option("--all", "also_closed", is_flag=True, help="also those that are closed")
@click.option("--limit", default=50, show_default=True)
@passed
def list_dossiers(
    session: Session, kind_name: str, partner: str, reference: str, also_closed: bool, limit: int
) -> None:
    """The dossiers in your circles, newest change first."""
    officer = session.officer()
    from tansiq.node.dossiers import queries

    rows = queries.dossiers_for(
        officer, kind_name=kind_name, partner=partner, reference=reference, is_open=None if also_closed else True
    )
    found = [
        {
            "dossier": d.dossier_id,
            "kind": d.kind,
            "phase": d.phase,
            "participants": d.participants,
            "due_at": d.due_at,
            "title": d.title or "",
        }
        for d in rows[:limit]
    ]
    session.tell(
        found,
        lambda: table(
            [
                (f["dossier"][:12], f["kind"], f["phase"], ",".join(f["participants"]), f["due_at"] or "", f["title"])
                for f in found
            ],
            ["dossier", "kind", "phase", "participants", "due", "title"],
        ),
    )


@dossier.command("show")
@click.argument("dossier_id")
@passed
def show(session: Session, dossier_id: str) -> None:
    """One dossier: its state, entries, conditions, and the evidence of their delivery."""
    officer = session.officer()
    from tansiq.node.flows.reading import read_dossier

    session.tell(read_dossier(officer, _full(officer, dossier_id), now=now()))


def _full(officer: Any, dossier_id: str) -> str:
    """A dossier id may be shortened as long as it names one dossier."""
    if len(dossier_id) == 64:
        return dossier_id
    from tansiq.node.dossiers import queries

    found = [d.dossier_id for d in queries.dossiers_for(officer).filter(dossier_id__startswith=dossier_id)[:2]]
    if len(found) != 1:
        raise Rejected("dossier.not_found", dossier=dossier_id)
    return str(found[0])


@dossier.command("act")
@click.argument("dossier_id")
@click.argument("act_name")
@click.option("--codes", default="{}", help="the act's codes, as JSON")
@click.option("--parts", "parts_file", type=click.Path(allow_dash=True), help="file with a JSON list of parts")
@click.option(
    "--attach", "attached", multiple=True, type=click.Path(exists=True, dir_okay=False), help="a file, repeatable"
)
@passed
def do_act(
    session: Session, dossier_id: str, act_name: str, codes: str, parts_file: str | None, attached: tuple[str, ...]
) -> None:
    """Do ACT_NAME in a dossier: answer, refuse, assign, withdraw, ask_lift …"""
    officer = session.officer()
    from tansiq.engine.formats import strict_json
    from tansiq.node.dossiers.queries import get_dossier_for
    from tansiq.node.flows import act as flow
    from tansiq.node.flows.intents import Intent

    full = _full(officer, dossier_id)
    held = get_dossier_for(officer, full)
    raw = b"[]"
    if parts_file:
        raw = click.get_binary_stream("stdin").read() if parts_file == "-" else Path(parts_file).read_bytes()
    value = {
        "kind": held.kind,
        "act": act_name,
        "dossier": full,
        "codes": strict_json.loads(codes.encode()),
        "parts": [*strict_json.loads(raw), *(_attached(officer, path) for path in attached)],
    }
    _tell_acted(session, flow.act(officer, Intent.from_json(value), now=now()))


@dossier.command("pass-on")
@click.argument("dossier_id")
@click.option(
    "--part", "chosen", multiple=True, required=True, help="ENTRY:INDEX of a part, repeatable (from `dossier show`)"
)
@click.option("--to", "recipients", multiple=True, required=True, help="partner, repeatable: one dossier each")
@click.option("--purpose", required=True, help="a code of the list of purposes")
@click.option("--crime-area", required=True, help="a code of the list of crime areas")
@click.option("--why", required=True, help="in words, for the partner")
@click.option("--grade", default="A1", show_default=True, help="of your own words, source and information in 4x4")
@click.option("--check", is_flag=True, help="only say who will read it and what the accords say")
@passed
def pass_on(
    session: Session,
    dossier_id: str,
    chosen: tuple[str, ...],
    recipients: tuple[str, ...],
    grade: str,
    *,
    check: bool,
    **told: str,
) -> None:
    """Pass parts of a dossier on to other partners, in a dossier that continues it; their providers are told."""
    officer = session.officer()
    from tansiq.engine.dossiers.parts import Grading
    from tansiq.node.flows import act as flow
    from tansiq.node.flows import forwarding

    grading = Grading.from_json(
        {"scheme": "4x4", "source": grade[:1], "information": grade[1:], "handling": None, "source_reference": None},
        at="--grade",
    )
    intent = forwarding.intent_of(
        officer,
        forwarding.PassingOn(
            dossier=_full(officer, dossier_id),
            chosen=tuple(map(_chosen, chosen)),
            to=recipients,
            grading=grading,
            **told,
        ),
    )
    for target in recipients:
        if check:
            found = flow.consider(officer, intent.to(target), now=now())
            session.tell({"to": target, "readers": found.readers, "decision": found.decision.to_json()})
        else:
            _tell_acted(session, flow.act(officer, intent.to(target), now=now()))


def _chosen(text: str) -> Any:
    from tansiq.node.flows.forwarding import Chosen

    entry, _colon, index = text.partition(":")
    if not (index.isascii() and index.isdigit() and len(index) < 4):
        raise Rejected("intent.malformed", at="--part", wanted="ENTRY:INDEX")
    return Chosen(entry, int(index))


def _attached(officer: Any, path: str) -> dict[str, Any]:
    """A file of this machine, sealed into the node with a progress bar; as a part without conditions of its own."""
    from mimetypes import guess_type

    from tansiq.node.flows import attaching

    place = Path(path)
    size = place.stat().st_size
    with (
        place.open("rb") as source,
        click.progressbar(length=size, label=place.name, file=click.get_text_stream("stderr")) as bar,
    ):
        kind = guess_type(place.name)[0] or ""
        row = attaching.take(officer, place.name, kind, size, _Told(source, bar.update), now=now())
    return {"type": "file", "content": attaching.content_of(officer, str(row.upload_id))}


@dataclass(frozen=True)
class _Told:
    """A file that tells how much of it was read."""

    source: IO[bytes]
    update: Callable[[int], None]

    def read(self, size: int = -1, /) -> bytes:
        raw = self.source.read(size)
        self.update(len(raw))
        return raw


@dossier.command("open-file")
@click.argument("dossier_id")
@click.argument("entry_id")
@click.argument("index", type=int)
@click.argument("target", type=click.Path(dir_okay=False))
@click.option("--use", default="read", show_default=True, type=click.Choice(["read", "evidence", "export"]))
@passed
def open_file(session: Session, dossier_id: str, entry_id: str, index: int, target: str, use: str) -> None:
    """Write the file of part INDEX of an entry to TARGET, for one use; conditions are asked, and it is audited."""
    officer = session.officer()
    from tansiq.node.flows import file_uses

    found = file_uses.open_file(officer, _full(officer, dossier_id), entry_id, index, use=use, now=now())
    beside = Path(f"{target}.new")
    with (
        beside.open("wb") as sink,
        click.progressbar(length=found.told.size, label=found.told.name, file=click.get_text_stream("stderr")) as bar,
    ):
        for piece in found.plain():
            sink.write(piece)
            bar.update(len(piece))
    beside.replace(target)
    told = {
        "target": target,
        "bytes": found.told.size,
        "media_type": found.found,
        "as_declared": not found.is_contradicted,
    }
    session.tell(told, f"{target}: {found.told.size:,} bytes, {found.found}")


@dossier.command("reference")
@click.argument("dossier_id")
@click.argument("value")
@click.option("--whose", default="ours", type=click.Choice(["ours", "theirs", "prosecutor", "court", "other"]))
@passed
def add_reference(session: Session, dossier_id: str, value: str, whose: str) -> None:
    """Keep a number under which somebody has this matter."""
    officer = session.officer()
    from tansiq.node.dossiers import actions, queries

    row = queries.get_dossier_for(officer, _full(officer, dossier_id))
    actions.add_reference(officer.reference, row, whose=whose, value=value, now=now())
    session.tell({"dossier": row.dossier_id, "whose": whose, "value": value}, f"{whose}: {value}")


@dossier.command("print")
@click.argument("dossier_id")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="the PDF to write")
@click.option("--purpose", required=True, help="a code of the list of purposes; it stands on every sheet")
@click.option("--reason", required=True, help="why; it stays in the log and on the copy")
@click.option("--entry", default="", help="one entry alone")
@click.option("--copies", default=1, show_default=True, help="each copy has a number of its own")
@click.option("--print-language", default="", type=click.Choice(["", *LANGUAGES]), help="yours if left out")
@passed
def print_dossier(session: Session, dossier_id: str, out: Path, print_language: str, **told: Any) -> None:
    """Print a dossier as PDF: marking, copy number and conditions on every sheet, signatures in an annex."""
    officer = session.officer()
    from tansiq.node.flows import printing

    full = _full(officer, dossier_id)
    made = printing.print_dossier(officer, full, language=print_language, **told, now=now())
    beside = out.with_name(out.name + ".new")
    beside.touch(mode=0o600)
    beside.write_bytes(made.raw)
    beside.replace(out)
    session.tell(
        {"dossier": full, "file": str(out), "copies": made.numbers, "sha256": made.file_digest},
        f"{out}: copies {', '.join(map(str, made.numbers))}",
    )


@dossier.command("end-exercise")
@click.argument("dossier_id")
@passed
def end_exercise(session: Session, dossier_id: str) -> None:
    """Delete an exercise as a whole; nothing real can be deleted so."""
    officer = session.officer()
    from tansiq.node.flows import ending

    full = _full(officer, dossier_id)
    ending.delete_exercise(officer, full, now=now())
    session.tell({"dossier": full, "deleted": True}, f"{full}: deleted.")


@click.group()
def draft() -> None:
    """Drafts, and the approvals they await."""


@draft.command("list")
@passed
def list_drafts(session: Session) -> None:
    """Open drafts in your circles."""
    officer = session.officer()
    from tansiq.node.dossiers.queries import drafts_for

    found = [
        {
            "draft": str(d.draft_id),
            "kind": d.kind,
            "act": d.act,
            "state": d.state,
            "awaits": d.role,
            "clause": d.clause,
            "digest": d.digest,
        }
        for d in drafts_for(officer)
    ]
    session.tell(found)


@draft.command("approve")
@click.argument("draft_id")
@click.option("--digest", required=True, help="of exactly what you read (from `draft list`)")
@passed
def approve(session: Session, draft_id: str, digest: str) -> None:
    """Approve a colleague's draft as it stands."""
    officer = session.officer()
    from tansiq.node.flows import act as flow

    flow.approve(officer, draft_id, digest=digest, now=now())
    session.tell({"draft": draft_id, "approved": digest}, "Approved.")


@draft.command("send")
@click.argument("draft_id")
@passed
def send(session: Session, draft_id: str) -> None:
    """Sign your draft, with the approvals it has."""
    officer = session.officer()
    from tansiq.node.flows import act as flow

    _tell_acted(session, flow.send_draft(officer, draft_id, now=now()))


COMMANDS = {"request": request, "dossier": dossier, "draft": draft}
