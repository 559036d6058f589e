"""What a reader said, as one value that tests can compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tansiq.engine.errors import Rejected


def outcome(read: Callable[[], Any]) -> tuple[str, Any]:
    """``("read", value)``, or ``(code, facts)`` of the ``Rejected`` it raised; any other exception passes."""
    try:
        return "read", read()
    except Rejected as refusal:
        return refusal.code, refusal.facts
