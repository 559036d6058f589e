"""All of ``bench/matching`` with one command: each measurement is a process of its own and prints one JSON line.

python -m bench.matching            (an hour and a half on two quiet cores)
python -m bench.matching --quick    (without the peers, the unseen words and the sizes above 100,000)
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.matching.tasks import SHARED

QUICK = [
    "run --task wd --part test",
    "run --task un",
    "run --task latin --part test",
    "pairs --part test",
    "pairs --part test --rivals own",
    "throughput --size 100000 --part test",
]
LONG = [
    "run --task wd --part test --size 1000000",
    "ceiling --part test --size 1000000",
    "throughput --size 1000000 --part test",
    "throughput --size 10000000 --part test",
    "peers",
]
UNSEEN = [
    f"run --task {kind}-{of} --part test" for kind in ("words", "names") for of in ("arabic", "russian", "hebrew")
]


def run(command: str) -> None:
    print(f"# {command}", flush=True)
    subprocess.run([sys.executable, "-m", *f"bench.matching.{command}".split()], check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for command in QUICK if options.quick else QUICK + LONG:
        run(command)
    if options.quick:
        return
    with tempfile.TemporaryDirectory() as folder:
        letters = Path(folder) / "letters.npz"
        train = [
            sys.executable,
            "tools/train_names.py",
            str(SHARED / "data/names/train"),
            "--unseen",
            "--out",
            str(letters),
        ]
        subprocess.run(train, check=True)
        for command in UNSEEN:
            run(f"{command} --letters {letters}")


if __name__ == "__main__":
    main()
