"""A passenger list against a register of subjects on the command line: how long, how much memory, and what a kill in the middle costs.

    nice python -m bench.matching.screening --size 1000000 --passengers 100000
    nice python -m bench.matching.screening --size 100000 --passengers 10000

One passenger in a hundred is a subject of the register, written as another record spells them (``wd`` task, untouched part), with the same
birth date; the others are recombined from the same population. Every birth date is invented. The first run is killed with SIGKILL when a
third is answered, then the same command goes on: every row must stand in the file once, in order. Memory is the largest sum over all
processes: of what each has for itself (``own``) and with the index that they share (``together``, proportional).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from bench.matching.tasks import Task, grown, wikidata

MATCH = [sys.executable, "-m", "tansiq.engine.matching.command"]
ONE_IN = 100


Row = tuple[str, str, str]


def born(known: str) -> str:
    """The invented birth date of a subject (all spellings of one have the same) or a passenger."""
    return str(date(1940, 1, 1) + timedelta(days=random.Random(known.partition(":")[0]).randrange(24_000)))


def passengers(task: Task, count: int) -> list[Row]:
    """Ids, names and birth dates; ``t…`` are subjects of the gallery under another spelling."""
    chooser = random.Random(31)
    strangers = [name for subject, name in grown(task, len(task.gallery) + count, seed=32).gallery[len(task.gallery) :]]
    rows = [(f"p{number}", name, born(f"p{number}")) for number, name in enumerate(strangers[:count])]
    for number in range(0, count, ONE_IN):
        place, (question, right, _) = (
            number + chooser.randrange(min(ONE_IN, count - number)),
            chooser.choice(task.questions),
        )
        rows[place] = (f"t{place}", question, born(min(right)))
    return rows


def children(pid: int) -> list[int]:
    """A process and those below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def memory_of(pid: int) -> tuple[int, int]:
    """Kilobytes of a process and those below it: their own, and with what they share."""
    own = together = 0
    for process in children(pid):
        try:
            told = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in told}
        own += sizes["Private_Clean"] + sizes["Private_Dirty"]
        together += sizes["Pss"]
    return own, together


def lines_in(path: Path) -> int:
    """Whole lines."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def watched(process: subprocess.Popen[bytes]) -> Iterator[tuple[int, int]]:
    """Memory twice a second until it ends."""
    while process.poll() is None:
        try:
            yield memory_of(process.pid)
        except OSError:
            return
        time.sleep(0.5)


def measure(folder: Path, task: Task, rows: list[Row], workers: int) -> Iterator[dict[str, object]]:
    """A line for the run up to its kill, and one for the run that goes on."""
    (folder / "gallery.tsv").write_text("".join(f"{i}\t{n}\t{born(i)}\n" for i, n in task.gallery), encoding="utf-8")
    (folder / "list.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    subprocess.run([*MATCH, "build", str(folder / "gallery.tsv"), "--out", str(folder / "index")], check=True)
    target = folder / "hits.jsonl"
    command = [*MATCH, "search", str(folder / "index"), str(folder / "list.tsv"), "--least", "0.5", "--limit", "5"]
    command += ["--workers", str(workers), "--out", str(target), "--resume"]
    for is_killed in (True, False):
        before, begun = lines_in(target), os.times()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL if is_killed else None)
        sizes: list[tuple[int, int]] = []
        for size in watched(process):
            sizes.append(size)
            if is_killed and lines_in(target) > len(rows) // 3:
                process.send_signal(signal.SIGKILL)
        status, ended = process.wait(), os.times()
        spent = ended.children_user + ended.children_system - begun.children_user - begun.children_system
        took, now = ended.elapsed - begun.elapsed, lines_in(target)
        yield {
            "run": "killed after a third" if status else "the same command again",
            "subjects": len(task.gallery),
            "answered": now - before,
            "seconds": round(took, 1),
            "rows_per_s": round((now - before) / took),
            "cpu_ms_a_row": None if status else round(spent / (now - before) * 1e3, 2),
            "own_mb": max((own for own, _ in sizes), default=0) // 1024,
            "together_mb": max((together for _, together in sizes), default=0) // 1024,
            "own_mb_at_a_quarter": sizes[len(sizes) // 4][0] // 1024 if sizes else None,
        }


def judge(target: Path, rows: list[Row], task: Task) -> None:
    """Every row answered once and in order; how many of the subjects were met, and how many strangers too."""
    right = {question: known for question, known, _ in task.questions}
    met = false = asked = 0
    with target.open(encoding="utf-8") as stream:
        for (known, name, _), line in zip(rows, map(json.loads, stream), strict=True):
            assert line["query_id"] == known
            ids = {result["id"] for result in line["results"]}
            asked += known[0] == "t"
            met += known[0] == "t" and bool(ids & right[name])
            false += known[0] == "p" and bool(ids)
    print(f"{len(rows):,} rows answered, each once and in order; of {asked:,} subjects among them {met:,} met")
    print(f"at 0.5 and more {false:,} of {len(rows) - asked:,} others met somebody (namesakes born alike)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--passengers", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    task = wikidata("test")
    if given.size > len(task.gallery):
        task = grown(task, given.size)
    rows = passengers(task, given.passengers)
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(Path(folder), task, rows, given.workers):
            print(json.dumps(line), flush=True)
        judge(Path(folder) / "hits.jsonl", rows, task)


if __name__ == "__main__":
    main()
