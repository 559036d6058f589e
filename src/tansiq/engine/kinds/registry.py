"""Every kind of dossier this software knows, in every version it ever opened one.

A kind version, once used, stays in the tree: dossiers live for years and are judged by the version that their opening
entry names. A new version is a new module (``request_v2.py``) and a new line here; golden vectors hold the old ones
still.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final, cast

from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.errors import Rejected

_MODULES: Final = {
    ("accord", 1): "accord",
    ("request", 1): "request",
    ("report", 1): "report",
    ("channel", 1): "channel",
    ("alert", 1): "alert",
    ("alert_hit", 1): "alert_hit",
    ("deconfliction", 1): "deconfliction",
    ("correspondence", 1): "correspondence",
}


@cache
def kind(name: str, version: int | None = None) -> Kind:
    """The kind of that name, in the latest version unless one is given; ``Rejected("kind.unknown")`` if we have it not.

    A node answers an unknown kind with *not understood* and keeps the entry; an upgrade may teach it later.
    """
    if version is None:
        version = max((known for other, known in _MODULES if other == name), default=0)
    module = _MODULES.get((name, version))
    if module is None:
        raise Rejected("kind.unknown", at="/opening/kind", kind=name, version=version)
    return cast("Kind", import_module(f"tansiq.engine.kinds.{module}").KIND)


def kinds() -> tuple[tuple[str, int], ...]:
    """The name and version of every kind known, sorted."""
    return tuple(sorted(_MODULES))
