"""The glossary is a table that stays whole: six cells a row, in order, each word once."""

from __future__ import annotations

import re

from tests.shared import ROOT

ARABIC_LETTER = re.compile("[\u0621-\u064a\u067e\u0686\u0698\u06a9\u06af\u06cc]")


def test_the_glossary_is_whole() -> None:
    table = [
        line for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"
    ]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]
    assert len(rows) >= 60
    for row in rows:
        assert len(row) == 6, row
        assert all(row), row
        english, arabic, french, italian, persian, meaning = row
        assert ARABIC_LETTER.search(arabic), row
        assert ARABIC_LETTER.search(persian), row
        assert not any(ARABIC_LETTER.search(cell) for cell in (english, french, italian, meaning)), row
        assert meaning.endswith("."), row
    words = [row[0].casefold() for row in rows]
    assert words == sorted(words)
    for column in range(5):
        used = [row[column] for row in rows]
        twice = {word for word in used if used.count(word) > 1}
        assert not twice, f"one word, one thing: {twice}"
