"""The FollowTheMoney model with the schemata it lacks, loaded once and only when somebody needs it.

Importing FollowTheMoney takes two to three seconds (it brings SQLAlchemy and pydantic models of data set catalogues
with it), so no module of this package imports it at its top: what needs a schema asks ``model()``. Reading a list,
keeping statements and comparing two sets of them do without.

The missing schemata stand in ``schemata/*.yaml`` in FollowTheMoney's own form and are loaded into its one model, so
that everything of that library (proxies, mappings, graph, export) knows them too.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from tansiq.engine.errors import Rejected

if TYPE_CHECKING:
    from followthemoney import Model, Property, Schema

SCHEMATA: Final = Path(__file__).parent / "schemata"

_loading = Lock()
_model: Model | None = None


def model() -> Model:
    """The FollowTheMoney model with our schemata in it; the first call takes seconds, every later one nothing."""
    global _model  # noqa: PLW0603 - the library's own model is one per process, and so is the knowledge that it is extended
    with _loading:
        if _model is None:
            from followthemoney import model as theirs

            for path in sorted(SCHEMATA.glob("*.yaml")):
                theirs._load(str(path))
            theirs.generate()
            _model = theirs
    return _model


def require_schema(name: str, *, at: str = "") -> Schema:
    """The schema ``name`` that entities can have; raises Rejected("entity.unknown_schema") for any other text."""
    schema = model().get(name)
    if schema is None or schema.abstract or schema.deprecated:
        raise Rejected("entity.unknown_schema", at=at, schema=name[:60])
    return schema


@lru_cache(maxsize=4096)
def property_of(schema: str, prop: str) -> Property | None:
    """The property ``prop`` that a value of ``schema`` can be put in.

    None where there is none (or only a reverse one).
    """
    found = model().get(schema)
    described = None if found is None else found.get(prop)
    return None if described is None or described.stub else described


def require_property(schema: str, prop: str, *, at: str = "") -> Property:
    """The property of the schema; raises Rejected("entity.unknown_schema") or Rejected("entity.unknown_property")."""
    require_schema(schema, at=at)
    described = property_of(schema, prop)
    if described is None:
        raise Rejected("entity.unknown_property", at=at, schema=schema, property=prop[:60])
    return described


def more_specific(left: str, right: str, *, at: str = "") -> str:
    """The narrower of two schemata of one line of descent.

    Raises Rejected("entity.schemata_disagree") for any other two.
    """
    if left == right:
        return left
    one, two = require_schema(left, at=at), require_schema(right, at=at)
    if one.is_a(two):
        return left
    if two.is_a(one):
        return right
    raise Rejected("entity.schemata_disagree", at=at, left=left, right=right)
