"""What each family of keys finds across scripts, and how many strangers it meets by chance among a million records.

    python -m bench.blind.families [--records 1000000] [--questions 2000] [--part test]

Questions are Arabic-script full names of the untouched part; each true record is a Latin spelling of the same person. The other records are
recombined from given names and surnames of the same population, so that rivals are as like as they come. Birth dates are drawn with the
spikes that registers have (``DATES``); the true record's date is written as the asker's or with a known habit (``HABITS``). Names are
real, dates are simulated: recall holds if both sides hold a date at all.

Document numbers are simulated (``NUMBERS``): a right number meets its own record and nobody else's; a mistyped one may be somebody else's, the
likelier the more of all numbers in use the register holds.

The table is a curve: *recall* and *strangers* of each family alone, and *so far* of it with all stronger ones of names together.
"""

from __future__ import annotations

import argparse
import json
import random
from array import array
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
from hijridate import Gregorian

from bench.matching.split import part_of, read_full_names
from bench.matching.tasks import FULL_NAMES
from tansiq.engine.blind.keys import FAMILIES, question_keys, record_keys
from tansiq.engine.names.keys import words_of

DATES = {"january": 0.08, "july": 0.02, "year": 0.05}
"""Shares of records dated 1 January, 1 July, or by year alone; the rest is uniform over 1945–2005."""
HABITS = {"same": 0.80, "swapped": 0.04, "january": 0.06, "year": 0.05, "hijri": 0.05}
"""How the true record writes the asker's date."""
NUMBERS = {"states": 20, "issued": 30_000_000, "mistyped": 0.01}
"""Documents in use: so many States with so many serial numbers each, and the share of questions with one digit wrong."""
FIRST, DAYS = date(1945, 1, 1), 60 * 365


def drawn(chooser: random.Random) -> str:
    """A birth date as a register holds it."""
    day = FIRST + timedelta(days=chooser.randrange(DAYS))
    share = chooser.random()
    for habit, form in (("january", "%Y-01-01"), ("july", "%Y-07-01"), ("year", "%Y")):
        share -= DATES[habit]
        if share < 0:
            return day.strftime(form)
    return day.isoformat()


def written(day: date, chooser: random.Random) -> str:
    """The asker's date as the true record writes it."""
    habit = chooser.choices(list(HABITS), list(HABITS.values()))[0]
    if habit == "swapped":
        return f"{day.year:04}-{day.day:02}-{day.month:02}" if day.day <= 12 else day.isoformat()
    if habit == "january":
        return f"{day.year:04}-01-01"
    if habit == "year":
        return f"{day.year:04}"
    if habit == "hijri":
        lunar = Gregorian(day.year, day.month, day.day).to_hijri()
        return f"{lunar.year:04}-{lunar.month:02}-{lunar.day:02}"
    return day.isoformat()


def digest(key: str) -> int:
    """A key as a number: collisions of 64 bits do not matter here."""
    return hash(key)


def gallery(records: int, chooser: random.Random) -> dict[str, Counter[int]]:
    """For each family, how many records each key stands for."""
    latin = [row.latin for row in read_full_names(FULL_NAMES)]
    firsts = [name.split()[0] for name in latin if len(name.split()) > 1]
    lasts = [" ".join(name.split()[1:]) for name in latin if len(name.split()) > 1]
    found = {family: array("q") for family in FAMILIES}
    for _ in range(records):
        name = f"{chooser.choice(firsts)} {chooser.choice(lasts)}"
        for family, keys in record_keys([name], [drawn(chooser)]).items():
            found[family].extend(map(digest, keys))
    counted: dict[str, Counter[int]] = {}
    for family, keys in found.items():
        values, counts = np.unique(np.frombuffer(keys, dtype=np.int64), return_counts=True)
        counted[family] = Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    return counted


def numbers(records: int, questions: int) -> tuple[float, float]:
    """Recall and strangers a question of a document's number."""
    drawn, issued = np.random.default_rng(17), NUMBERS["states"] * NUMBERS["issued"]
    held = np.unique(drawn.integers(0, issued, records))
    asked = drawn.choice(held, questions)
    state, serial = asked // NUMBERS["issued"], asked % NUMBERS["issued"]
    place = 10 ** drawn.integers(0, 8, questions)
    wrong = (serial // place % 10 + drawn.integers(1, 10, questions)) % 10
    typed = np.where(
        drawn.random(questions) < NUMBERS["mistyped"], serial + (wrong - serial // place % 10) * place, serial
    )
    is_issued = typed < NUMBERS["issued"]
    known = np.isin(state * NUMBERS["issued"] + typed, held) & is_issued
    is_right = typed == serial
    return float(is_right.mean()), float((known & ~is_right).mean())


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=2000)
    parser.add_argument("--part", choices=("dev", "test"), default="test")
    given = parser.parse_args()
    chooser = random.Random(17)
    known = gallery(given.records, chooser)
    rows = [r for r in read_full_names(FULL_NAMES) if part_of(r.key) == given.part and len(words_of(r.key)) > 1]
    rows = chooser.sample(rows, min(given.questions, len(rows)))
    hits, strangers, asked, so_far = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        day = FIRST + timedelta(days=chooser.randrange(DAYS))
        question = question_keys([row.key], [day.isoformat()])
        record = record_keys([row.latin], [written(day, chooser)])
        for family, keys in question.items():
            asked[family] += len(keys)
            hits[family] += bool(set(keys) & set(record.get(family, ())))
            strangers[family] += _met(known[family], keys)
        is_met = False
        for family in FAMILIES:
            is_met = is_met or bool(set(question.get(family, ())) & set(record.get(family, ())))
            so_far[family] += is_met
    print(
        f"{len(rows)} questions, {given.records} records, part {given.part}, dates {json.dumps(DATES)}, habits {json.dumps(HABITS)}"
    )
    print(f"numbers {json.dumps(NUMBERS)}")
    print(
        f"{'family':12} {'recall':>8} {'strangers/question':>20} {'keys/question':>14} {'recall so far':>14} {'strangers so far':>17}"
    )
    found, met = numbers(given.records, 2_000_000)
    print(f"{'identifier':12} {found:8.3f} {met:20.6f} {1:14.1f}")
    count, sum_so_far = len(rows), 0.0
    for family in FAMILIES:
        if asked[family]:
            sum_so_far += strangers[family] / count
            line = f"{hits[family] / count:8.3f} {strangers[family] / count:20.4f} {asked[family] / count:14.1f}"
            print(f"{family:12} {line} {so_far[family] / count:14.3f} {sum_so_far:17.4f}")


def _met(known: Counter[int], keys: Iterable[str]) -> int:
    """Records met, counted once for each key: an upper bound, since one record may meet under two."""
    return sum(known[digest(key)] for key in keys)


if __name__ == "__main__":
    main()
