"""Entities as statements with provenance: what sources say about persons, organisations and things.

``statements`` is the heart: one source says one value. ``values`` cleans it, ``assembly`` shows what all say together,
``content`` carries a subject inside a part, ``lists`` reads public lists. ``model`` is FollowTheMoney's, loaded when
first needed.
"""

from tansiq.engine.entities.assembly import Entity, assemble
from tansiq.engine.entities.content import read_content, write_content
from tansiq.engine.entities.dates import is_vague, plain_dates
from tansiq.engine.entities.model import model
from tansiq.engine.entities.packing import number_of, pack, unpack
from tansiq.engine.entities.statements import Difference, Grading, Provenance, Statement, claim, diff, rebase

__all__ = [
    "Difference",
    "Entity",
    "Grading",
    "Provenance",
    "Statement",
    "assemble",
    "claim",
    "diff",
    "is_vague",
    "model",
    "number_of",
    "pack",
    "plain_dates",
    "read_content",
    "rebase",
    "unpack",
    "write_content",
]
