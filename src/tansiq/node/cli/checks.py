"""What a node refuses to start with: settings that would quietly make it unsafe."""

from __future__ import annotations

from typing import Any

from tansiq.engine.errors import Refused

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def refuse_unsafe(node: Any) -> None:
    """Raise Refused("settings.unsafe") naming the setting and the rule."""
    home = node.home
    if not node.https and node.host not in LOOPBACK:
        raise Refused(
            "settings.unsafe", at="host", rule="without TLS before it (https = true) a node listens on loopback only"
        )
    for name in ("secrets.age", "node.toml", "django-secret"):
        path = home / name
        if path.exists() and path.stat().st_mode & 0o077:
            raise Refused("settings.unsafe", at=str(path), rule="readable by its owner only (chmod 600)")
    if not node.demo and (home / "root-key.age").exists() and node.https:
        raise Refused("settings.unsafe", at=str(home / "root-key.age"), rule="the root key is kept off this machine")
