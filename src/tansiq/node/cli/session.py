"""What one call of the command line stands on: the node's home, its keys, the officer who acts, and how answers are told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tansiq.engine.errors import Conflict, Refused, Rejected, TansiqError

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

NODE_FILE = "node.toml"
UNFINISHED_FILE = "restore-unfinished"
"""Stands in a home while a copy is brought back into it."""


@dataclass
class Session:
    """The options that every command shares."""

    home: str
    as_json: bool = False
    passphrase_file: str | None = None
    username: str | None = None
    password_file: str | None = None
    language: str = "en"

    @property
    def home_path(self) -> Path:
        return Path(self.home).resolve()

    def start(self) -> None:
        """Set Django up for this home.

        Raises Rejected("settings.no_node") where ``tansiq init`` was never run, and Conflict("settings.restore_unfinished") where a
        restore was broken off.
        """
        if (self.home_path / UNFINISHED_FILE).exists():
            raise Conflict("settings.restore_unfinished", home=str(self.home_path))
        if not (self.home_path / NODE_FILE).exists():
            raise Rejected("settings.no_node", home=str(self.home_path))
        start_django(self.home_path)

    def passphrase(self, *, confirm: bool = False) -> str:
        """The node's passphrase, from the named file or asked at the terminal."""
        if self.passphrase_file:
            return Path(self.passphrase_file).read_text(encoding="utf-8").rstrip("\n")
        return str(click.prompt("Passphrase of the node", hide_input=True, confirmation_prompt=confirm, err=True))

    def unlock(self) -> None:
        """Start, and open the vault in this process."""
        from tansiq.node.vault import keys

        self.start()
        if not keys.is_unlocked():
            keys.unlock(self.home_path, self.passphrase())

    def officer(self) -> Officer:
        """The officer who acts, after the password was checked; raises Refused("account.sign_in")."""
        self.unlock()
        from tansiq.node.accounts.queries import get_officer

        name = self.username or click.prompt("Officer", err=True)
        officer = get_officer(name)
        if self.password_file:
            password = Path(self.password_file).read_text(encoding="utf-8").rstrip("\n")
        else:
            password = click.prompt(f"Password of {name}", hide_input=True, err=True)
        if not officer.check_password(password):
            raise Refused("account.sign_in", username=name)
        return officer

    def tell(self, value: Any, text: str | Callable[[], str] | None = None) -> None:
        """Print ``value`` as JSON, or ``text`` for people."""
        if self.as_json or text is None:
            click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_jsonable))
        else:
            click.echo(text() if callable(text) else text)

    def tell_lines(self, values: Iterable[Any]) -> None:
        """Print each value as JSON on a line of its own."""
        for value in values:
            click.echo(json.dumps(value, ensure_ascii=False, default=_jsonable))


def start_django(home: Path) -> None:
    """Set Django up in this process for the node in ``home``."""
    import django

    os.environ["TANSIQ_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tansiq.node.site.settings")
    django.setup()


def now() -> datetime:
    """The wall clock, read in one place of the command line."""
    return datetime.now(UTC)


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (frozenset, set, tuple)):
        return sorted(value) if isinstance(value, (frozenset, set)) else list(value)
    return str(value)


def tell_error(error: TansiqError, argv: Sequence[str]) -> None:
    """Tell an error as a sentence in the language asked for, or as JSON."""
    from tansiq.node.wording import explain

    language = os.environ.get("TANSIQ_LANGUAGE", "en")
    if "--language" in argv[:-1]:
        language = argv[list(argv).index("--language") + 1]
    sentence = explain(error, language)
    if "--json" in argv:
        click.echo(
            json.dumps({"error": {"code": error.code, "facts": error.facts, "sentence": sentence}}, ensure_ascii=False),
            err=True,
        )
    else:
        click.echo(f"{sentence} [{error.code}]", err=True)


def table(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """A plain aligned table for terminals."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    out = Table(*header, box=None, pad_edge=False)
    for row in rows:
        out.add_row(*("" if cell is None else str(cell) for cell in row))
    width = int(os.environ.get("COLUMNS", "110"))
    console = Console(file=StringIO(), width=width)
    console.print(out)
    return console.file.getvalue().rstrip("\n")  # type: ignore[attr-defined]


def passed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command its :class:`Session` as first argument."""

    @click.pass_obj
    @wraps(command)
    def run(session: Session, *args: Any, **kwargs: Any) -> Any:
        return command(session, *args, **kwargs)

    return run
