"""The relay at a terminal; it needs no node."""

from __future__ import annotations

from tansiq.relay.command import relay

COMMANDS = {"relay": relay}
