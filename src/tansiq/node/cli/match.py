"""The matcher at a terminal; it needs no node."""

from __future__ import annotations

from tansiq.engine.matching.command import match

COMMANDS = {"match": match}
