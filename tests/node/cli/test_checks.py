"""What a node refuses to start with: each unsafe setting by its code, with a sentence in every language."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tansiq.engine.errors import Refused
from tansiq.node.cli import checks
from tansiq.node.wording import explain


@dataclass
class Node:
    home: Path
    host: str = "127.0.0.1"
    https: bool = True
    demo: bool = False
    database_url: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    for name in checks.SECRETS:
        (place / name).write_text("x")
        (place / name).chmod(0o600)
    return place


def settings(node: Node, **changed: Any) -> Any:
    sound = {
        "NODE": node,
        "DEBUG": False,
        "ALLOWED_HOSTS": ["tansiq.example"],
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEF",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SAMESITE": "Lax",
    }
    return SimpleNamespace(**{**sound, **changed})


def test_a_sound_node_starts(home: Path) -> None:
    checks.refuse_unsafe(settings(Node(home)))


@pytest.mark.parametrize(
    ("node", "changed", "code"),
    [
        ({}, {"DEBUG": True}, "unsafe_debug"),
        ({}, {"ALLOWED_HOSTS": ["*"]}, "unsafe_hosts"),
        ({}, {"ALLOWED_HOSTS": [".example"]}, "unsafe_hosts"),
        ({"https": False, "host": "0.0.0.0"}, {}, "unsafe_address"),
        ({}, {"SESSION_COOKIE_SECURE": False}, "unsafe_cookies"),
        ({}, {"CSRF_COOKIE_HTTPONLY": False}, "unsafe_cookies"),
        ({}, {"SESSION_COOKIE_SAMESITE": "None"}, "unsafe_cookies"),
        ({}, {"SECRET_KEY": "short"}, "unsafe_secret"),
        ({}, {"SECRET_KEY": "a" * 60}, "unsafe_secret"),
        ({"database_url": "postgres://u:p@db.example/t"}, {}, "unsafe_database"),
        ({"database_url": "postgres://u:p@db.example/t?sslmode=require"}, {}, "unsafe_database"),
    ],
)
def test_each_unsafe_setting_is_refused_by_its_code(
    home: Path, node: dict[str, Any], changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as raised:
        checks.refuse_unsafe(settings(Node(home, **node), **changed))
    assert raised.value.code == f"settings.{code}"
    for language in ("ar", "fr", "en", "it", "fa"):
        told = explain(raised.value, language)
        assert "{" not in told
        assert len(told) > 30


@pytest.mark.parametrize(
    "address",
    [
        "",
        "postgres://u:p@localhost/t",
        "postgres://u:p@%2Fvar%2Frun%2Fpostgresql/t",
        "postgres://u:p@db.example/t?sslmode=verify-full",
    ],
)
def test_a_database_here_or_over_verified_tls_is_safe(home: Path, address: str) -> None:
    checks.refuse_unsafe(settings(Node(home, database_url=address)))


@pytest.mark.parametrize("name", ["", *checks.SECRETS])
def test_what_others_may_read_is_refused(home: Path, name: str) -> None:
    place = home / name if name else home
    place.chmod(0o740 if name == "" else 0o644)
    (found,) = checks.findings(settings(Node(home)))
    assert (found.code, found.facts["at"]) == ("settings.unsafe_file", str(place))


def test_a_passphrase_file_that_others_may_read_is_refused(tmp_path: Path, home: Path) -> None:
    told = tmp_path / "passphrase"
    told.write_text("x")
    told.chmod(0o644)
    tmp_path.chmod(0o755)
    (found,) = checks.findings(settings(Node(home)), passphrase_file=str(told))
    assert found.facts["at"] == str(told)
    tmp_path.chmod(0o700)  # nobody else comes as far as the file
    assert list(checks.findings(settings(Node(home)), passphrase_file=str(told))) == []


def test_the_root_key_is_not_left_on_the_machine(home: Path) -> None:
    (home / "root-key.age").write_text("x")
    (found,) = checks.findings(settings(Node(home)))
    assert found.code == "settings.unsafe_root_key"
    assert list(checks.findings(settings(Node(home, demo=True)))) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own switches")
def test_no_core_is_dumped_of_a_process_that_holds_keys_nor_of_its_children() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import os, resource, ctypes\n"
                "from tansiq.node.cli import checks\n"
                "checks.seal_memory()\n"
                "read, write = os.pipe()\n"
                "if os.fork() == 0:\n"
                "    os.write(write, repr((resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3))).encode())\n"
                "    os._exit(0)\n"
                "print(os.read(read, 100).decode())"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "((0, 0), 0)"
    assert resource.getrlimit(resource.RLIMIT_CORE) is not None


def test_swap_in_clear_is_named(tmp_path: Path) -> None:
    swaps, blocks = tmp_path / "swaps", tmp_path / "block"
    swaps.write_text(
        "Filename Type Size Used Priority\n/dev/dm-9 partition 1 0 -2\n/dev/zram0 partition 1 0 5\n/swap file 1 0 -3\n"
    )
    (blocks / "dm-9" / "dm").mkdir(parents=True)
    (blocks / "dm-9" / "dm" / "uuid").write_text("CRYPT-PLAIN-swap")
    assert checks.open_swap(swaps, blocks) == ["/swap"]
    assert checks.open_swap(tmp_path / "none", blocks) == []
