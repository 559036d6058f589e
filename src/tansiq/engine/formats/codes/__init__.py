"""The field's closed lists of codes, as versioned data with labels in five languages.

One JSON file per list stands beside this module: ``<name>.json`` is the version in use; a superseded version stays in
the tree as ``<name>@<version>.json``, because dossiers pin their lists by digest and must stay readable. A list says
where it comes from (``source``) and how sure we are (``marked``: "looked_up", or "general_knowledge", which screens
show); an entry may carry a ``marked`` of its own where it is surer than its list. The digest of a list is SHA-256 over
the canonical JSON of its file, so white space and order of keys are nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.formats import canonical, strict_json
from tansiq.engine.formats.ids import LANGUAGES
from tansiq.engine.formats.json_values import JsonValue, shown

__all__ = ["LIST_NAMES", "CodeList", "Entry", "code_list", "pinned_code_list"]

_FOLDER: Final = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")

LIST_NAMES: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.json") if "@" not in path.stem))
"""The names of all lists in use."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One code with its labels by language and whatever else its list says about it (``facts``: rank, article, …)."""

    code: str
    labels: Mapping[str, str]
    facts: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class CodeList:
    """One version of one closed list; ``entries`` stand in the order in which a form offers them."""

    name: str
    version: str
    source: str
    marked: str
    entries: tuple[Entry, ...]
    digest: str
    by_code: Mapping[str, Entry]

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and code in self.by_code

    def codes(self) -> tuple[str, ...]:
        """All codes, in order."""
        return tuple(self.by_code)

    def require(self, code: object, *, at: str = "") -> str:
        """``code`` if it is in the list, else ``Rejected("codes.unknown_code", at=, list=, code=)``."""
        if isinstance(code, str) and code in self.by_code:
            return code
        raise Rejected("codes.unknown_code", at=at, list=self.name, code=_shown(code))

    def entry(self, code: str, *, at: str = "") -> Entry:
        """The entry of ``code``; refused as by ``require`` when there is none."""
        return self.by_code[self.require(code, at=at)]

    def label(self, code: str, language: str) -> str:
        """The label of ``code`` in ``language``, in English for a language that we do not speak."""
        labels = self.entry(code).labels
        return labels.get(language, labels["en"])


@cache
def code_list(name: str) -> CodeList:
    """The list ``name`` in its present version; ``Rejected("codes.unknown_list")`` when there is none."""
    if not _NAME.fullmatch(name) or not (_FOLDER / f"{name}.json").is_file():
        raise Rejected("codes.unknown_list", at="", list=shown(name))
    return _read(_FOLDER / f"{name}.json")


@lru_cache(maxsize=256)
def pinned_code_list(name: str, digest: str) -> CodeList:
    """The version of list ``name`` that has this digest, present or past.

    Raises ``Rejected("codes.unknown_version", at=, list=, digest=)``: the dossier was opened with a list that this
    version of Tansiq does not carry.
    """
    present = code_list(name)
    if present.digest == digest:
        return present
    for path in sorted(_FOLDER.glob(f"{name}@*.json")):
        past = _read(path)
        if past.digest == digest:
            return past
    raise Rejected("codes.unknown_version", at="", list=name, digest=shown(digest))


def _read(path: Path) -> CodeList:
    try:
        return read_code_list(path.read_bytes())
    except (Rejected, KeyError, TypeError, ValueError) as error:
        raise Corrupt("codes.damaged_list", list=path.stem) from error


def read_code_list(raw: bytes) -> CodeList:
    """The list that a file writes; ``Rejected``, ``KeyError``, ``TypeError`` or ``ValueError`` if it is damaged."""
    value = strict_json.loads(raw)
    if not isinstance(value, dict) or not isinstance(value["entries"], list):
        raise TypeError("a code list is an object with a list of entries")
    entries = tuple(_entry(item) for item in value["entries"])
    by_code = {entry.code: entry for entry in entries}
    if len(by_code) != len(entries):
        raise ValueError("a code occurs twice")
    return CodeList(
        name=_text(value["name"]),
        version=_text(value["version"]),
        source=_text(value["source"]),
        marked=_text(value["marked"]),
        entries=entries,
        digest=canonical.digest(value),
        by_code=MappingProxyType(by_code),
    )


def _entry(item: JsonValue) -> Entry:
    if not isinstance(item, dict) or not isinstance(item["labels"], dict):
        raise TypeError("an entry is an object with labels")
    labels = {language: _text(item["labels"][language]) for language in LANGUAGES}
    facts = {name: value for name, value in item.items() if name not in ("code", "labels")}
    return Entry(_text(item["code"]), MappingProxyType(labels), MappingProxyType(facts))


def _text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError("text that is not empty was expected")
    return value


def _shown(code: object) -> str:
    return shown(code) if isinstance(code, str) else type(code).__name__
