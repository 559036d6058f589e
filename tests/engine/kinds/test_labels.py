"""Every kind speaks five languages, completely: whatever a page could show has its words, and no word is left over."""

from __future__ import annotations

from importlib import resources
from typing import Any, get_args, get_origin

import pytest

from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.formats.ids import LANGUAGES
from tansiq.engine.kinds.registry import kind, kinds

KNOWN = [pair for pair in kinds() if resources.files("tansiq.engine.kinds").joinpath(f"{pair[0]}.py").is_file()]


def _literals(annotation: Any) -> set[str]:
    found = {value for value in get_args(annotation) if isinstance(value, str)} if _is_literal(annotation) else set()
    return found.union(*(_literals(inner) for inner in get_args(annotation) if not isinstance(inner, str)), set())


def _is_literal(annotation: Any) -> bool:
    return getattr(get_origin(annotation), "__name__", str(get_origin(annotation))).endswith("Literal")


def wanted(known: Kind) -> dict[str, set[str]]:
    """The labels that a kind must have, by section."""
    fields = {(name, field) for spec in known.acts.values() for name, field in spec.codes.model_fields.items()}
    return {
        "kind": {known.name},
        "roles": set(known.ROLES),
        "phases": set(known.phases),
        "acts": set(known.acts),
        "codes": {name for name, _ in fields},
        "values": {f"{name}.{value}" for name, field in fields for value in _literals(field.annotation)},
    }


@pytest.mark.parametrize(("name", "version"), KNOWN)
def test_labels_are_complete(name: str, version: int) -> None:
    known = kind(name, version)
    labels = known.labels
    for section, keys in wanted(known).items():
        present = set(labels.get(section, {}))
        assert keys <= present, f"{name}: {section} lacks {sorted(keys - present)}"
        if section != "values":
            assert present <= keys, f"{name}: {section} has words for nothing: {sorted(present - keys)}"


@pytest.mark.parametrize(("name", "version"), KNOWN)
def test_every_label_is_in_five_languages_and_differs_from_its_key(name: str, version: int) -> None:
    for section, entries in kind(name, version).labels.items():
        for key, label in entries.items():
            assert tuple(label) == LANGUAGES, f"{name}: {section}.{key}"
            assert all(text.strip() == text and text for text in label.values()), f"{name}: {section}.{key}"
