"""Two Matrix homeservers (Synapse) on this machine, federating over TLS on loopback, as their makers ship them.

One process each, SQLite, rate limits lifted, a certificate authority of their own; room version and caches as default, no end-to-end
encryption. A message counts as delivered when the other server's client has it, by /sync or by paging what /sync leaves out. Synapse is
installed into an environment of its own (``--synapse FOLDER``; made where there is none).
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tansiq.demo.nodes import free_port

VERSION = "1.163.2"
LIFTED = {"per_second": 100000, "burst_count": 100000}


def installed(folder: Path) -> Path:
    """The Python of an environment that has Synapse, made if need be."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"matrix-synapse=={VERSION}"], check=True)
    return python


def certificates(folder: Path) -> None:
    """An authority and one certificate for ``localhost``: ca.pem, tls.pem, tls.key."""
    now = datetime.now(UTC)
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "tls")}
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench authority")])
    for name, subject in (("ca", issuer), ("tls", x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))):
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(keys["ca"], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        keys["tls"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@dataclass
class Homeserver:
    """One server: its folder, its addresses, its process."""

    folder: Path
    python: Path
    shared: Path
    federation: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"localhost:{self.federation}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Write the configuration, start the server, and wait until it answers."""
        self.folder.mkdir(parents=True)
        base, over = self.folder / "base.yaml", self.folder / "over.yaml"
        run = [self.python, "-m", "synapse.app.homeserver"]
        subprocess.run(
            [*run, "--generate-config", "-H", self.name, "-c", base, "--report-stats", "no"],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        over.write_text(self._settings(), encoding="utf-8")
        log = (self.folder / "out.log").open("wb")
        self.process = subprocess.Popen([*run, "-c", base, "-c", over], cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", trust_env=False).status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError((self.folder / "out.log").read_text(encoding="utf-8", errors="replace")[-2000:])

    def _settings(self) -> str:
        import json

        listener = {"type": "http", "bind_addresses": ["127.0.0.1"]}
        limits = ("message", "joins", "joins_per_room", "invites", "login", "registration", "room_creation", "profile")
        told: dict[str, Any] = {
            "listeners": [
                {**listener, "port": self.federation, "tls": True, "resources": [{"names": ["federation"]}]},
                {**listener, "port": self.port, "tls": False, "resources": [{"names": ["client"]}]},
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "tls_certificate_path": str(self.shared / "tls.pem"),
            "tls_private_key_path": str(self.shared / "tls.key"),
            "federation_custom_ca_list": [str(self.shared / "ca.pem")],
            "ip_range_blacklist": [],
            "federation_ip_range_blacklist": [],
            "trusted_key_servers": [],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "filter_timeline_limit": -1,
            "rc_federation": {
                "window_size": 1000,
                "sleep_limit": 100000,
                "sleep_delay": 1,
                "reject_limit": 100000,
                "concurrent": 100,
            },
        }
        for what in limits:
            split = what in {"joins", "invites", "login"}
            parts = {"joins": ("local", "remote"), "invites": ("per_room", "per_user", "per_issuer")}
            names = parts.get(what, ("address", "account", "failed_attempts"))
            told[f"rc_{what}"] = dict.fromkeys(names, LIFTED) if split else LIFTED
        return json.dumps(told)  # JSON is YAML

    def register(self, user: str) -> str:
        """Make an account; returns its access token."""
        wanted = {"username": user, "password": "olive-lantern-42", "auth": {"type": "m.login.dummy"}}
        answer = httpx.post(f"{self.url}/_matrix/client/v3/register", json=wanted, trust_env=False, timeout=120)
        return str(answer.raise_for_status().json()["access_token"])

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass
class Room:
    """One room that a user of each server is in: messages are sent at the first and awaited at the second."""

    sender: Homeserver
    receiver: Homeserver
    tokens: tuple[str, str]
    room: str
    arrived: dict[int, float] = field(default_factory=dict)

    @classmethod
    def joined(cls, first: Homeserver, second: Homeserver) -> Room:
        """Made at the first server, joined from the second."""
        tokens = first.register("officer"), second.register("officer")
        guest = f"@officer:{second.name}"
        with _client(tokens[0]) as here, _client(tokens[1]) as there:
            made = here.post(f"{first.url}/_matrix/client/v3/createRoom", json={"invite": [guest]})
            room = str(made.raise_for_status().json()["room_id"])
            deadline = time.monotonic() + 30
            while True:
                answer = there.post(f"{second.url}/_matrix/client/v3/join/{room}", json={})
                if answer.status_code == 200:
                    break
                if time.monotonic() > deadline:
                    raise RuntimeError(answer.text)
                time.sleep(0.2)
        return cls(first, second, tokens, room)

    async def send(self, http: httpx.AsyncClient, number: int, body: str) -> float:
        """Send one message; returns when that began."""
        begin = time.time()
        address = f"{self.sender.url}/_matrix/client/v3/rooms/{self.room}/send/m.room.message/{number}"
        answer = await http.put(address, json={"msgtype": "m.text", "body": f"{number} {body}"})
        answer.raise_for_status()
        return begin

    async def listen(self, http: httpx.AsyncClient) -> None:
        """Note each message when it arrives, until cancelled."""
        since = ""
        condition = '{"room":{"timeline":{"limit":1000}}}'
        while True:
            told = {"timeout": "2000", "filter": condition, **({"since": since} if since else {})}
            answer = await http.get(f"{self.receiver.url}/_matrix/client/v3/sync", params=told)
            value = answer.json()
            since = value["next_batch"]
            timeline = value.get("rooms", {}).get("join", {}).get(self.room, {}).get("timeline", {})
            self._note(timeline.get("events", []))
            await self._page(http)

    async def _page(self, http: httpx.AsyncClient) -> None:
        """What came late, as history, is shown by paging alone."""
        address = f"{self.receiver.url}/_matrix/client/v3/rooms/{self.room}/messages"
        answer = await http.get(address, params={"dir": "b", "limit": "1000"})
        self._note(answer.json().get("chunk", []))

    def _note(self, events: list[dict[str, Any]]) -> None:
        now = time.time()
        for event in events:
            if event["type"] == "m.room.message":
                self.arrived.setdefault(int(event["content"]["body"].partition(" ")[0]), now)


def _client(token: str) -> httpx.Client:
    return httpx.Client(headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=120)


@contextlib.asynccontextmanager
async def _listening(room: Room) -> AsyncIterator[httpx.AsyncClient]:
    """The sender's client, while the receiver's listens."""
    here, there = (
        httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=120)
        for token in room.tokens
    )
    async with here, there:
        task = asyncio.create_task(room.listen(there))
        try:
            yield here
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _all(room: Room, numbers: range, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not set(numbers) <= room.arrived.keys():
        if time.monotonic() > deadline:
            missing = len(set(numbers) - room.arrived.keys())
            print(f"Synapse: {missing} of {len(numbers)} never reached the client in {seconds:.0f} s; left out")
            return
        await asyncio.sleep(0.05)


async def throughput(room: Room, count: int, *, size: int, senders: int, first: int) -> dict[str, float]:
    """Messages per second accepted by the first server and held by the second's client."""
    numbers = iter(range(first, first + count))
    async with _listening(room) as http:
        begin = time.time()

        async def one_after_another() -> None:
            for number in numbers:
                await room.send(http, number, "x" * size)

        await asyncio.gather(*(one_after_another() for _ in range(senders)))
        accepted = time.time() - begin
        await _all(room, range(first, first + count))
    last = max(at for number, at in room.arrived.items() if number >= first)
    return {"accepted /s": count / accepted, "delivered /s": count / (last - begin)}


async def latency(room: Room, rate: float, seconds: float, *, size: int, first: int) -> list[float]:
    """Milliseconds from the beginning of a sending to its arrival at the other's client, sorted."""
    begun: dict[int, float] = {}

    async def send(http: httpx.AsyncClient, number: int) -> None:
        begun[number] = await room.send(http, number, "x" * size)

    async with _listening(room) as http:
        start, tasks = time.monotonic(), []
        for place in range(int(rate * seconds)):
            await asyncio.sleep(max(0, start + place / rate - time.monotonic()))
            tasks.append(asyncio.create_task(send(http, first + place)))
        await asyncio.gather(*tasks)
        await _all(room, range(first, first + len(tasks)), seconds=120)
    return sorted((room.arrived[n] - begin) * 1000 for n, begin in begun.items() if n in room.arrived)


@contextmanager
def homeservers(folder: Path, environment: Path) -> Iterator[Room]:
    """Two running servers with a room between them; stopped at the end."""
    python = installed(environment)
    certificates(folder)
    servers = [Homeserver(folder / name, python, folder) for name in ("here", "there")]
    try:
        for server in servers:
            server.start()
        yield Room.joined(*servers)
    finally:
        for server in servers:
            server.stop()
