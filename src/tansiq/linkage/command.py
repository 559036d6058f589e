"""``tansiq match link`` and ``tansiq match dedupe``: whole registers on one machine. No node and no Django needed."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from tansiq.engine.matching.command import failing
from tansiq.engine.matching.linkage import read_plan
from tansiq.linkage import cluster
from tansiq.linkage.answering import Linked
from tansiq.linkage.files import opened
from tansiq.linkage.lists import link_lists, require_lists
from tansiq.linkage.local import Register, link

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FIELDS_HELP = (
    "Columns that are compared and what they are: name, date, text, code, category; ~ names the column with which values "
    "get exchanged, e.g. given:name~family,family:name~given,born:date,street:text,postcode:code"
)


def _options(command: _Command) -> _Command:
    for option in reversed(
        [
            click.option("--fields", default="", help=_FIELDS_HELP),
            click.option("--rules", default="", help="Which agreements make a pair worth comparing; chosen when empty."),
            click.option("--id", "row_id", default="id", show_default=True, help="Column with the id of a record."),
            click.option("--least", type=click.FloatRange(0.01, 0.9999), default=0.5, show_default=True,
                         help="Lowest probability that links."),
            click.option("--work", type=click.Path(file_okay=False, path_type=Path),
                         help="Folder of the work; the same command goes on there after it was stopped."),
            click.option("--model", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                         help="Use this model instead of learning one."),
            click.option("--save-model", type=click.Path(dir_okay=False, path_type=Path), help="Keep the model here."),
            click.option("--memory", type=click.IntRange(200), default=2000, show_default=True,
                         help="Megabytes that DuckDB may take."),
            click.option("--workers", type=click.IntRange(1), default=lambda: os.cpu_count() or 1, help="Threads."),
            click.option("--spark", "master", default="",
                         help="Find and score pairs on this cluster (spark://host:7077, yarn, local-cluster[2,1,1024]); needs "
                              "tansiq[spark] and Java 17 here and there."),
            click.option("--spark-setting", "settings", multiple=True, metavar="KEY=VALUE",
                         help="A setting of Spark, e.g. spark.executor.memory=8g; may stand several times."),
            click.option("--parts", type=click.IntRange(1), default=64, show_default=True,
                         help="Pieces into which Spark cuts the work."),
            click.option("--out", default="-", help="File of the lines; - for standard output."),
            click.option("--account", default="", help="File for the account of the run (JSON)."),
            click.option("--jsonl", is_flag=True, help="One JSON object a line (the only form; stated for scripts)."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("link")
@click.argument("left")
@click.argument("right")
@click.option("--many", is_flag=True, help="A record may be linked more than once.")
@_options
def link_command(left: str, right: str, many: bool, **options: Any) -> None:
    """Link the records of LEFT with those of RIGHT; lines {"left", "right", "score"}, best first, each record once.

    \b
    Lists: id<TAB>name[<TAB>birth date], "|" between aliases, or FollowTheMoney lines. The matcher scores them.
    Tables: CSV or Parquet with a header, and --fields. What each agreement is worth is learned from the files
    themselves, without a single labelled pair.
    Examples:
      tansiq match link a.tsv b.tsv --least 0.9 > links.jsonl
      tansiq match link a.csv b.csv --id no --fields given:name~family,family:name~given,born:date,postcode:code \\
          --work work/ --out links.jsonl --account account.json
      tansiq match link a.csv b.csv --fields given:name~family,family:name~given,born:date --spark local-cluster[2,1,1024]
    """
    _run(left, right, many=many, **options)


@click.command("dedupe")
@click.argument("register")
@_options
def dedupe_command(register: str, **options: Any) -> None:
    """Find the records of REGISTER that are one subject; lines {"group": [ids]}.

    \b
    Examples:
      tansiq match dedupe people.tsv > groups.jsonl
      tansiq match dedupe people.csv --id no --fields given:name~family,family:name~given,born:date --out groups.jsonl
    """
    _run(register, None, many=True, **options)


def _run(left: str, right: str | None, *, many: bool, **given: Any) -> None:
    with failing(), _folder(given["work"]) as folder:
        sides = [opened(n, folder, fields=given["fields"]) for n in ([left] if right is None else [left, right])]
        paths = [side.path for side in sides]
        if given["fields"]:
            found = _link_tables(paths, folder, many=many, **given)
        else:
            require_lists(*sides, on_cluster=bool(given["master"]))
            found = link_lists(
                paths[0],
                paths[1] if right is not None else None,
                folder=folder,
                least=given["least"],
                many=many,
                workers=given["workers"],
                progress=_tell,
            )
        _write(found, given["out"], is_one=right is None)
        told = json.dumps(found.account, ensure_ascii=False)
        if given["account"]:
            Path(given["account"]).write_text(told + "\n")
        click.echo(told, err=True)


def _link_tables(paths: Sequence[Path], folder: Path, *, many: bool, **given: Any) -> Linked:
    """Link tables here or on a cluster, and keep the model where that is asked for."""
    registers = [Register(path, given["row_id"]) for path in paths]
    model: Path | None = given["model"]
    asked = {
        "folder": folder,
        "least": given["least"],
        "many": many,
        "model": model.read_text() if model else "",
        "workers": given["workers"],
        "memory_mb": given["memory"],
        "progress": _tell,
    }
    both = registers[0], registers[1] if len(registers) > 1 else None
    plan = read_plan(given["fields"], given["rules"])
    if given["master"]:
        settings = dict(pair.split("=", 1) for pair in given["settings"] if "=" in pair)
        found = cluster.link(*both, plan, master=given["master"], parts=given["parts"], settings=settings, **asked)
    else:
        found = link(*both, plan, **asked)
    if given["save_model"]:
        given["save_model"].write_text(asked["model"] or (folder / "model.json").read_text())
    return found


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work
        return
    with tempfile.TemporaryDirectory(prefix="tansiq-link-") as temporary:
        yield Path(temporary)


def _tell(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{what} {done}/{of}   ", err=True, nl=what == "pairs" and done == of)


def _write(found: Linked, out: str, *, is_one: bool) -> None:
    lines: Iterator[dict[str, Any]] = (
        ({"group": group} for group in found.groups)
        if is_one
        else ({"left": a, "right": b, "score": score} for a, b, score in found.links)
    )
    with click.open_file(out, "w", encoding="utf-8") as stream:
        for line in lines:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
