"""Every code that the source can raise has its sentence in five languages, and every sentence can be filled."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

import tansiq
from tansiq.node.wording import FOLDER, LANGUAGES, PLACEHOLDER
from tests.node.wording.raised import CODE, Raise, raises_in

SOURCE = Path(tansiq.__file__).parent
FILES = sorted(FOLDER.glob("*.json"))
ARABIC_LETTER = re.compile("[\u0621-\u064a\u067e\u0686\u0698\u06a9\u06af\u06cc]")


def all_sentences() -> dict[str, dict[str, str]]:
    return {f"{path.stem}.{what}": texts for path in FILES for what, texts in json.loads(path.read_bytes()).items()}


def test_every_code_raised_has_a_sentence() -> None:
    sentences = all_sentences()
    missing: dict[str, list[str]] = {}
    for one in raises_in(SOURCE):
        if one.code not in sentences:
            missing.setdefault(one.code, []).append(one.place)
    told = [
        f"sentences/{code.partition('.')[0]}.json lacks {code.partition('.')[2]!r}, raised at {', '.join(places)}"
        for code, places in sorted(missing.items())
    ]
    if told:
        pytest.fail(f"{len(told)} codes without a sentence:\n" + "\n".join(told), pytrace=False)


def test_every_placeholder_is_a_fact_at_every_place_that_raises() -> None:
    sentences = all_sentences()
    told = []
    for one in raises_in(SOURCE):
        wanted = {name for text in sentences.get(one.code, {}).values() for name in PLACEHOLDER.findall(text)}
        if one.facts is not None and (unknown := sorted(wanted - one.facts)):
            told.append(f"{one.place} raises {one.code} without {unknown}, which its sentence names")
    if told:
        pytest.fail("\n".join(told), pytrace=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_sentence_is_whole(path: Path) -> None:
    told = []
    for what, texts in json.loads(path.read_bytes()).items():
        if not CODE.fullmatch(f"{path.stem}.{what}"):
            told.append(f"{what}: not the form of a code")
        if missing := set(LANGUAGES) ^ set(texts):
            told.append(f"{what}: languages {sorted(missing)}")
        told += [f"{what}: {language}: {rule}" for language, text in texts.items() for rule in broken(language, text)]
        if len({frozenset(PLACEHOLDER.findall(text)) for text in texts.values()}) > 1:
            told.append(f"{what}: the languages do not name the same facts")
    assert not told, f"sentences/{path.name}:\n" + "\n".join(told)


def broken(language: str, text: str) -> list[str]:
    told = []
    if text != text.strip() or len(text) < 15:
        told.append("blank, padded or no sentence")
    if re.search(r"[<>]|&[a-z]+;", text):
        told.append("markup")
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        told.append("a brace that is no placeholder")
    if bool(ARABIC_LETTER.search(text)) != (language in ("ar", "fa")):
        told.append("another script")
    if not re.search(r"[.!?؟…»”)]$", text):
        told.append("does not end as a sentence")
    return told


def test_no_sentence_is_left_over() -> None:
    """A code that nobody can raise any more takes its sentence with it. A code built at run time counts by its room."""
    used: set[str] = {"wording.no_sentence"}
    built: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                built.add(str(node.values[0].value).partition(".")[0])
    left = [code for code in all_sentences() if code not in used and code.partition(".")[0] not in built]
    assert not left, f"sentences without a use: {sorted(left)}"


def test_the_reader_of_the_source_sees_what_it_must(tmp_path: Path) -> None:
    room = tmp_path / "engine" / "room"
    room.mkdir(parents=True)
    (room / "a.py").write_text(
        'FULL = "room.full"\n'
        "def open(x):\n"
        '    """room.docstring"""\n'
        '    raise Rejected("room.plain", at=x, key="k")\n'
        "def shut(x, **more):\n"
        '    raise errors.Refused(FULL if x else "room.empty", **more)\n'
        "def _no(where, code, **facts):\n"
        "    raise Conflict(code, at=where, **facts)\n"
        "def use():\n"
        '    _no("/", "room.through", limit=3)\n'
        '    return Verdict("room.judged")\n'
    )
    (room / "b.py").write_text("def enforce(verdict):\n    raise Refused(verdict.reason, clause='c', term='t')\n")
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "c.py").write_text('record("room.event")\nraise Unavailable("store.busy")\n')
    found = {(one.code, one.facts) for one in raises_in(tmp_path)}
    assert found == {
        ("room.plain", frozenset({"at", "key"})),
        ("room.full", None),
        ("room.empty", None),
        ("room.through", frozenset({"at", "limit"})),
        ("room.judged", frozenset({"clause", "term"})),
        ("room.full", frozenset({"clause", "term"})),
        ("store.busy", frozenset()),
    }
    assert Raise("store.busy", frozenset(), "node/c.py:2") in raises_in(tmp_path)
