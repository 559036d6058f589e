"""What a role may do at all; which records an officer may see is each room's own ``policy``.

Pure: an officer's roles in, yes or no out. Every page, API call and command asks here.
"""

from __future__ import annotations

from collections.abc import Iterable

from tansiq.engine.errors import Refused

MAY: dict[str, frozenset[str]] = {
    "search": frozenset({"liaison", "analyst", "prosecutor", "duty"}),
    "act": frozenset({"liaison", "prosecutor", "duty", "approver", "senior"}),
    "plan": frozenset({"liaison", "prosecutor", "duty", "approver", "senior"}),
    "scans": frozenset({"liaison", "prosecutor", "duty", "approver", "senior", "auditor", "data_protection"}),
    "draft": frozenset({"liaison", "analyst", "prosecutor", "duty", "senior"}),
    "approve": frozenset({"approver", "prosecutor", "senior"}),
    "register": frozenset({"liaison", "analyst", "duty"}),
    "import": frozenset({"analyst", "liaison"}),
    "export": frozenset({"analyst", "liaison", "prosecutor"}),
    "print": frozenset({"analyst", "approver", "data_protection", "duty", "liaison", "prosecutor"}),
    "end_exercise": frozenset({"approver", "data_protection"}),
    "accords": frozenset({"approver", "programme"}),
    "partners": frozenset({"administrator", "approver"}),
    "roster": frozenset({"approver", "administrator", "senior"}),
    "statistics": frozenset(
        {"liaison", "analyst", "prosecutor", "duty", "approver", "senior", "programme", "data_protection", "auditor"}
    ),
    "review": frozenset({"data_protection"}),
    "claims": frozenset({"data_protection"}),
    "audit": frozenset({"auditor", "data_protection"}),
    "quarantine": frozenset({"data_protection"}),
    "administer": frozenset({"administrator"}),
}


def may(roles: Iterable[str], what: str) -> bool:
    """Whether any of ``roles`` allows ``what`` (a key of :data:`MAY`)."""
    return bool(MAY[what] & set(roles))


def require(roles: Iterable[str], what: str) -> None:
    """Raise Refused("account.role") naming the roles that would be needed."""
    if not may(roles, what):
        raise Refused("account.role", what=what, roles=sorted(MAY[what]))
