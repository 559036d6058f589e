"""The key under which a row of somebody else's file is known here, whatever characters its own identifier has."""

from __future__ import annotations

import re
from typing import Final

from tansiq.engine.formats.ids import digest

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_LIST_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def row_key(identifier: str) -> str:
    """``identifier`` itself where it can stand in an entity's id, else a digest of it; never two for one."""
    return identifier if _PLAIN.fullmatch(identifier) else f"x.{digest(identifier.encode('utf-8'))[:40]}"


def is_list_key(text: str) -> bool:
    """Whether ``text`` can name a list: small letters, digits and hyphens, 40 at most."""
    return _LIST_KEY.fullmatch(text) is not None
