"""How django-allauth behaves here: accounts are made by an administrator of the node, never by a visitor."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings


class ClosedAccountAdapter(DefaultAccountAdapter):
    """No sign-up."""

    def is_open_for_signup(self, request: Any) -> bool:  # noqa: ARG002
        return False


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]
    """The node's own name, where a security key or an authenticator app shows whom it belongs to."""

    def _get_site_name(self) -> str:
        return f"Tansiq {settings.NODE.node_id}"
