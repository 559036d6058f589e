"""Backups: one file that opens for the passphrase alone; what is no copy leaves nothing behind."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from django.db import connection

from tansiq.engine.envelopes import age
from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.cli import copies
from tansiq.node.cli.session import UNFINISHED_FILE
from tansiq.node.search import epoch_keys

WORDS = "seven lamps beside the quiet harbour"
QUICK = 4


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's home; scrypt is quick, since its strength is tested with the format."""
    monkeypatch.setattr(copies, "WORK_FACTOR", QUICK)
    place = tmp_path / "home"
    place.mkdir()
    for name in copies.FILES:
        (place / name).write_text(f"content of {name}", encoding="utf-8")
    (place / epoch_keys.FOLDER).mkdir()
    (place / epoch_keys.FOLDER / "ma.1.key").write_text("what no backup may hold", encoding="utf-8")
    return place


def sealed(tmp_path: Path, members: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE) -> Path:
    """A file as ``write`` makes it, with these members."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    path = tmp_path / "made.age"
    path.write_bytes(age.encrypt(plain.getvalue(), [age.ScryptRecipient(WORDS, QUICK)]))
    return path


@pytest.mark.django_db(transaction=True)
def test_a_copy_is_read_back(home: Path, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("pg_dump copies another database than the test's")
    target = tmp_path / "copy.age"
    copies.write(home, target, WORDS)
    copies.read(target, tmp_path / "new", WORDS)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == sorted([*copies.FILES, "node.sqlite3"])
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in (tmp_path / "new").iterdir())
    assert (tmp_path / "new" / "node.toml").read_text(encoding="utf-8") == "content of node.toml"


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_fails_leaves_the_old_one(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("pg_dump copies another database than the test's")
    target = tmp_path / "copy.age"
    target.write_bytes(b"the old copy")

    def dies(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(age, "encrypt_stream", dies)
    with pytest.raises(OSError, match="No space"):
        copies.write(home, target, WORDS)
    assert target.read_bytes() == b"the old copy"
    assert sorted(p.name for p in home.iterdir()) == sorted([*copies.FILES, epoch_keys.FOLDER]), "nothing plain is left"


@pytest.mark.parametrize("raw", [b"", b"not a copy", b"age-encryption.org/v1\n"])
def test_what_is_no_copy_leaves_nothing(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "copy.age"
    source.write_bytes(raw)
    with pytest.raises(Rejected, match=r"settings\.not_a_copy"):
        copies.read(source, tmp_path / "new", WORDS)
    assert [p.name for p in tmp_path.iterdir()] == ["copy.age"]


def test_the_wrong_words_open_nothing(tmp_path: Path) -> None:
    source = sealed(tmp_path, {"node.toml": b"x"})
    with pytest.raises(Rejected) as caught:
        copies.read(source, tmp_path / "new", "eight lamps")
    assert (caught.value.code, caught.value.facts["rule"]) == ("settings.not_a_copy", "age.no_match")
    assert [p.name for p in tmp_path.iterdir()] == ["made.age"]


@pytest.mark.parametrize("name", ["../outside", "/etc/cron.d/x", "evil.sh", "node.toml/x", ".."])
def test_a_copy_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    source = sealed(tmp_path, {name: b"x"})
    with pytest.raises(Rejected, match=r"settings\.not_a_copy"):
        copies.read(source, tmp_path / "new", WORDS)
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_a_copy_holds_plain_files_only(tmp_path: Path, kind: bytes) -> None:
    source = sealed(tmp_path, {"node.toml": b""}, kind=kind)
    with pytest.raises(Rejected, match=r"settings\.not_a_copy"):
        copies.read(source, tmp_path / "new", WORDS)
    assert not (tmp_path / "new").exists()


def test_half_a_copy_leaves_nothing(tmp_path: Path) -> None:
    """The second member is wrong: the first is not left there either."""
    source = sealed(tmp_path, {"node.toml": b"x", "evil.sh": b"y"})
    with pytest.raises(Rejected, match=r"settings\.not_a_copy"):
        copies.read(source, tmp_path / "new", WORDS)
    assert not (tmp_path / "new").exists()


def test_a_copy_overwrites_no_node(tmp_path: Path) -> None:
    source = sealed(tmp_path, {"node.toml": b"from the copy"})
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "node.toml").write_text("a living node", encoding="utf-8")
    with pytest.raises((Rejected, FileExistsError)):
        copies.read(source, tmp_path / "new", WORDS)
    assert (tmp_path / "new" / "node.toml").read_text(encoding="utf-8") == "a living node"


def test_what_opens_but_is_no_archive(tmp_path: Path) -> None:
    source = tmp_path / "copy.age"
    source.write_bytes(age.encrypt(b"a love letter", [age.ScryptRecipient(WORDS, QUICK)]))
    with pytest.raises(Rejected) as caught:
        copies.read(source, tmp_path / "new", WORDS)
    assert (caught.value.code, caught.value.facts["rule"]) == ("settings.not_a_copy", "tar")
    assert not (tmp_path / "new").exists()


def test_what_a_broken_restore_left_is_cleared_and_files_of_blobs_stay(tmp_path: Path) -> None:
    home = tmp_path / "new"
    broken = copies.unfinished(home)
    broken.__enter__()
    copies.read(sealed(tmp_path, {"node.toml": b"half", "node.sqlite3": b"half"}), home, WORDS)
    (home / "blobs").mkdir()
    assert (home / "node.toml").read_text(encoding="utf-8") == "half"
    with copies.unfinished(home):
        assert sorted(p.name for p in home.iterdir()) == ["blobs", UNFINISHED_FILE]
        copies.read(sealed(tmp_path, {"node.toml": b"whole"}), home, WORDS)
    assert sorted(p.name for p in home.iterdir()) == ["blobs", "node.toml"]


def test_a_restore_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    """A dump without the database to load it into is refused after it was unpacked."""
    source, home = sealed(tmp_path, {"node.toml": b"x", "store.dump": b"y"}), tmp_path / "new"
    with pytest.raises(Rejected, match=r"settings\.restore_database"), copies.unfinished(home):
        copies.read(source, home, WORDS)
    assert not home.exists()


def test_a_whole_node_is_not_restored_over(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("a living node", encoding="utf-8")
    with pytest.raises(Conflict, match=r"settings\.node_exists"), copies.unfinished(tmp_path):
        pytest.fail("it must not begin")
    assert [p.name for p in tmp_path.iterdir()] == ["node.toml"]
