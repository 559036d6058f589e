"""Every label exists in five languages and names something that the model has."""

from __future__ import annotations

import pytest

from tansiq.engine.entities.labels import _labels, labelled_schemata, property_label, schema_label
from tansiq.engine.entities.model import SCHEMATA, model
from tansiq.engine.formats.ids import LANGUAGES


@pytest.mark.parametrize("group", ["schemata", "properties"])
def test_every_label_stands_in_every_language(group: str) -> None:
    for name, labels in _labels()[group].items():
        assert tuple(labels) == LANGUAGES, name
        assert all(text.strip() == text != "" for text in labels.values()), name


def test_labels_name_what_the_model_has() -> None:
    known = {prop for schema in model() for prop in schema.properties}
    assert set(_labels()["properties"]) <= known
    assert all(model().get(name) is not None for name in labelled_schemata())


def test_our_own_schemata_are_labelled() -> None:
    assert {path.stem for path in SCHEMATA.glob("*.yaml")} <= set(labelled_schemata())


def test_what_has_no_label_is_still_readable() -> None:
    assert property_label("birthDate", "ar") == "تاريخ الميلاد"
    assert schema_label("CallForTenders", "fr") == "Call for tenders"
    assert property_label("hairColor", "it") == "Hair color"
