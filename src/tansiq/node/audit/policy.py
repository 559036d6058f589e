"""Who may read the logs: pure, roles in, yes or no out."""

from __future__ import annotations

from collections.abc import Iterable

from tansiq.engine.errors import Refused

READERS = frozenset({"auditor", "data_protection"})


def may_read(roles: Iterable[str]) -> bool:
    """Whether one of ``roles`` may read both logs with their facts."""
    return bool(READERS & set(roles))


def require_reader(roles: Iterable[str]) -> None:
    """Raises ``Refused("audit.not_a_reader")`` naming the roles that would be needed."""
    if not may_read(roles):
        raise Refused("audit.not_a_reader", roles=sorted(READERS))
