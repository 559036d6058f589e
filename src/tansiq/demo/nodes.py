"""Real node processes on loopback, for the demonstration and for the system tests: made, started, killed, looked at."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

PASSPHRASE = "seven lamps beside the quiet harbour"
PASSWORD = "olive-lantern-42-river"


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Country:
    """One node of the demonstration."""

    node_id: str
    state: str
    names: dict[str, str]
    time_zone: str
    weekend: str
    phone: str
    languages: str
    screen_language: str


FRANCE = Country(
    "fr",
    "FR",
    {"ar": "فرنسا – المكتب الوطني", "fr": "France – office central", "en": "France – central office"},
    "Europe/Paris",
    "6,7",
    "+33 1 00 00 00 00",
    "fr,en",
    "fr",
)
ITALY = Country(
    "it",
    "IT",
    {"ar": "إيطاليا – الإدارة المركزية", "fr": "Italie – direction centrale", "en": "Italy – central directorate"},
    "Europe/Rome",
    "6,7",
    "+39 06 0000 0000",
    "it,en,fr",
    "fr",
)
MOROCCO = Country(
    "ma",
    "MA",
    {"ar": "المغرب – الإدارة العامة", "fr": "Maroc – direction générale", "en": "Morocco – general directorate"},
    "Africa/Casablanca",
    "6,7",
    "+212 5 00 00 00 00",
    "ar,fr,en",
    "ar",
)


ESCALATION = [3, 8, 60]
"""After how many seconds a demonstration calls the second rank, the third, everybody."""


class CommandFailed(RuntimeError):
    """A command of the program ended with another status than 0; the message is what it said."""


@dataclass
class Node:
    """One node: its folder, its address, and its process while it runs."""

    country: Country
    home: Path
    port: int = field(default_factory=free_port)
    reachable: bool = True
    database_url: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def node_id(self) -> str:
        return self.country.node_id

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def program(self) -> list[str]:
        """The command line by which the node is run."""
        return [sys.executable, "-m", "tansiq.node.cli"]

    @property
    def _secret(self) -> Path:
        return self.home.parent / f"{self.node_id}.passphrase"

    def environment(self, officer: str = "") -> dict[str, str]:
        """What the program is told by its environment."""
        secret = self.home.parent / "password"
        told = {
            **os.environ,
            "TANSIQ_HOME": str(self.home),
            "TANSIQ_PASSPHRASE_FILE": str(self._secret),
            "TANSIQ_PASSWORD_FILE": str(secret),
        }
        told.pop("DJANGO_SETTINGS_MODULE", None)
        told.pop("TANSIQ_DATABASE_URL", None)
        if officer:
            told["TANSIQ_OFFICER"] = officer
        return told

    def command(self, *words: str, officer: str = "", given: Any = None) -> Any:
        """Run ``tansiq --json words`` on this node and return the JSON it answers; raises :class:`CommandFailed`."""
        done = subprocess.run(
            [sys.executable, "-m", "tansiq.node.cli", "--json", *words],
            env=self.environment(officer),
            input=json.dumps(given, ensure_ascii=False).encode() if given is not None else None,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(
                f"{self.node_id}: tansiq {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}"
            )
        return json.loads(done.stdout) if done.stdout.strip().startswith((b"{", b"[")) else done.stdout.decode()

    def init(self) -> dict[str, str]:
        """Make the node; returns the fingerprint of its root key in words, by language."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        for path, text in ((self._secret, PASSPHRASE), (self.home.parent / "password", PASSWORD)):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
        c = self.country
        names = [word for language, name in c.names.items() for word in ("--name", f"{language}={name}")]
        told = self.command(
            "init",
            c.node_id,
            "--state",
            c.state,
            *names,
            "--url",
            self.url if self.reachable else "",
            "--port",
            str(self.port),
            "--time-zone",
            c.time_zone,
            "--weekend",
            c.weekend,
            "--phone",
            c.phone,
            "--languages",
            c.languages,
            "--language",
            c.screen_language,
            "--database-url",
            self.database_url,
            "--demo",
            "--work-factor",
            "10",
        )
        self._hasten()
        return dict(told["fingerprint"])

    def _hasten(self) -> None:
        """An unanswered call goes up the duty roster in seconds, so that nobody watches a demonstration for ten minutes."""
        path = self.home / "node.toml"
        path.write_text(f"escalation_seconds = {ESCALATION}\n{path.read_text('utf-8')}", encoding="utf-8")

    def add_people(self, officers: Sequence[tuple[str, str, str, str]]) -> None:
        """Add one unit ``ops`` and officers (username, name, roles, language), all with the demonstration's password."""
        self.command(
            "unit",
            "add",
            "ops",
            "--name",
            "ar=وحدة العمليات",
            "--name",
            "fr=Unité opérationnelle",
            "--name",
            "en=Operations unit",
            "--entry-point",
        )
        for username, name, roles, language in officers:
            self.command(
                "officer",
                "add",
                username,
                "--name",
                name,
                "--unit",
                "ops",
                "--roles",
                roles,
                "--speaks",
                language,
                "--new-password-file",
                str(self.home.parent / "password"),
            )

    def start(self, *, wait: float = 30) -> None:
        """Start the node and wait until it answers."""
        log = (self.home.parent / f"{self.node_id}.log").open("ab")
        self.process = subprocess.Popen(
            [*self.program, "run"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.wait_until_well(wait)

    def wait_until_well(self, wait: float = 30) -> None:
        """Wait until /health says ok; raises RuntimeError with the end of the node's log."""
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200:
                    return
            if self.process and self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"{self.node_id} does not answer: {self.log()[-2000:]}")

    def log(self) -> str:
        """What the node's processes have said."""
        path = self.home.parent / f"{self.node_id}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def children(self) -> list[int]:
        """Process ids of the node's own processes (serve, worker)."""
        if self.process is None:
            return []
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        except OSError:
            return []
        return [int(word) for word in text.split()]

    def part_of(self, pid: int) -> str:
        """Which part of the node this process is: serve or worker."""
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip().removeprefix("tansiq-")

    @contextlib.contextmanager
    def worker_held(self) -> Iterator[None]:
        """The node's worker stands still meanwhile: envelopes are taken in and receipted, and nothing is done about them."""
        held = [pid for pid in self.children() if self.part_of(pid) == "worker"]
        if not held:
            raise RuntimeError(f"{self.node_id} has no worker to hold")
        try:
            for pid in held:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in held:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def kill(self, pid: int | None = None) -> None:
        """kill -9: one of the node's processes, or all of them."""
        victims = [pid] if pid else [*self.children(), self.process.pid if self.process else 0]
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                if victim:
                    os.kill(victim, signal.SIGKILL)
        if not pid and self.process:
            self.process.wait(10)
            self.process = None

    def stop(self) -> None:
        """Stop in order; kill what does not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None


def enrol_each_other(nodes: Sequence[Node], fingerprints: dict[str, dict[str, str]], *, language: str = "fr") -> None:
    """Bring every card to every other node and read its fingerprint aloud there."""
    for node in nodes:
        node.command("partner", "card", "--out", str(node.home.parent / f"{node.node_id}.card.json"))
    for node in nodes:
        for other in nodes:
            if other is not node:
                card = str(other.home.parent / f"{other.node_id}.card.json")
                node.command("partner", "enrol", card, "--words", fingerprints[other.node_id][language])


def wait_for(what: str, check: Any, *, seconds: float = 30, every: float = 0.1) -> Any:
    """Ask ``check`` until it answers something true; raises TimeoutError naming what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(every)
    raise TimeoutError(f"still waiting for {what} after {seconds:.0f} s")
