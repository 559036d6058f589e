"""``python -m bench``: every benchmark one after another, at sizes that a laptop finishes in minutes."""

from __future__ import annotations

import subprocess
import sys

RUNS = [
    ["bench.delivery", "--entries", "400", "--seconds", "15"],
    ["bench.attachments", "--mb", "256"],
    ["bench.register_import", "--count", "20000"],
    ["bench.matching.run"],
    ["bench.blind.families", "--records", "100000"],
    ["bench.blind.cost"],
    ["bench.matching.peers", "--questions", "100"],
    ["bench.matching.peers", "--task", "pairs", "--questions", "100"],
    ["bench.matching.fairness"],
    ["bench.matching.linkage", "--task", "febrl4"],
    ["bench.matching.linkage", "--task", "febrl3"],
    ["bench.matching.linkage", "--task", "invented", "--size", "50000"],
]


def main() -> int:
    """Run them; returns the worst exit status."""
    worst = 0
    for run in RUNS:
        print(f"== python -m {' '.join(run)}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", *run], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
