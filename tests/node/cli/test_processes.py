"""The processes of a node: nothing but memory is copied into them, and whichever ends is started again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tansiq.node.cli import processes

ALONE = """
import os, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "tansiq.node.site.settings"
import django; django.setup()
from django.db import connection
from tansiq.node.cli import processes
processes.load()
print(threading.active_count(), connection.connection is None)
"""


def test_what_is_loaded_before_the_fork_begins_no_thread_and_no_connection(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text('node_id = "xa"\nstate = "XA"\nnames = {en = "A"}\n', encoding="utf-8")
    told = {**os.environ, "TANSIQ_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", ALONE], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True"]


def test_a_part_that_ends_is_started_again(tmp_path: Path) -> None:
    stop, mark = threading.Event(), tmp_path / "ended"
    reading, writing = os.pipe()

    def part() -> None:
        os.write(writing, f"{os.getpid()}\n".encode())
        if not mark.exists():
            mark.touch()
            os._exit(7)
        threading.Event().wait()

    begun: list[str] = []

    def watch() -> None:
        with os.fdopen(reading, encoding="ascii") as told:
            begun.extend(told.readline().strip() for _ in range(2))
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    processes.supervise({"part": part}, stop=stop)
    watcher.join()
    os.close(writing)
    assert len(set(begun)) == 2
    assert not Path(f"/proc/{begun[1]}").exists(), "stopped in order"


FULL = """
import os, sys, threading
from tansiq.node.cli import processes
stop = threading.Event()
mark = sys.argv[1]

def part():
    if not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(7)
    open(mark + ".again", "w").close()
    threading.Event().wait()

def watch():
    while not os.path.exists(mark + ".again"):
        stop.wait(0.05)
    stop.set()

threading.Thread(target=watch, daemon=True).start()
processes.supervise({"part": part}, stop=stop)
"""


def test_the_parent_outlives_a_log_on_a_full_disk(tmp_path: Path) -> None:
    mark = tmp_path / "ended"
    with Path("/dev/full").open("wb") as full:  # every write to it fails, as on a disk without room
        done = subprocess.run([sys.executable, "-c", FULL, str(mark)], stderr=full, timeout=60, check=False)
    assert mark.with_suffix(".again").exists()
    assert done.returncode == 0
