"""What a client may be allowed: pure. Each scope names calls of the API, and the roles that its account needs for them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from tansiq.engine.errors import Refused, Rejected

SCOPES: dict[str, frozenset[str]] = {
    "check": frozenset({"analyst"}),
    "search": frozenset({"analyst"}),
    "desk": frozenset({"analyst"}),
    "dossiers": frozenset({"analyst"}),
    "drafts": frozenset({"analyst", "liaison"}),
    "register.read": frozenset({"analyst"}),
    "register.write": frozenset({"analyst"}),
}
"""Scope → roles of the account. None of them approves, oversees or administers: no machine does."""
MOST_PER_MINUTE = 60_000


def roles_for(scopes: Iterable[str]) -> list[str]:
    """The roles of an account with these scopes; raises Rejected("client.unknown_scope") or, for none, Rejected("client.no_scope")."""
    roles: set[str] = set()
    for scope in scopes:
        if scope not in SCOPES:
            raise Rejected("client.unknown_scope", at="/scopes", scope=scope[:40], known=sorted(SCOPES))
        roles |= SCOPES[scope]
    if not roles:
        raise Rejected("client.no_scope", at="/scopes", known=sorted(SCOPES))
    return sorted(roles)


def require_scope(scopes: Iterable[str], scope: str) -> None:
    """Raise Refused("client.scope") unless the client was given it."""
    if scope not in scopes:
        raise Refused("client.scope", scope=scope)


def require_address(url: str) -> None:
    """Raise Rejected("client.address") unless notices may go there: https, or http on this machine alone."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host or ""))
    if not host or not is_safe or parts.username or parts.fragment or len(url) > 300:
        raise Rejected("client.address", at="/url")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
