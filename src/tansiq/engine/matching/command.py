"""``tansiq match``: build an index from a file, search it, compare pairs. No node and no database needed.

``link`` and ``dedupe`` of whole registers stand in ``tansiq.linkage.command``.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO, cast

import click

from tansiq.engine.errors import Rejected, TansiqError
from tansiq.engine.matching import building, screening
from tansiq.engine.matching.reading import FORMATS, Fault, guess_format, read_subjects
from tansiq.engine.matching.subjects import MAX_MATCHES, Subject

_format = click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="Format of the input; guessed when not given."
)
_columns = click.option(
    "--columns",
    default="",
    help="For CSV: which column is what, e.g. id=ID,name=First+Last,birth_date=DOB,country=Nat,identifier:passport=PP",
)
_workers = click.option("--workers", type=click.IntRange(1), default=lambda: os.cpu_count() or 1, help="Processes.")
_LOGGED_EVERY = 30
_jsonl = click.option("--jsonl", is_flag=True, help="One JSON object a line (the only form; stated for scripts).")


@click.group("match")
def match() -> None:
    """Match names across scripts, with the reason shown letter by letter.

    \b
    Files:  TSV   id<TAB>name[<TAB>birth date], "|" between aliases
            CSV   any columns, named with --columns
            FtM   FollowTheMoney entities, one JSON object a line
    "-" stands for standard input or output.

    \b
    Examples:
      tansiq match build people.tsv --out index/
      printf 'q1\\tمحمد الشريف\\t1960\\n' | tansiq match search index/ - --limit 5 --jsonl
      tansiq match pairs pairs.tsv --jsonl > scores.jsonl
      tansiq match link passengers.csv list.tsv --columns id=no,name=first+last
    """


@match.command("build")
@click.argument("gallery")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="Directory of the new index.")
@_format
@_columns
@_workers
def build(gallery: str, folder: Path, kind: str | None, columns: str, workers: int) -> None:
    """Build an index from GALLERY in a directory; an index that stands there is replaced at the end.

    \b
    Examples:
      tansiq match build people.tsv --out index/
      tansiq match build people.csv --out index/ --columns id=ID,name=First+Last,birth_date=DOB
      zcat entities.ftm.json.gz | tansiq match build - --format ftm --out index/
    """
    with failing(), tempfile.TemporaryDirectory(dir=_parent(folder), prefix=".index-") as temporary:
        began, place = time.perf_counter(), Path(temporary) / "index"
        faults, mapping = _Faults(), _mapping(columns)
        with _input(gallery) as stream:
            first = stream.readline()
            index = building.build(
                place,
                stream,
                first_line=first,
                kind=kind or guess_format(gallery, first, mapping),
                mapping=mapping,
                label=screening.OPEN,
                workers=workers,
                told=faults.tell,
            )
        count = len(index)
        if folder.exists():
            shutil.rmtree(folder)
        place.rename(folder)
        took = time.perf_counter() - began
    click.echo(f"{count} subjects indexed in {took:.1f} s, {faults.count} rows left out", err=True)


@match.command("search")
@click.argument("index", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("queries", default="-")
@click.option("--limit", type=click.IntRange(1, MAX_MATCHES), default=10, show_default=True, help="Results a question.")
@click.option(
    "--least", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Results that score less are left out."
)
@click.option("--out", "target", default="-", help="Where the lines go; with --resume, what is there is kept.")
@click.option("--resume", is_flag=True, help="Go on after the last whole line of --out; the same list is needed.")
@_format
@_columns
@_workers
@_jsonl
def search(
    index: Path,
    queries: str,
    limit: int,
    least: float,
    target: str,
    resume: bool,
    kind: str | None,
    columns: str,
    workers: int,
    jsonl: bool,
) -> None:
    """Search INDEX for every question in QUERIES; one line each, in their order, best result first.

    \b
    Each line: {"query_id", "query", "results": [{"id", "name", "score", "explanation"}]}
    Examples:
      tansiq match search index/ queries.tsv --limit 10 --jsonl > hits.jsonl
      tansiq match search index/ passengers.csv --columns id=no,name=first+last --least 0.5 --out hits.jsonl --resume

    A list of any length is asked as a stream: memory does not grow with it. How far it came is told on standard error; each
    question has its line, with or without results, so that a run that was killed goes on with --resume where it was.
    """
    del jsonl
    with failing():
        faults = _Faults()
        questions = faults.seen(_subjects(queries, kind, columns))
        done = screening.after(questions, Path(target)) if resume and target != "-" else 0
        lines = screening.screen(index, questions, limit=limit, workers=workers, least=least)
        with _output(target, append=done > 0) as stream:
            _write(lines, stream, done, of=_line_count(queries))


@match.command("pairs")
@click.argument("pairs", default="-")
@_jsonl
def pairs(pairs: str, jsonl: bool) -> None:
    """Score the pairs of names in PAIRS (TSV: left<TAB>right), in the order given; the score is a calibrated
    probability.

    \b
    Each line: {"left", "right", "score"}
    Example:
      printf 'محمد الشريف\\tMohamed Chérif\\n' | tansiq match pairs - --jsonl
    """
    del jsonl
    with failing(), _input(pairs) as stream, _output("-", append=False) as out:
        for number, text in enumerate(stream, start=1):
            cells = text.rstrip("\r\n").split("\t")
            line: dict[str, object] = {"left": cells[0], "right": cells[1] if len(cells) > 1 else "", "score": 0.0}
            try:
                line["score"] = screening.pair_score(str(line["left"]), str(line["right"]))
            except TansiqError as error:
                line = {"left": cells[0][:200], "right": "".join(cells[1:2])[:200], "score": 0.0}
                line["error"] = f"line {number}: {error}"  # what was refused is not given back whole
            out.write(json.dumps(line, ensure_ascii=False) + "\n")


# ---- files


class _Faults:
    """Counts rows that were not taken and tells each on standard error."""

    def __init__(self) -> None:
        self.count = 0

    def seen(self, rows: Iterable[Subject | Fault]) -> Iterator[Subject | Fault]:
        """The same rows, faults told."""
        for row in rows:
            if isinstance(row, Fault):
                self.tell(row)
            yield row

    def tell(self, fault: Fault) -> None:
        """One more row that was not taken."""
        self.count += 1
        click.echo(f"line {fault.line}: {fault.error}", err=True)

    def report(self, rows: Iterable[Subject | Fault]) -> Iterator[Subject]:
        """The rows without faults."""
        return (row for row in self.seen(rows) if isinstance(row, Subject))


@contextmanager
def failing() -> Iterator[None]:
    """A refusal becomes one line on standard error and exit status 2."""
    try:
        yield
    except TansiqError as error:
        click.echo(f"tansiq match: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _in_utf8(stream: TextIO, *, errors: str) -> TextIO:
    """A standard stream in UTF-8, whatever the locale says."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors=errors)
    return stream


