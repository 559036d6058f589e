"""Countries as sources write them, as the codes that FollowTheMoney uses (ISO 3166-1 in lower case, and a few more).

The names come from rigour's table of territories (many languages, former names, demonyms), imported when first asked.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_REMARK = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*")
_SEPARATOR = re.compile(r"\s*/\s*(?:or\s+)?|\s*;\s*")
_TRAILING = re.compile(r"\s+(?:passport|nationality|citizenship|citizen|by birth)$", re.IGNORECASE)
_LABEL = re.compile(r"^[^:]{2,40}:\s*")
_UNKNOWN: Final = frozenset({"unknown", "n/a", "na", "none", "not known", "unspecified"})
_SHORTEST_NAME: Final = 4


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The code for a code or a name of one country, or None.

    ``NA`` and ``na`` are Namibia here: somebody chose a code.
    """
    from rigour.territories import lookup_territory

    squashed = " ".join(text.split())
    territory = lookup_territory(squashed) if squashed else None
    return None if territory is None else territory.ftm_country


@lru_cache(maxsize=4096)
def countries_named(text: str) -> tuple[str, ...] | None:
    """The codes of the countries that free text in a list names, in order; None where any of it is not understood.

    Lists write ``na`` for "not available", ``A/B`` for "one of the two", and remarks in brackets. Two or three letters
    are therefore no name, except three capitals (UAE); text that says "unknown" names no country and is understood.
    """
    squashed = _LABEL.sub("", _REMARK.sub(" ", " ".join(text.split())).strip())
    codes: dict[str, None] = {}
    for name in _SEPARATOR.split(squashed):
        if not name or name.casefold() in _UNKNOWN:
            continue
        short = len(name) < _SHORTEST_NAME
        code = None if short and (len(name) < 3 or not name.isupper()) else country_code(_TRAILING.sub("", name))
        if code is None:
            return None
        codes[code] = None
    return tuple(codes)
