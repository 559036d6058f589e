"""The titles of tasks: each has its words, and names only facts that are put on the desk with it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tansiq.node
from tansiq.node.wording import LANGUAGES, PLACEHOLDER, has_sentence, sentences_of

SOURCE = Path(tansiq.node.__file__).parent


def titles() -> Iterator[tuple[str, frozenset[str] | None, str]]:
    """(code, the facts beside it if they can be read from the text, place) of every call that names a title."""
    for path in sorted(SOURCE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            title, facts = named.get("title_code"), named.get("facts")
            if not isinstance(title, ast.Constant) or not isinstance(title.value, str):
                continue
            keys = facts.keys if isinstance(facts, ast.Dict) else None
            known = keys is not None and all(isinstance(key, ast.Constant) for key in keys)
            given = frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant)) if known else None
            yield title.value, given, f"{path.name}:{call.lineno}"


def test_every_title_has_words_and_its_facts() -> None:
    told = []
    for code, facts, place in titles():
        segment, _, what = code.partition(".")
        if not has_sentence(code):
            told.append(f"{place}: {code} has no words")
            continue
        for language in LANGUAGES:
            wanted = set(PLACEHOLDER.findall(sentences_of(segment)[what][language]))
            if facts is not None and not wanted <= facts:
                told.append(f"{place}: {code} in {language} wants {sorted(wanted - facts)}")
    assert not told, "\n".join(told)


def test_titles_are_short() -> None:
    """A desk shows many of them: two lines each at most."""
    long = [
        f"{code} in {language}"
        for code in {code for code, _, _ in titles()}
        for language in LANGUAGES
        if len(PLACEHOLDER.sub("", sentences_of(code.partition(".")[0])[code.partition(".")[2]][language])) > 160
    ]
    assert not long, long
