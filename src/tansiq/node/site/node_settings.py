"""What one node is told at its start: one frozen value, read once from ``$TANSIQ_HOME/node.toml`` and the environment.

Secrets never stand here: keys come unsealed through the vault (``tansiq.node.vault``), the database password through the URL in
an environment variable or file.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tansiq.engine.errors import Rejected

NODE_FILE = "node.toml"
ESCALATION_SECONDS = (60, 180, 600)
"""Kept by every node but a demonstration, which may be quicker and never slower."""
MAX_REVIEW_HOURS = 720
DURABLE = "-c synchronous_commit=on"
SCANNER = re.compile(r"clamd:(/\S+|(127\.0\.0\.1|localhost):\d{1,5})|command:/\S.*")
"""On this machine: files go to it in clear."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """The settings of one node.

    ``home`` holds everything the node owns on disk. ``url`` is where partners reach this node, or empty for a node that can only
    dial out. ``escalation_seconds`` are when an unanswered call goes further up the duty roster, ``review_hours`` how soon what was
    sent for a threat to life is reviewed (our own rule, not law).
    ``erasure_ledger`` is the file that names what was erased, for a restore; empty for ``erasures.jsonl`` in the home.
    ``database_url`` is empty for the embedded SQLite default or ``postgres://user:password@host:port/name``.
    ``second_factor_optional``: officers may work without a second factor; else nobody does on a node with ``https``.
    ``file_scanner`` is the virus scanner of this machine (``flows.scanner``); empty for none.
    ``max_file_mb`` is the largest single file that is taken in, from officers and from partners; ``max_files_gb`` all of them
    together; ``min_free_mb`` is what files leave free on the disk for everything else.
    ``partner_envelopes_per_minute`` and ``partner_mb_per_day`` are what is taken in from one partner; it brings the rest later.
    """

    home: Path
    node_id: str = "xx"
    names: dict[str, str] = field(default_factory=dict)
    state: str = "XX"
    url: str = ""
    host: str = "127.0.0.1"
    port: int = 8400
    database_url: str = ""
    time_zone: str = "UTC"
    weekend: list[int] = field(default_factory=lambda: [6, 7])
    holidays: dict[str, str] = field(default_factory=dict)
    language: str = "ar"
    allowed_hosts: list[str] = field(default_factory=lambda: ["127.0.0.1", "localhost", "[::1]"])
    https: bool = False
    demo: bool = False
    exercise: bool = False
    max_file_mb: int = 8192
    max_files_gb: int = 200
    min_free_mb: int = 512
    partner_envelopes_per_minute: int = 6000
    partner_mb_per_day: int = 4096
    erasure_ledger: str = ""
    file_scanner: str = ""
    second_factor_optional: bool = False
    escalation_seconds: list[int] = field(default_factory=lambda: [*ESCALATION_SECONDS])
    review_hours: int = 72

    def __post_init__(self) -> None:
        """Raise Rejected for values that no node may have: ``settings.escalation``, ``.review_hours``, ``.file_scanner``."""
        waits = self.escalation_seconds
        is_rising = len(waits) == 3 and all(isinstance(w, int) for w in waits) and 0 < waits[0] < waits[1] < waits[2]
        is_slower = not is_rising or any(w > most for w, most in zip(waits, ESCALATION_SECONDS, strict=True))
        if is_slower or (waits != [*ESCALATION_SECONDS] and not self.demo):
            raise Rejected("settings.escalation", at="escalation_seconds", most=str([*ESCALATION_SECONDS]))
        if not isinstance(self.review_hours, int) or not 1 <= self.review_hours <= MAX_REVIEW_HOURS:
            raise Rejected("settings.review_hours", at="review_hours", most=MAX_REVIEW_HOURS)
        if self.file_scanner and not SCANNER.fullmatch(self.file_scanner):
            raise Rejected("settings.file_scanner", at="file_scanner", given=self.file_scanner)

    @property
    def demands_second_factor(self) -> bool:
        """Whether an officer without a second factor is led to set one up before anything else."""
        return self.https and not self.demo and not self.second_factor_optional

    @property
    def escalation(self) -> tuple[timedelta, ...]:
        """How long after the first ringing the second rank is called, the third, and everybody."""
        return tuple(timedelta(seconds=wait) for wait in self.escalation_seconds)

    @classmethod
    def load(cls, home: Path | None = None) -> NodeSettings:
        """Read the settings of the node whose home is ``home`` or ``$TANSIQ_HOME``; unknown keys are refused by name."""
        place = home or Path(os.environ.get("TANSIQ_HOME", "node"))
        path = place / NODE_FILE
        told: dict[str, Any] = {}
        if path.exists():
            try:
                told = tomllib.loads(path.read_text(encoding="utf-8"))
            except tomllib.TOMLDecodeError as error:
                raise Rejected("settings.not_toml", at=str(path), reason=str(error)) from error
        known = {f.name: f for f in fields(cls)} | {}
        for name in told:
            if name not in known or name == "home":
                raise Rejected("settings.unknown_key", at=str(path), key=name)
        if "TANSIQ_DATABASE_URL" in os.environ:
            told["database_url"] = os.environ["TANSIQ_DATABASE_URL"]
        return cls(home=place, **told)

    @property
    def is_initialised(self) -> bool:
        """Whether ``tansiq init`` has been run in this home."""
        return (self.home / NODE_FILE).exists()


def databases(settings: NodeSettings) -> dict[str, dict[str, Any]]:
    """Django's DATABASES for these settings: SQLite with WAL and immediate transactions, or PostgreSQL."""
    if not settings.database_url:
        return {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(settings.home / "node.sqlite3"),
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 20,
                    # NORMAL, and FULL where it counts: tansiq.node.vault.stores (docs/decisions/0004-sqlite.md).
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; "
                    "PRAGMA secure_delete=ON; PRAGMA mmap_size=134217728; PRAGMA cache_size=-16000;",
                },
            }
        }
    url = urlsplit(settings.database_url)
    if url.scheme not in {"postgres", "postgresql"}:
        raise Rejected("settings.database_url", at="database_url", scheme=url.scheme)
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path.lstrip("/"),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": unquote(url.hostname or ""),
            "PORT": str(url.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            # Further parameters of libpq, sslmode above all. What an officer was told is done survives a server that dies, whatever its
            # own default is.
            "OPTIONS": (told := dict(parse_qsl(url.query)))
            | {"options": f"{told.get('options', '')} {DURABLE}".strip()},
        }
    }
