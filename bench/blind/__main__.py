"""``python -m bench.blind``: everything that is measured of blind questions, one after another.

    python -m bench.blind [--quick]

Cost beside openmined-psi, the families' recall and chance hits at a million records, and the time between two real nodes. About ten
minutes on two quiet cores; ``--quick`` takes a tenth of everything and about a minute.
"""

from __future__ import annotations

import subprocess
import sys

WHOLE = [
    ["bench.blind.cost", "--records", "20000", "--questions", "100", "--large", "6000000"],
    ["bench.blind.families", "--records", "1000000", "--questions", "2000"],
    ["bench.blind.latency", "--questions", "100", "--marks", "6000000"],
]
QUICK = [
    ["bench.blind.cost", "--records", "2000", "--questions", "20", "--large", "600000"],
    ["bench.blind.families", "--records", "50000", "--questions", "300"],
    ["bench.blind.latency", "--questions", "20", "--marks", "100000"],
]


def main() -> int:
    """Run them; returns the worst exit status."""
    worst = 0
    for run in QUICK if "--quick" in sys.argv[1:] else WHOLE:
        print(f"== python -m {' '.join(run)}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", *run], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
