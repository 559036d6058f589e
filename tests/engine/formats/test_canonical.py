from __future__ import annotations

import enum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical, ids, strict_json
from tests.engine.formats.test_strict_json import TEXT, VALUES

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WITH_FLOATS = strict_json.Limits(allow_floats=True)


@given(VALUES)
def test_the_bytes_are_those_of_the_reference_library(value: Any) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)


@given(st.dictionaries(TEXT | st.sampled_from(["\ue000", "\U00010000", "\uffff", "\U0010ffff"]), st.integers(0, 9)))
def test_keys_sort_by_utf16_unit(value: dict[str, int]) -> None:
    written = canonical.dumps(value)
    assert written == rfc8785.dumps(value)
    assert [*strict_json.loads(written)] == sorted(value, key=lambda key: key.encode("utf-16-be"))  # type: ignore[misc]


@given(
    st.recursive(FLOATS | TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
)
def test_floats_come_back_and_writing_is_idempotent(value: Any) -> None:
    written = canonical.dumps(value, allow_floats=True)
    read = canonical.loads(written, limits=WITH_FLOATS)
    assert read == value
    assert canonical.dumps(read, allow_floats=True) == written


@given(VALUES)
def test_canonical_is_idempotent_and_the_order_of_keys_is_nothing(value: Any) -> None:
    written = canonical.dumps(value)
    assert canonical.dumps(strict_json.loads(written)) == written
    assert canonical.dumps(turned_round(value)) == written
    assert canonical.digest(value) == ids.digest(written)


def turned_round(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(value)}
    return [turned_round(inner) for inner in value] if isinstance(value, list) else value


class Word(enum.StrEnum):
    TERMS = "terms"


def test_tuples_and_subclasses_of_plain_types_are_written_as_what_they_are() -> None:
    assert canonical.dumps({"a": (1, Word.TERMS), Word.TERMS: True}) == b'{"a":[1,"terms"],"terms":true}'


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "code", "at"),
    [
        ({"a": [1.5]}, "json.float_refused", "/a/0"),
        ([2**53], "json.integer_out_of_range", "/0"),
        ({"a": {"b": "\ud800"}}, "json.lone_surrogate", "/a/b"),
        ({"a": {"\udfff": 1}}, "json.lone_surrogate", "/a/\\udfff"),
        ({"a": {1: 1}}, "json.not_json", "/a"),
        ([b"x"], "json.not_json", "/0"),
        ([{1, 2}], "json.not_json", "/0"),
        (deep(33), "json.too_deep", "/0" * 32),
        (deep(50_000), "json.too_deep", "/0" * 32),
    ],
)
def test_what_json_cannot_write_is_refused_with_its_place(value: Any, code: str, at: str) -> None:
    with pytest.raises(Rejected) as refusal:
        canonical.dumps(value)
    assert (refusal.value.code, refusal.value.facts["at"]) == (code, at)


def test_what_we_write_is_never_deeper_than_what_we_read() -> None:
    assert strict_json.loads(canonical.dumps(deep(32))) == deep(32)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_not_a_number_is_refused_even_where_floats_are_allowed(number: float) -> None:
    with pytest.raises(Rejected, match="not_a_number"):
        canonical.dumps([number], allow_floats=True)


@pytest.mark.parametrize("raw", [b'{"b":1,"a":2}', b'{ "a":1}', b'["\\u0061"]', b'["\\/"]', b"[-0]", b"1\n"])
def test_another_spelling_of_the_same_value_is_not_canonical(raw: bytes) -> None:
    with pytest.raises(Rejected, match="not_canonical"):
        canonical.loads(raw)
