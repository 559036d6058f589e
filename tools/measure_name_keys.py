"""Recall of the name keys on a part of the Wikidata full names, both directions (docs/protocol/name-keys.md §5).

nice python -m tools.measure_name_keys [--part dev]
"""

from __future__ import annotations

import argparse

from bench.matching.split import part_of, read_full_names
from bench.matching.tasks import FULL_NAMES
from tansiq.engine.names.keys import question_keys, record_keys, words_of

DATE = ("1980-02-03",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    part = parser.parse_args().part
    rows = [row for row in read_full_names(FULL_NAMES) if part_of(row.key) == part and len(words_of(row.key)) > 1]
    for title, turned in (("Arabic to Latin", False), ("Latin to Arabic", True)):
        pair = token = asked = 0
        for row in rows:
            left, right = (row.latin, row.key) if turned else (row.key, row.latin)
            question = set(question_keys([left], DATE))
            common = question & set(record_keys([right], DATE))
            asked += len(question)
            pair += any("|pair|" in key for key in common)
            token += any("|tok|" in key for key in common)
        print(
            f"{title}: {len(rows)} names, pair {pair / len(rows):.3f}, tok {token / len(rows):.3f}, {asked / len(rows):.1f} keys"
        )


if __name__ == "__main__":
    main()
