"""Commands for the register: bring in lists and files, and give out numbered copies."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed

MAX_DOWNLOAD = 512 * 1024 * 1024
SHOWN_PROBLEMS = 20


@click.group("import")
def import_() -> None:
    """Bring in lists and files."""


def importing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every import shares."""
    options = (
        click.argument("source"),
        click.option(
            "--dry-run",
            is_flag=True,
            help="say what would change, show the first rows as understood, and change nothing",
        ),
        click.option("--circle", default="", help="who sees the subjects; empty: every officer who reads the register"),
        click.option(
            "--discoverability",
            default="hit",
            type=click.Choice(["none", "silent", "contact", "hit"]),
            show_default=True,
        ),
        click.option("--part", "is_part", is_flag=True, help="the file is a part of the list: nothing is delisted"),
        click.option(
            "--confirm",
            multiple=True,
            type=click.Choice(["older", "delisting"]),
            help="go on although the file is older, or would delist many",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@import_.command("un")
@importing
@passed
def un(session: Session, source: str, **options: Any) -> None:
    """Import the UN Security Council Consolidated List (XML) from SOURCE, a file or an http(s) URL.

    Importing the same list again changes nothing; rows that vanished are marked as delisted, not deleted.
    """
    _import(session, source, lambda _path: "un", **options)


@import_.command("ofac-csv")
@importing
@passed
def ofac_csv(session: Session, source: str, **options: Any) -> None:
    """Import OFAC's Specially Designated Nationals (SDN.CSV)."""
    _import(session, source, lambda _path: "ofac-sdn", **options)


@import_.command("ofac-xml")
@importing
@click.option("--list", "list_key", default="", help="keep it as this list; the format's own otherwise")
@passed
def ofac_xml(session: Session, source: str, list_key: str, **options: Any) -> None:
    """Import an OFAC list as XML: the consolidated list, or the enhanced format with original scripts.

    An SDN.XML has the format of the consolidated list; give it a --list of its own.
    """

    def chosen(path: Path) -> Any:
        from tansiq.node.register.import_formats import HEAD_BYTES, ofac_xml_format

        with path.open("rb") as stream:
            return ofac_xml_format(stream.read(HEAD_BYTES), list_key=list_key)

    _import(session, source, chosen, **options)


@import_.command("ftm")
@importing
@click.option("--list", "list_key", required=True, help="names the list, so that a second import brings it up to date")
@click.option("--name", default="", help="what the list is called on screen")
@passed
def ftm(session: Session, source: str, list_key: str, name: str, **options: Any) -> None:
    """Import FollowTheMoney entities (JSON lines, one entity a line; nested entities are understood).

    Edges between two subjects are left out and counted: a link is an officer's judgement here.
    """

    def chosen(_path: Path) -> Any:
        from tansiq.node.register.import_formats import ftm_format

        return ftm_format(list_key, dict.fromkeys(("ar", "fr", "en", "it", "fa"), name) if name else None)

    _import(session, source, chosen, **options)


@import_.command("csv")
@importing
@click.option(
    "--mapping",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML or JSON: what each column means",
)
@passed
def csv(session: Session, source: str, mapping: Path, **options: Any) -> None:
    """Import a CSV file as a mapping says (docs/register.md shows one). Try --dry-run first."""

    def chosen(_path: Path) -> Any:
        from tansiq.engine.entities.lists import read_csv_mapping
        from tansiq.node.register.import_formats import csv_format

        form = "json" if mapping.suffix.lower() == ".json" else "toml"
        return csv_format(read_csv_mapping(mapping.read_bytes()[: 1024 * 1024], form=form))

    _import(session, source, chosen, **options)


def _import(
    session: Session,
    source: str,
    chosen: Callable[[Path], Any],
    *,
    dry_run: bool,
    circle: str,
    discoverability: str,
    is_part: bool,
    confirm: tuple[str, ...],
) -> None:
    officer = session.officer()
    from tansiq.node.register.importing import import_list

    with tempfile.TemporaryDirectory() as folder:
        path = _fetched(source, Path(folder))
        report = import_list(
            officer,
            chosen(path),
            lambda: path.open("rb"),
            circle=circle,
            discoverability=discoverability,
            is_dry=dry_run,
            is_part=is_part,
            confirm=frozenset(confirm),
            progress=_progress(session),
            now=now(),
        )
    session.tell(report.to_json(), lambda: _told(report.to_json()))


@click.group("export")
def export() -> None:
    """Give out numbered copies of the register."""


def exporting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every export shares."""
    options = (
        click.option(
            "--out",
            required=True,
            type=click.Path(dir_okay=False, path_type=Path),
            help="the file to write; it must not exist",
        ),
        click.option("--purpose", required=True, help="a code of the list of purposes, such as investigation"),
        click.option("--reason", default="", help="why, in words; sealed with the copy"),
        click.option("--recipient", default="", help="for whom the copy is; sealed with it"),
        click.option("--schema", default="", help="only subjects of this schema"),
        click.option(
            "--origin",
            default="",
            type=click.Choice(["", "officer", "list", "received"]),
            help="only subjects of this origin",
        ),
        click.option("--list", "source", default="", help="only subjects of this list"),
        click.option("--circle", default=None, help="only subjects of this circle"),
        click.option("--with-delisted", is_flag=True, help="former listings too"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@export.command("ftm")
@exporting
@passed
def export_ftm(session: Session, **options: Any) -> None:
    """FollowTheMoney JSON lines: everything that may leave, a subject directly before its belongings."""
    _export(session, "ftm", **options)


@export.command("csv")
@exporting
@passed
def export_csv(session: Session, **options: Any) -> None:
    """CSV for spreadsheets: names, dates, numbers; several values of a cell divided by "|"."""
    _export(session, "csv", **options)


def _export(
    session: Session, form: str, *, out: Path, purpose: str, reason: str, recipient: str, **selection: Any
) -> None:
    officer = session.officer()
    from tansiq.node.register.exporting import Selection, Words, export_subjects

    if out.exists():
        raise click.BadParameter(f"{out} exists; a copy is never written over another", param_hint="--out")
    unfinished = out.with_name(f".{out.name}.unfinished")
    # Nobody but who exports may read a copy, and nobody sees half of one.
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as sink:
            report = export_subjects(
                officer,
                form,
                sink,
                purpose=purpose,
                words=Words(reason, recipient),
                selection=Selection(**selection),
                progress=_progress(session),
                now=now(),
            )
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)
    session.tell(report.to_json(), lambda: _told(report.to_json()))


def _fetched(source: str, folder: Path) -> Path:
    if not source.startswith(("http://", "https://")):
        path = Path(source)
        if not path.is_file():
            raise click.BadParameter(f"no such file: {source}", param_hint="SOURCE")
        return path
    import httpx

    target = folder / "list"
    with httpx.stream("GET", source, follow_redirects=True, timeout=60) as answer, target.open("wb") as sink:
        answer.raise_for_status()
        size = 0
        for chunk in answer.iter_bytes():
            size += len(chunk)
            if size > MAX_DOWNLOAD:
                raise click.ClickException(f"the list is larger than {MAX_DOWNLOAD:,} bytes")
            sink.write(chunk)
    return target


def _progress(session: Session) -> Any:
    """A progress bar for people at a terminal; nothing for scripts."""
    if session.as_json or not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.start()
    # Whatever ends the command, the terminal gets its cursor back.
    click.get_current_context().call_on_close(bar.stop)
    tasks: dict[str, Any] = {}

    def tell(phase: str, done: int, total: int | None) -> None:
        if phase not in tasks:
            tasks[phase] = bar.add_task(phase, total=total, rate="")
        speed = next(task.speed for task in bar.tasks if task.id == tasks[phase])
        bar.update(tasks[phase], completed=done, total=total, rate=f"{speed:,.0f}/s" if speed else "")

    return tell


def _told(report: dict[str, Any]) -> str:
    """The report for people: figures, then what could not be read, then the rows of a dry run."""
    several = ("problems", "sample", "rows")
    lines = [
        f"{name}: {value}" for name, value in report.items() if name not in several and value not in ([], {}, "", None)
    ]
    problems = report.get("problems", [])
    lines += [f"  {p['place']}  {p['rule']}  {p['value'][:80]}" for p in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        lines.append(f"  … {len(problems) - SHOWN_PROBLEMS} more: use --json")
    for row in report.get("sample", []):
        lines.append(f"{row['place']}  {row['number']}")
        for entity in row["entities"]:
            lines.append(f"  {entity['schema']}")
            lines += [f"    {prop}: {'; '.join(values)}" for prop, values in entity["properties"].items()]
    return "\n".join(lines)


COMMANDS = {"import": import_, "export": export}
