"""Commands for the register: import a published list."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from tansiq.node.cli.session import Session, now, passed

MAX_DOWNLOAD = 512 * 1024 * 1024


@click.group("import")
def import_() -> None:
    """Bring in lists and files."""


@import_.command("un")
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="say what would change, and change nothing")
@click.option("--circle", default="", help="who sees the subjects; empty: every officer who reads the register")
@click.option(
    "--discoverability", default="hit", type=click.Choice(["none", "silent", "contact", "hit"]), show_default=True
)
@click.option(
    "--confirm",
    multiple=True,
    type=click.Choice(["older", "delisting"]),
    help="go on although the file is older, or would delist many",
)
@passed
def un(
    session: Session, source: str, dry_run: bool, circle: str, discoverability: str, confirm: tuple[str, ...]
) -> None:
    """Import the UN Security Council Consolidated List (XML) from SOURCE, a file or an http(s) URL.

    Importing the same list again changes nothing; rows that vanished are marked as delisted, not deleted.
    """
    officer = session.officer()
    from tansiq.node.register.importing import import_list

    with tempfile.TemporaryDirectory() as folder:
        path = _fetched(source, Path(folder))
        report = import_list(
            officer,
            "un",
            lambda: path.open("rb"),
            circle=circle,
            discoverability=discoverability,
            is_dry=dry_run,
            confirm=frozenset(confirm),
            progress=_progress(session),
            now=now(),
        )
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
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.start()
    tasks: dict[str, Any] = {}

    def tell(phase: str, done: int, total: int) -> None:
        if phase not in tasks:
            tasks[phase] = bar.add_task(phase, total=total)
        bar.update(tasks[phase], completed=done, total=total)
        if total and done >= total and phase == "store":
            bar.stop()

    return tell


def _told(report: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in report.items() if value not in ([], {}, "", None))


COMMANDS = {"import": import_}
