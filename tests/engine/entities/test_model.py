"""The model is FollowTheMoney's with our schemata in it, and nobody pays for it who does not ask."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tansiq.engine.entities.model import SCHEMATA, model, more_specific, property_of, require_property, require_schema
from tansiq.engine.errors import Rejected

OURS = sorted(path.stem for path in SCHEMATA.glob("*.yaml"))


def test_importing_the_room_does_not_import_followthemoney() -> None:
    script = (
        "import sys, tansiq.engine.entities, tansiq.engine.entities.lists, tansiq.engine.entities.labels;"
        "print([m for m in ('followthemoney', 'sqlalchemy', 'rigour', 'icu') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", OURS)
def test_our_schemata_are_whole(name: str) -> None:
    schema = model()[name]
    assert schema.is_a("Thing")
    assert schema.label
    assert schema.description
    assert all(schema.get(prop) is not None for prop in (*schema.featured, *schema.required, *schema.caption))


def test_the_library_itself_knows_our_schemata() -> None:
    from followthemoney import EntityProxy
    from followthemoney import model as theirs

    proxy = EntityProxy.from_dict({"id": "x", "schema": "PhoneLine", "properties": {"number": ["+212661234567"]}})
    assert proxy.schema is theirs["PhoneLine"] is model()["PhoneLine"]


@pytest.mark.parametrize("name", ["Thing", "LegalEnity", "", "Interval"])
def test_a_schema_that_entities_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        require_schema(name, at="/schema")
    assert refused.value.code == "entity.unknown_schema"
    assert refused.value.facts["at"] == "/schema"


def test_a_reverse_property_takes_no_value() -> None:
    assert model()["Person"].get("phoneLines") is not None
    assert property_of("Person", "phoneLines") is None
    with pytest.raises(Rejected) as refused:
        require_property("Person", "phoneLines")
    assert refused.value.code == "entity.unknown_property"


def test_the_narrower_schema_wins_and_strangers_disagree() -> None:
    assert more_specific("LegalEntity", "Person") == more_specific("Person", "LegalEntity") == "Person"
    with pytest.raises(Rejected) as refused:
        more_specific("Person", "Vessel")
    assert refused.value.code == "entity.schemata_disagree"
