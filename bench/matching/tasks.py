"""The tasks: galleries and questions, made from the shared data with fixed seeds (definitions: docs/matching.md)."""

from __future__ import annotations

import csv
import random
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass

from bench.matching.split import SHARED, part_of, read_full_names, word_part
from tansiq.engine.names import Script, fold, script_of

FULL_NAMES = SHARED / "data/names/train/wikidata_full_names.tsv"
REGIONS = {"mashriq": 400, "maghreb": 300, "iran": 200, "pakistan": 100}


@dataclass(frozen=True)
class Task:
    """Names to be found in (``gallery``: id → spellings are separate rows) and questions with the ids that are
    right.
    """

    name: str
    gallery: list[tuple[str, str]]
    questions: list[tuple[str, frozenset[str], str]]


def _region(country: str) -> str:
    from bench.matching.split import habit_of

    return habit_of(country)


def distractors() -> list[str]:
    """Latin names of other people: the OFAC list and the synthetic negatives, in file order."""
    names: list[str] = []
    with (SHARED / "data/lists/ofac_sdn_2023.csv").open(encoding="utf-8", errors="replace", newline="") as stream:
        names += [row[1] for row in csv.reader(stream) if len(row) > 2 and "individual" in row[2]]
    with (SHARED / "data/names/gallery/negatives_global.csv").open(encoding="utf-8", newline="") as stream:
        names += [row["full_name"] for row in csv.DictReader(stream)]
    return [name for name in names if script_of(name) is Script.LATIN]


def wikidata(part: str = "dev", size: int = 100_000, seed: int = 11) -> Task:
    """Arabic-script full names of one part against ``size`` Latin names; any spelling of the key is right."""
    spellings: dict[str, list[str]] = defaultdict(list)
    regions: dict[str, str] = {}
    for row in read_full_names(FULL_NAMES):
        if script_of(row.latin) is Script.LATIN:
            spellings[row.key].append(row.latin)
            regions.setdefault(row.key, _region(row.country))
    rows = [(f"k{number}:{i}", latin) for number, key in enumerate(spellings) for i, latin in enumerate(spellings[key])]
    numbers = {key: number for number, key in enumerate(spellings)}
    rows += [(f"d{i}", name) for i, name in enumerate(distractors())]
    chooser = random.Random(seed)
    keys = sorted(key for key in spellings if part_of(key) == part and len(fold(key).split()) > 1)
    chooser.shuffle(keys)
    questions = []
    for region, wanted in REGIONS.items():
        chosen = [key for key in keys if regions[key] == region][:wanted]
        questions += [
            (key, frozenset(f"k{numbers[key]}:{i}" for i in range(len(spellings[key]))), region) for key in chosen
        ]
    return Task(f"wd-{part}", rows[:size], questions)


def grown(task: Task, size: int, seed: int = 12) -> Task:
    """The same questions against ``size`` names: given name × surname recombined within one population."""
    chooser = random.Random(seed)
    given: dict[str, list[str]] = defaultdict(list)
    family: dict[str, list[str]] = defaultdict(list)
    seen = set()
    for row in read_full_names(FULL_NAMES):
        parts = row.latin.split()
        seen.add(row.latin.lower())
        if len(parts) > 1:
            given[_region(row.country)].append(" ".join(parts[:-1]) if len(parts) == 2 else parts[0])
            family[_region(row.country)].append(" ".join(parts[1:]))
    regions = sorted(given)
    weights = [len(given[region]) for region in regions]
    gallery = list(task.gallery)
    while len(gallery) < size:
        region = chooser.choices(regions, weights)[0]
        name = f"{chooser.choice(given[region])} {chooser.choice(family[region])}"
        if name.lower() not in seen:
            gallery.append((f"s{len(gallery)}", name))
    return Task(f"{task.name}-{size}", gallery, task.questions)


def latin(part: str = "dev", seed: int = 14) -> Task:
    """One Latin spelling of an Arabic name asked; its other spellings, in the 100,000-name gallery, are right."""
    base = wikidata(part)
    spellings: dict[str, list[str]] = defaultdict(list)
    for row in read_full_names(FULL_NAMES):
        if script_of(row.latin) is Script.LATIN:
            spellings[row.key].append(row.latin)
    chooser, questions, asked = random.Random(seed), [], set()
    for number, (key, listed) in enumerate(spellings.items()):
        if part_of(key) != part or len({fold(text) for text in listed}) < 2 or len(fold(key).split()) < 2:
            continue
        own = chooser.choice(listed)
        right = frozenset(f"k{number}:{i}" for i, text in enumerate(listed) if fold(text) != fold(own))
        asked.update(f"k{number}:{i}" for i, text in enumerate(listed) if fold(text) == fold(own))
        questions.append((own, right, "latin"))
    gallery = [row for row in base.gallery if row[0] not in asked]
    return Task(f"latin-{part}", gallery, questions)


