"""The matcher at a terminal; it needs no node."""

from __future__ import annotations

from tansiq.engine.matching.command import match
from tansiq.linkage.command import dedupe_command, link_command

match.add_command(link_command)
match.add_command(dedupe_command)
COMMANDS = {"match": match}
