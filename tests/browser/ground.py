"""A real node for the browser: its own home, its own process, a socket that is open before the process starts.

``python -m tests.browser.ground`` (run by :func:`start_node`) makes the rows; the server is uvicorn as in service. The
test process itself never touches the store: Playwright's event loop and Django's synchronous rows do not mix.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.shared import ROOT

PASSWORD = "correct horse battery staple"
OFFICERS = {
    "karim": ("كريم بنعلي", ["liaison", "duty"], "ar"),
    "claire": ("Claire Moreau", ["liaison", "approver"], "fr"),
    "audrey": ("Audrey Okafor", ["auditor", "data_protection"], "en"),
}
NODE_FILE = """node_id = "{node_id}"
state = "{state}"
language = "{language}"
time_zone = "{time_zone}"
demo = true
names = {{ ar = "{ar}", fr = "{fr}", en = "{en}" }}
"""


@dataclass(frozen=True)
class LiveNode:
    """A running node: where it listens, where it lives, and the process that serves it."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]


def environment(home: Path) -> dict[str, str]:
    """The environment of a node's own processes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TANSIQ_")}
    return kept | {
        "TANSIQ_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "tansiq.node.site.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }


def start_node(home: Path, *, language: str = "ar", node_id: str = "ma") -> LiveNode:
    """Make the home and its rows, serve it, and return when it answers."""
    home.mkdir(parents=True, exist_ok=True)
    told = NODE_FILE.format(
        node_id=node_id,
        state="MA",
        language=language,
        time_zone="Africa/Casablanca",
        ar="المملكة المغربية – المديرية العامة",
        fr="Royaume du Maroc – Direction générale",
        en="Kingdom of Morocco – General Directorate",
    )
    (home / "node.toml").write_text(told, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "tests.browser.ground"], check=True, env=environment(home), cwd=ROOT)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "tansiq.node.site.asgi:application",
            "--fd",
            str(listening.fileno()),
            "--lifespan",
            "off",
        ],
        env=environment(home),
        cwd=ROOT,
        pass_fds=[listening.fileno()],
        stdout=log,
        stderr=log,
    )
    listening.close()
    httpx.get(f"{url}/accounts/login/", timeout=60).raise_for_status()
    return LiveNode(url, home, process)


def stop_node(node: LiveNode) -> None:
    """End the process that ``start_node`` started."""
    node.process.terminate()
    node.process.wait(timeout=20)


def make_rows() -> None:
    """Tables, one unit and three officers with the password above."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from tansiq.node.accounts.actions import add_officer, add_unit

    call_command("migrate", verbosity=0)
    now = timezone.now()
    add_unit(
        "liaison",
        {"ar": "وحدة الاتصال", "fr": "Unité de liaison", "en": "Liaison unit"},
        competence=["*"],
        entry_point=True,
        now=now,
    )
    for username, (name, roles, language) in OFFICERS.items():
        add_officer(username, PASSWORD, display_name=name, unit="liaison", roles=roles, language=language, now=now)


if __name__ == "__main__":
    make_rows()
