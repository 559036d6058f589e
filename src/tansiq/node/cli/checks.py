"""What a node refuses to start with: settings that would quietly make it unsafe.

``findings`` looks and changes nothing; ``run`` raises the first of them, ``doctor`` shows all. ``seal_memory`` is what the process does
for itself before it forks: nothing of its memory is dumped to a disk, and no other process of the same user reads it.
"""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tansiq.engine.errors import Refused

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
VERIFIED = {"verify-ca", "verify-full"}
SECRETS = ("secrets.age", "node.toml", "django-secret")
MIN_SECRET = 32
MIN_SIGNS = 8
PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4


def refuse_unsafe(django: Any, *, passphrase_file: str | None = None) -> None:
    """Raise the first of :func:`findings`, a Refused whose sentence says what to do."""
    for found in findings(django, passphrase_file=passphrase_file):
        raise found


def findings(django: Any, *, passphrase_file: str | None = None) -> Iterator[Refused]:
    """Everything unsafe in the settings ``django`` (their ``NODE`` included) and in the files that they name."""
    node = django.NODE
    if django.DEBUG:
        yield Refused("settings.unsafe_debug")
    for name in django.ALLOWED_HOSTS:
        if "*" in name or name.startswith("."):
            yield Refused("settings.unsafe_hosts", at="allowed_hosts", given=name)
    if not node.https and node.host not in LOOPBACK:
        yield Refused("settings.unsafe_address", at="host", given=node.host)
    yield from _open_files(node.home, passphrase_file)
    if not node.demo and node.https and (node.home / "root-key.age").exists():
        yield Refused("settings.unsafe_root_key", at=str(node.home / "root-key.age"))
    yield from _cookies(django)
    secret = django.SECRET_KEY
    if len(secret) < MIN_SECRET or len(set(secret)) < MIN_SIGNS or secret.startswith("django-insecure"):
        yield Refused("settings.unsafe_secret", at=str(node.home / "django-secret"))
    yield from _database(node.database_url)


def _open_files(home: Path, passphrase_file: str | None) -> Iterator[Refused]:
    places = [home, *(home / name for name in SECRETS)]
    for place in places:
        if place.exists() and (mode := stat.S_IMODE(place.stat().st_mode)) & 0o077:
            wanted = "700" if place.is_dir() else "600"
            yield Refused("settings.unsafe_file", at=str(place), mode=f"{mode:03o}", wanted=wanted)
    told = Path(passphrase_file) if passphrase_file else None
    # A pipe has no readers but its own; a folder that nobody else may enter keeps what is in it.
    if told is not None and told.is_file() and told.resolve().parent.stat().st_mode & 0o011:
        mode = stat.S_IMODE(told.stat().st_mode)
        if mode & 0o077:
            yield Refused("settings.unsafe_file", at=str(told), mode=f"{mode:03o}", wanted="600")


def _cookies(django: Any) -> Iterator[Refused]:
    secure = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE") if django.NODE.https else ()
    for name in (*secure, "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY"):
        if getattr(django, name) is not True:
            yield Refused("settings.unsafe_cookies", at=name)
    for name in ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE"):
        if getattr(django, name) not in {"Lax", "Strict"}:
            yield Refused("settings.unsafe_cookies", at=name)


def _database(address: str) -> Iterator[Refused]:
    url = urlsplit(address)
    host = unquote(url.hostname or "")
    if not host or host in LOOPBACK or host.startswith("/"):
        return
    if parse_qs(url.query).get("sslmode", [""])[-1] not in VERIFIED:
        yield Refused("settings.unsafe_database", at="database_url", host=host)


def seal_memory() -> None:
    """No core dump and no other process's look into this one, here and in what is forked from it (Linux; nothing elsewhere).

    Raises Refused("settings.unsafe_dumps") when the kernel does not grant it. Call it after the passphrase was read:
    a process that cannot be dumped may no longer open ``/dev/stdin``.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import resource

    kernel = ctypes.CDLL(None)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kernel.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if kernel.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) or resource.getrlimit(resource.RLIMIT_CORE) != (0, 0):
        raise Refused("settings.unsafe_dumps")


def open_swap(swaps: Path = Path("/proc/swaps"), blocks: Path = Path("/sys/block")) -> list[str]:
    """Swap of this machine that is not on an encrypted device or in compressed memory; empty where the machine does not say."""
    try:
        names = [line.split()[0] for line in swaps.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    except OSError:
        return []
    return [name for name in names if not _is_sealed(Path(name).resolve().name, blocks)]


def _is_sealed(device: str, blocks: Path) -> bool:
    kind = blocks / device / "dm" / "uuid"
    return device.startswith("zram") or (kind.is_file() and kind.read_text(encoding="ascii").startswith("CRYPT-"))


def shown(django: Any, language: str, *, passphrase_file: str | None = None) -> list[dict[str, str]]:
    """The same for ``doctor``: {level, check, told}, and swap in clear as a warning."""
    from tansiq.node.wording import explain

    rows = [
        {"level": "bad", "check": "settings", "told": f"{explain(found, language)} [{found.code}]"}
        for found in findings(django, passphrase_file=passphrase_file)
    ]
    rows = rows or [{"level": "ok", "check": "settings", "told": "nothing unsafe"}]
    names = ", ".join(open_swap())
    told = f"not encrypted: {names}; keys may be written there" if names else "none in clear"
    return [*rows, {"level": "warn" if names else "ok", "check": "swap", "told": told}]
