"""Write the test vectors of the name keys, and the tables of their specification, from the code.

    python tools/write_name_keys.py

The names are invented. The test suite checks that both files still say what the code does; a difference means that
version 1 was changed, which it must not be.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tansiq.engine.names import keys

DOCS = Path(__file__).resolve().parent.parent / "docs" / "protocol"
BEGIN, END = "<!-- tables: written by tools/write_name_keys.py -->", "<!-- end of tables -->"
CASES = (
    (("Mohamed Chérif Benslimane",), ("1960-05-12",), (("passport", "AB 12-34567"),)),
    (("محمد شريف بن سليمان",), ("1960-05-12",), (("passport", "ab1234567"),)),
    (("Мохаммед Шериф",), ("1960",), ()),
    (("صلاح الدين حدادي", "Salah al-Din Haddadi"), ("1971-11-30", "1971"), ()),
    (("صلاحالدين حدادی",), (), ()),
    (("عُثْمَان عبد الرَّحمٰن",), ("1988-02-29",), ()),
    (("Osman Abderrahmane",), ("1988-02-29",), ()),
    (("Dr Abdul-Latif al-Zahrawi",), (), ()),
    (("יוסף מזרחי",), ("1990-01-01",), ()),
    (("Yosef Mizrahi",), ("1990-01-01",), ()),
    (("Ольга Щербакова",), (), ()),
    (("Olga Shcherbakova",), (), ()),
    (("Γιώργος Δημητρίου",), (), ()),
    (("Jamil Gamal Djaballah",), (), ()),
    (("Çelik Şahin",), (), ()),
    (("پرویز چنگیزی",), (), ()),
    (("ghulam haidar khan",), ("2001-07-01",), ()),
    (("O'Brien-Smith, Seán",), (), ()),
    (("ﻣﺤﻤﺪ\u200f ـــ علی",), (), ()),
    (("王小明",), ("1999-09-09",), (("id", "３１０１０１"),)),
    (("", "  - "), ("1999-09-09",), ()),
)


def vectors() -> dict[str, object]:
    """All vectors, in a stable order."""
    cases = [
        {
            "names": list(names),
            "birth_dates": list(dates),
            "documents": [list(document) for document in documents],
            "words": [keys.words_of(name) for name in names],
            "skeletons": [[list(keys.skeletons(word)) for word in keys.words_of(name)] for name in names],
            "record_keys": keys.record_keys(names, dates, documents),
            "question_keys": keys.question_keys(names, dates, documents),
        }
        for names, dates, documents in CASES
    ]
    return {"version": keys.VERSION, "cases": cases}


def tables() -> str:
    """The tables of the specification, as Markdown."""

    def rows(table: dict[str, tuple[str, ...]]) -> str:
        grouped: dict[tuple[str, ...], list[str]] = {}
        for letters, classes in table.items():
            grouped.setdefault(classes, []).append(letters)
        lines = ["| letters | class of a record | a question also tries |", "|---|---|---|"]
        for classes, letters in grouped.items():
            shown = [value or "(none)" for value in classes]
            lines.append(f"| `{' '.join(letters)}` | {shown[0]} | {', '.join(shown[1:])} |")
        return "\n".join(lines)

    named = (
        ("Groups (tried before single letters, the longest first)", keys.GROUPS),
        ("Latin", keys.LATIN),
        ("Arabic script", keys.ARABIC),
        ("Cyrillic", keys.CYRILLIC),
        ("Hebrew", keys.HEBREW),
        ("Greek", keys.GREEK),
    )
    parts = [f"#### {title}\n\n{rows(table)}" for title, table in named]
    parts.append("#### Words left out\n\n`" + " ".join(sorted(keys.DROPPED)) + "`")
    parts.append("#### Words joined to the one before\n\n`" + " ".join(sorted(keys.FAITH)) + "`")
    return "\n\n".join(parts)


def main() -> None:
    text = json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"
    (DOCS / "name-keys-vectors.json").write_text(text, encoding="utf-8")
    page = DOCS / "name-keys.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{len(CASES)} cases\n")


if __name__ == "__main__":
    main()
