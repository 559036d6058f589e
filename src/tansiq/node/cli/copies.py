"""Copies of a node: one encrypted file with the store, the settings and the sealed keys, consistent while the node runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tansiq.engine.envelopes import age
from tansiq.engine.errors import Conflict, Rejected, TansiqError, Unavailable
from tansiq.node.cli.session import NODE_FILE, UNFINISHED_FILE

FILES = (NODE_FILE, "secrets.age", "django-secret")
STORE, DUMP = "node.sqlite3", "store.dump"
WRITTEN = (*FILES, STORE, f"{STORE}-wal", f"{STORE}-shm", f"{STORE}-journal", DUMP)
"""What a restore writes, and what of one that was broken off goes before the next. Files of blobs and the ledger of erasures stay."""
WORK_FACTOR = 17


def write(home: Path, target: Path, passphrase: str) -> int:
    """Write the copy beside ``target``, sync it, rename it; returns its size. A copy that fails leaves the old one."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        store = _dump_store(Path(folder))
        plain = Path(folder) / "copy.tar"
        with tarfile.open(plain, "w") as tar:
            tar.add(store, store.name)
            for name in FILES:
                if (home / name).exists():
                    tar.add(home / name, name)
        beside = target.with_name(target.name + ".new")
        with plain.open("rb") as source, beside.open("wb") as sink:
            age.encrypt_stream(source, sink, [age.ScryptRecipient(passphrase, WORK_FACTOR)])
            sink.flush()
            os.fsync(sink.fileno())
        beside.replace(target)
    return target.stat().st_size


def _dump_store(folder: Path) -> Path:
    from django.conf import settings
    from django.db import connection

    if connection.vendor == "sqlite":
        path = folder / STORE
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
        return path
    path = folder / DUMP
    dump = subprocess.run(
        ["pg_dump", "-Fc", "-f", str(path), settings.NODE.database_url], check=False, capture_output=True
    )
    if dump.returncode:
        raise Unavailable("settings.dump_failed", reason=dump.stderr.decode(errors="replace")[:300])
    return path


@contextmanager
def unfinished(home: Path) -> Iterator[None]:
    """Mark ``home`` as half restored while the block runs: no process starts there until one restore has come to its end.

    A node that has its store back and not yet its new incarnation would sign as the old one. What a broken restore left is cleared first.
    Raises Conflict("settings.node_exists") where a whole node stands.
    """
    mark = home / UNFINISHED_FILE
    if mark.exists():
        _clear(home)
    elif (home / NODE_FILE).exists():
        raise Conflict("settings.node_exists", home=str(home))
    is_new = not home.exists()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    mark.touch(mode=0o600)
    _sync_folder(home)
    try:
        yield
    except TansiqError:
        _clear(home)
        mark.unlink()
        if is_new and not any(home.iterdir()):
            home.rmdir()
        raise
    _sync_folder(home)
    mark.unlink()
    _sync_folder(home)


def _clear(home: Path) -> None:
    for name in WRITTEN:
        (home / name).unlink(missing_ok=True)


def _sync_folder(home: Path) -> None:
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(source: Path, home: Path, passphrase: str, database_url: str = "") -> None:
    """Unpack a copy into ``home``; raises Rejected("settings.not_a_copy") and leaves nothing where it is none.

    The dump of a PostgreSQL node goes into ``database_url``, which must be given and empty; Rejected("settings.restore_database").
    """
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        plain = Path(folder) / "copy.tar"
        with source.open("rb") as sealed, plain.open("wb") as sink:
            try:
                age.decrypt_stream(sealed, sink, [age.ScryptIdentity(passphrase)])
            except Rejected as error:
                raise Rejected("settings.not_a_copy", at=str(source), rule=error.code) from error
        try:
            with tarfile.open(plain) as tar:
                _unpack(tar, home)
        except tarfile.TarError as error:
            raise Rejected("settings.not_a_copy", at=str(source), rule="tar") from error
    _load_dump(home, database_url)


def _unpack(tar: tarfile.TarFile, home: Path) -> None:
    """Write the members into ``home``; every one is looked at before the first is written."""
    members = tar.getmembers()
    for member in members:
        if member.name not in {*FILES, STORE, DUMP} or not member.isfile():
            raise Rejected("settings.not_a_copy", at=member.name[:80], rule="unexpected file")
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    for member in members:
        content = tar.extractfile(member)
        descriptor = os.open(home / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            _copy(content or io.BytesIO(), file)
            file.flush()
            os.fsync(file.fileno())


def _load_dump(home: Path, database_url: str) -> None:
    """Load the dump into the database that was named, in one transaction, and point the node at it."""
    dump = home / DUMP
    if not dump.exists():
        return
    if not database_url:
        raise Rejected("settings.restore_database", at="--database-url")
    words = ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "-d", database_url, str(dump)]
    done = subprocess.run(words, check=False, capture_output=True)
    if done.returncode:
        raise Unavailable("settings.dump_failed", reason=done.stderr.decode(errors="replace")[:300])
    settings = home / NODE_FILE
    lines = [line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith("database_url")]
    settings.write_text("\n".join([*lines, f"database_url = {json.dumps(database_url)}"]) + "\n", encoding="utf-8")
    dump.unlink()


def _copy(source: Any, sink: Any) -> None:
    while chunk := source.read(1 << 20):
        sink.write(chunk)


def told(report: dict[str, Any]) -> str:
    """What ``restore`` tells a person."""
    return "\n".join(f"{name}: {value}" for name, value in report.items())
