"""The command line as a user meets it: build from a file, then questions a second on all cores, explanations included.

nice python -m bench.matching.throughput --size 1000000 --questions 4000
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.matching.tasks import grown, wikidata
from tansiq.engine.matching import Index, Query
from tansiq.engine.matching.screening import OPEN
from tansiq.engine.matching.subjects import Labels

MATCH = [sys.executable, "-m", "tansiq.engine.matching.command"]


def _children() -> float:
    """Processor seconds that the processes started so far have taken; what a busy machine does not change much."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    options = parser.parse_args()
    task = wikidata(options.part)
    if options.size > len(task.gallery):
        task = grown(task, options.size)
    asked = [question for question, _, _ in task.questions]
    asked = (asked * (options.questions // len(asked) + 1))[: options.questions]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "gallery.tsv").write_text("".join(f"{i}\t{n}\n" for i, n in task.gallery), encoding="utf-8")
        (folder / "asked.tsv").write_text("".join(f"q{i}\t{q}\n" for i, q in enumerate(asked)), encoding="utf-8")
        began = time.perf_counter()
        subprocess.run([*MATCH, "build", str(folder / "gallery.tsv"), "--out", str(folder / "index")], check=True)
        built, built_cpu = time.perf_counter() - began, _children()
        size = sum(path.stat().st_size for path in (folder / "index").iterdir())
        command = [
            *MATCH,
            "search",
            str(folder / "index"),
            str(folder / "asked.tsv"),
            "--workers",
            str(options.workers),
        ]
        times, spent = [], []
        for count in (200, options.questions):
            lines = (folder / "asked.tsv").read_text(encoding="utf-8").splitlines(keepends=True)[:count]
            began = time.perf_counter()
            subprocess.run(
                [*command[:-3], "-", *command[-2:]],
                input="".join(lines).encode(),
                stdout=subprocess.DEVNULL,
                check=True,
            )
            times.append(time.perf_counter() - began)
            spent.append(_children())
        index = Index(folder / "index")
        single = []
        for question in asked[:400]:
            began = time.perf_counter()
            index.search(Query((question,)), Labels.of(OPEN), limit=10)
            single.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "names": len(task.gallery),
                "build_s": round(built, 1),
                "build_cpu_s": round(built_cpu, 1),
                "bytes_per_name": round(size / len(task.gallery), 1),
                "workers": options.workers,
                "questions_per_s": round((options.questions - 200) / (times[1] - times[0]), 1),
                "cpu_ms_a_question": round((spent[1] - 2 * spent[0] + built_cpu) / (options.questions - 200) * 1e3, 2),
                "one_thread_p50_ms": round(float(np.percentile(single, 50)) * 1e3, 2),
                "one_thread_p99_ms": round(float(np.percentile(single, 99)) * 1e3, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
