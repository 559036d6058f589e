"""What schemata and properties are called on a screen, in the five languages, without loading any model.

``labels.json`` holds the schemata that officers meet and the properties that subjects have. Whatever is not in it
(FollowTheMoney has some 900 properties) is shown under its own name, readable if not beautiful.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from tansiq.engine.formats import strict_json

_FILE: Final = Path(__file__).with_suffix(".json")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=1)
def _labels() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return cast("Mapping[str, Mapping[str, Mapping[str, str]]]", strict_json.loads(_FILE.read_bytes()))


def schema_label(schema: str, language: str) -> str:
    """What a schema is called in ``language``."""
    return _label("schemata", schema, language)


def property_label(prop: str, language: str) -> str:
    """What a property is called in ``language``."""
    return _label("properties", prop, language)


def labelled_schemata() -> tuple[str, ...]:
    """The schemata that officers are offered, in the order in which they are offered."""
    return tuple(_labels()["schemata"])


def _label(group: str, name: str, language: str) -> str:
    known = _labels()[group].get(name)
    return known[language] if known else _HUMPS.sub(" ", name).lower().capitalize()
