"""How django-allauth behaves here: accounts are made by an administrator of the node, never by a visitor."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class ClosedAccountAdapter(DefaultAccountAdapter):
    """No sign-up."""

    def is_open_for_signup(self, request: Any) -> bool:  # noqa: ARG002
        return False
