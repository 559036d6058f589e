"""Words that the letter costs have not seen: a training that leaves them out, and the tasks that ask for them.

    nice python -m bench.matching.unseen

The training takes about a minute. Single words are asked beside the peers, full names put together from them by script.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.matching.split import SHARED
from bench.matching.tasks import WORD_FILES

WAYS = ("tansiq", "cdist", "cdist-skeletons", "romanizer", "tantivy")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("dev", "test"), default="test")
    parser.add_argument("--seconds", default="5", help="at most so long for each peer")
    parser.add_argument("--languages", nargs="*", choices=WORD_FILES, default=list(WORD_FILES))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        letters = ["--part", given.part, "--letters", str(Path(folder) / "letters.npz")]
        train = [
            sys.executable,
            "tools/train_names.py",
            str(SHARED / "data/names/train"),
            "--unseen",
            "--out",
            letters[-1],
        ]
        subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
        worst = 0
        for language in given.languages:
            ways = [way for way in WAYS if language == "arabic" or way != "romanizer"]
            asked = ["peers", "--task", f"words-{language}", "--seconds", given.seconds, "--ways", *ways]
            worst = max(worst, _run([*asked, *letters]))
        named = [f"names-{language}" for language in given.languages]
        return max(worst, _run(["fairness", "--tasks", *named, *letters]))


def _run(command: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", f"bench.matching.{command[0]}", *command[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
