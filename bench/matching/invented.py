"""Invented registers with known truth: names made of syllables, common ones common; slips of the pen, moves, omissions.

    python -m bench.matching.invented --size 1000000 --out DIR

Writes ``a.csv`` and ``b.csv``; half of the records of ``b`` are people of ``a`` (``b17`` is ``a17``), the rest are others of the same
population. Nobody in them exists.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

COLUMNS = ("id", "given_name", "surname", "birth_date", "street", "postcode", "city")
_OPEN = ("ba", "be", "da", "do", "fa", "ga", "ha", "ja", "ka", "la", "ma", "na", "ra", "sa", "ta", "wa", "ya", "za")
_CLOSED = (
    "bir",
    "dal",
    "far",
    "gan",
    "hil",
    "jan",
    "kel",
    "lim",
    "mor",
    "nat",
    "ros",
    "sul",
    "tam",
    "wad",
    "yun",
    "zer",
)
_KINDS = ("street", "road", "lane", "avenue", "square", "quay")
_SIGNS = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"


def _words(count: int, syllables: tuple[int, int], chooser: np.random.Generator) -> list[str]:
    """Distinct words."""
    found: dict[str, None] = {}
    while len(found) < count:
        size = int(chooser.integers(syllables[0], syllables[1] + 1))
        parts = [
            _OPEN[chooser.integers(len(_OPEN))] if chooser.random() < 0.6 else _CLOSED[chooser.integers(len(_CLOSED))]
            for _ in range(size)
        ]
        found["".join(parts)] = None
    return list(found)


def _zipf(count: int, power: float, size: int, chooser: np.random.Generator) -> np.ndarray:
    """Places in a list of which the first are common."""
    shares = 1.0 / np.arange(3, count + 3) ** power
    return np.searchsorted(np.cumsum(shares / shares.sum()), chooser.random(size)).clip(max=count - 1)


def _slip(text: str, chooser: np.random.Generator, signs: str) -> str:
    """One sign replaced, left out, added, or exchanged with its neighbour."""
    if not text:
        return text
    place, kind, sign = int(chooser.integers(len(text))), int(chooser.integers(4)), signs[chooser.integers(len(signs))]
    if kind == 0:
        return text[:place] + sign + text[place + 1 :]
    if kind == 1 and len(text) > 1:
        return text[:place] + text[place + 1 :]
    if kind == 2:
        return text[:place] + sign + text[place:]
    return text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]


class People:
    """A population from which records are drawn."""

    def __init__(self, size: int, seed: int) -> None:
        chooser = self.chooser = np.random.default_rng(seed)
        self.given = _words(min(4000, 200 + size // 20), (2, 3), chooser)
        self.family = _words(min(60000, 500 + size // 4), (2, 4), chooser)
        streets = _words(min(20000, 100 + size // 20), (2, 3), chooser)
        self.streets = [f"{name} {_KINDS[i % len(_KINDS)]}" for i, name in enumerate(streets)]
        self.cities = _words(500, (2, 3), chooser)

    def draw(self, size: int) -> list[list[str]]:
        """True records without ids."""
        chooser = self.chooser
        given, family = _zipf(len(self.given), 0.9, size, chooser), _zipf(len(self.family), 0.8, size, chooser)
        streets, numbers = chooser.integers(len(self.streets), size=size), chooser.integers(1, 180, size=size)
        cities, parts = _zipf(len(self.cities), 0.9, size, chooser), chooser.integers(0, 20, size=size)
        days = np.datetime64("1940-01-01") + chooser.integers(0, 25_500, size=size)
        born = days.astype(str)
        return [
            [self.given[g], self.family[f], d, f"{n} {self.streets[s]}", f"{10000 + 20 * c + p}", self.cities[c]]
            for g, f, d, n, s, c, p in zip(given, family, born, numbers, streets, cities, parts, strict=True)
        ]

    def spoil(self, row: list[str], elsewhere: list[str]) -> list[str]:
        """The same person as another register has them."""
        dice = self.chooser.random(14)
        given, family, born, street, postcode, city = row
        if dice[0] < 0.18:
            street, postcode, city = elsewhere[3:]
        given = _slip(given, self.chooser, _SIGNS) if dice[1] < 0.10 else given
        family = _slip(family, self.chooser, _SIGNS) if dice[2] < 0.12 else family
        street = _slip(street, self.chooser, _SIGNS) if dice[3] < 0.15 else street
        postcode = _slip(postcode, self.chooser, _DIGITS) if dice[4] < 0.05 else postcode
        city = _slip(city, self.chooser, _SIGNS) if dice[5] < 0.05 else city
        if dice[6] < 0.015:
            born = f"{born[:5]}{born[8:]}-{born[5:7]}" if born[8:] <= "12" else born
        elif dice[6] < 0.045:
            born = born[:8] + f"{int(self.chooser.integers(1, 29)):02}"
        elif dice[6] < 0.06:
            born = f"{born[:4]}-01-01"
        if dice[7] < 0.02:
            given, family = family, given
        if dice[8] < 0.03:
            given = given[:1]
        row = [given, family, born, street, postcode, city]
        return [
            "" if d < share else value
            for value, d, share in zip(row, dice[8:], (0.0, 0.01, 0.06, 0.08, 0.06, 0.05), strict=True)
        ]


def write(size: int, folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Two registers of ``size`` records each; returns their files."""
    people = People(size, seed)
    folder.mkdir(parents=True, exist_ok=True)
    truth, others = people.draw(size), people.draw(size)
    order = people.chooser.permutation(size)
    with (folder / "a.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(COLUMNS)
        out.writerows([f"a{i}", *row] for i, row in enumerate(truth))
    with (folder / "b.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(COLUMNS)
        for i in order.tolist():
            row = truth[i] if i < size // 2 else others[i]
            out.writerow([f"b{i}", *people.spoil(row, others[(i + 7) % size])])
    return folder / "a.csv", folder / "b.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    print(*write(options.size, options.out))


if __name__ == "__main__":
    main()