def united_nations(size: int = 100_000) -> Task:
    """UN individuals in original script against their Latin names and aliases among the Wikidata gallery."""
    gallery: list[tuple[str, str]] = []
    questions = []
    tree = ET.parse(SHARED / "data/lists/un_consolidated.xml")
    for person in tree.iter("INDIVIDUAL"):
        number = person.findtext("DATAID", "")
        parts = [person.findtext(f"{order}_NAME", "") or "" for order in ("FIRST", "SECOND", "THIRD", "FOURTH")]
        names = [" ".join(part.strip() for part in parts if part.strip())]
        names += [(alias.findtext("ALIAS_NAME") or "").strip() for alias in person.iter("INDIVIDUAL_ALIAS")]
        latin = [name for name in names if name and script_of(name) is Script.LATIN]
        ids = [f"u{number}:{i}" for i in range(len(latin))]
        gallery += list(zip(ids, latin, strict=True))
        original = (person.findtext("NAME_ORIGINAL_SCRIPT") or "").strip()
        if script_of(original) is Script.ARABIC and ids:
            questions.append((original, frozenset(ids), "un"))
    return Task("un", gallery + wikidata(size=size).gallery, questions)


def tokens(part: str = "dev", wanted: int = 1000) -> Task:
    """Single Arabic words unseen in training against every distinct Latin word of the token sets and full names."""
    from tansiq.engine.names import read_name

    seen: set[str] = set()
    pairs: dict[str, set[str]] = defaultdict(set)
    words: set[str] = set()
    for row in read_full_names(FULL_NAMES):
        left, right = read_name(row.key).core, read_name(row.latin).core
        words.update(word.letters for word in right if word.script is Script.LATIN)
        inside = part_of(row.key)
        if inside == "train":
            seen.update(word.letters for word in left)
        if len(left) == len(right):
            for a, b in zip(left, right, strict=True):
                if inside == part and a.script is Script.ARABIC and b.script is Script.LATIN:
                    pairs[a.letters].add(b.letters)
    for name in ("wd_arabic_80.tsv",):
        for line in (SHARED / "data/names/train" / name).read_text(encoding="utf-8").splitlines():
            latin, letters, _ = line.split("\t")
            seen.add(fold(letters.replace(" ", "")))
            words.add(fold(latin))
    chooser = random.Random(13)
    unseen = sorted(word for word in pairs if word not in seen and len(word) > 2)
    chooser.shuffle(unseen)
    listed = sorted(word for word in words if word.isascii() and " " not in word and len(word) > 1)
    numbers = {word: f"t{i}" for i, word in enumerate(listed)}
    questions = [
        (word, frozenset(numbers[w] for w in pairs[word] if w in numbers), "token")
        for word in unseen
        if any(w in numbers for w in pairs[word])
    ]
    return Task(f"tokens-{part}", [(numbers[word], word) for word in listed], questions[:wanted])


WORD_FILES = {"arabic": "wd_arabic_80.tsv", "russian": "wd_russian_80.tsv", "hebrew": "wd_hebrew_80.tsv"}


def _spellings(language: str) -> dict[str, dict[str, float]]:
    """Each word of the token sets with its Latin spellings and how often each was met."""
    folder = SHARED / "data/names/train"
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for line in (folder / WORD_FILES[language]).read_text(encoding="utf-8").splitlines():
        latin, letters, count = line.split("\t")
        found[fold(letters.replace(" ", ""))][fold(latin).replace(" ", "")] = float(count)
    if language == "arabic":
        for line in (folder / "ar2en-train.txt").read_text(encoding="utf-8").splitlines():
            arabic, _, latin = line.partition("\t")
            found[fold(arabic)].setdefault(fold(latin), 1.0)
    return {word: listed for word, listed in found.items() if len(word) > 1 and " " not in word and listed}


def words(language: str, part: str = "dev", wanted: int = 1000) -> Task:
    """Single words that ``tools/train_names.py --unseen`` leaves out, against every Latin word of the same sets; as in the
    definition of ANETAC's task any spelling that the set gives for the word is right.
    """
    spellings = _spellings(language)
    listed = sorted({latin for of in spellings.values() for latin in of if latin.isascii() and len(latin) > 1})
    numbers = {latin: f"t{number}" for number, latin in enumerate(listed)}
    asked = sorted(
        word for word, of in spellings.items() if word_part(word) == part and any(latin in numbers for latin in of)
    )
    random.Random(15).shuffle(asked)
    questions = [
        (word, frozenset(numbers[latin] for latin in spellings[word] if latin in numbers), language)
        for word in asked[:wanted]
    ]
    return Task(f"words-{language}-{part}", [(number, latin) for latin, number in numbers.items()], questions)


def composed(language: str, part: str = "dev", wanted: int = 1000) -> Task:
    """Full names of two or three words, put together from words left out of training, among the Latin gallery and three
    rivals each that share all words but one.
    """
    spellings, chooser = _spellings(language), random.Random(16)
    every = sorted(spellings)
    own = [word for word in every if word_part(word) == part]
    gallery, questions = list(wikidata(part).gallery), []

    def latin(word: str) -> str:
        return chooser.choices(list(spellings[word]), list(spellings[word].values()))[0]

    for number in range(wanted):
        chosen = chooser.sample(own, 2 + (number % 3 == 0))
        questions.append((" ".join(chosen).title(), frozenset({f"f{number}"}), language))
        gallery.append((f"f{number}", " ".join(map(latin, chosen)).title()))
        for rival in range(3):
            other = list(chosen)
            other[chooser.randrange(len(other))] = chooser.choice(every)
            gallery.append((f"f{number}r{rival}", " ".join(map(latin, other)).title()))
    return Task(f"names-{language}-{part}", gallery, questions)
