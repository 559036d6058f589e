"""The README's test command: the suite on SQLite, then everything that touches the store on PostgreSQL, and one closing line.

``--all`` adds the tests marked slow. Further arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import private_postgres

STORE = ["tests/node", "tests/system"]


def run(name: str, arguments: list[str], environment: dict[str, str]) -> tuple[int, dict[str, int]]:
    """One pytest run; returns its exit status and its counts."""
    print(f"== {name}", flush=True)
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            os.environ.get("TEST_PROCESSES", "2"),
            "--dist",
            "loadgroup",
            "--durations=12",
            "--durations-min=1",
            f"--junitxml={report.name}",
            *arguments,
        ]
        status = subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
        counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        try:
            for suite in ET.parse(report.name).getroot().iter("testsuite"):
                for key in counts:
                    counts[key] += int(suite.get(key, "0"))
        except ET.ParseError:
            counts["errors"] += 1
    return status, counts


def main() -> int:
    given = sys.argv[1:]
    every = "--all" in given
    rest = [a for a in given if a != "--all"]
    marks = [] if every else ["-m", "not slow"]
    runs = [run("SQLite", [*marks, *rest], {})]
    folders = [f for f in STORE if Path(f).exists()]
    if private_postgres.programs() and folders:
        with private_postgres.server() as url:
            runs.append(run("PostgreSQL", [*folders, *marks, *rest], {"TANSIQ_TEST_DB": url}))
    else:
        print("PostgreSQL is not installed; its run was left out. To include it: sudo apt-get install postgresql")
    failed = sum(c["failures"] + c["errors"] for _, c in runs)
    skipped = sum(c["skipped"] for _, c in runs)
    passed = sum(c["tests"] for _, c in runs) - failed - skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return max([1 if failed else 0] + [status for status, _ in runs])


if __name__ == "__main__":
    sys.exit(main())
