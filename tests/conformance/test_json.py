"""nst/JSONTestSuite: every n_ file refused, every y_ file read, i_ files either, and never another exception."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.strict_json import Limits, loads
from tests.engine.formats.outcomes import outcome
from tests.shared import shared_path

WITH_FLOATS = Limits(allow_floats=True)


def files(kind: str) -> list[Path]:
    found = sorted(shared_path("vectors/json-nst/test_parsing").glob(f"{kind}_*.json"))
    assert len(found) == {"y": 95, "n": 188, "i": 35}[kind]
    return found


def test_every_invalid_text_is_refused() -> None:
    for path in files("n"):
        for limits in (WITH_FLOATS, Limits()):
            with pytest.raises(Rejected, match=r"^json\.") as refusal:
                loads(path.read_bytes(), limits=limits)
            assert {"at", "offset"} <= refusal.value.facts.keys(), path.name


def test_every_valid_text_is_read_as_the_standard_library_reads_it() -> None:
    duplicates = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}
    for path in files("y"):
        if path.name in duplicates:
            # RFC 8259 leaves duplicate names open; RFC 7493 §2.3 forbids them, and so do we.
            with pytest.raises(Rejected, match=r"^json\.duplicate_key"):
                loads(path.read_bytes(), limits=WITH_FLOATS)
        else:
            assert loads(path.read_bytes(), limits=WITH_FLOATS) == json.loads(path.read_bytes()), path.name


def test_what_implementations_may_decide_is_decided_without_another_exception() -> None:
    read = []
    for path in files("i"):
        code, _ = outcome(partial(loads, path.read_bytes(), limits=WITH_FLOATS))
        assert code == "read" or code.startswith("json.")
        read += [path.name] if code == "read" else []
    assert read == [
        "i_number_double_huge_neg_exp.json",
        "i_number_real_underflow.json",
        "i_number_too_big_neg_int.json",
        "i_number_too_big_pos_int.json",
        "i_number_very_big_negative_int.json",
    ]


def test_nothing_of_the_transform_set_raises_anything_else() -> None:
    for path in sorted(shared_path("vectors/json-nst/test_transform").glob("*.json")):
        code, _ = outcome(partial(loads, path.read_bytes(), limits=WITH_FLOATS))
        assert code == "read" or code.startswith("json.")