@contextmanager
def _input(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield _in_utf8(sys.stdin, errors="replace")
        return
    if not Path(name).is_file():
        raise Rejected("matching.no_file", at=name[:200])
    with click.open_file(name, encoding="utf-8", errors="replace") as stream:
        yield cast("TextIO", stream)


@contextmanager
def _output(name: str, *, append: bool) -> Iterator[TextIO]:
    if name == "-":
        yield _in_utf8(sys.stdout, errors="strict")
        return
    with Path(name).open("a" if append else "w", encoding="utf-8") as stream:
        yield stream


def _subjects(name: str, kind: str | None, columns: str) -> Iterator[Subject | Fault]:
    mapping = _mapping(columns)
    with _input(name) as stream:
        first = stream.readline()
        chosen = kind or guess_format(name, first, mapping)
        yield from read_subjects(chain([first] if first else [], stream), chosen, mapping)


def _mapping(columns: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in columns.split(",") if "=" in part)


def _parent(folder: Path) -> Path:
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    return parent


def _line_count(name: str) -> int | None:
    """How many lines a file holds; None for a stream, whose end nobody knows."""
    if name == "-" or not Path(name).is_file():
        return None
    with Path(name).open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _write(lines: Iterable[str], stream: TextIO, done: int, *, of: int | None) -> None:
    """Write lines and tell how far it came: each second on a terminal, each half minute in a log."""
    is_seen = sys.stderr.isatty()
    began = shown = time.monotonic()
    number = done
    for number, line in enumerate(lines, start=done + 1):
        stream.write(line + "\n")
        now = time.monotonic()
        if now - shown > (1 if is_seen else _LOGGED_EVERY):
            shown, rate = now, (number - done) / (now - began)
            click.echo(("\r" if is_seen else "") + _progress(number, rate, of), err=True, nl=not is_seen)
    stream.flush()
    if is_seen and number > done:
        click.echo("", err=True)


def _progress(number: int, rate: float, of: int | None) -> str:
    """``12,000 of 100,000 questions answered, 800 a second, 2 minutes left``"""
    told = f"{number:,}" + (f" of {of:,}" if of else "") + f" questions answered, {rate:.0f} a second"
    return told + (f", {max(0.0, of - number) / rate / 60:.0f} minutes left" if of and rate else "")


if __name__ == "__main__":
    match(prog_name="tansiq match")
