from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.formats import ids, times
from tests.engine.formats.outcomes import outcome

ZONES = st.just(UTC) | st.builds(timezone, st.timedeltas(-timedelta(hours=14), timedelta(hours=14)))
FIRST, LAST = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 (Hypothesis adds the zone)
INSTANTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=ZONES)


@given(INSTANTS)
def test_times_come_back_cut_to_milliseconds(value: datetime) -> None:
    text = times.format_time(value)
    assert len(text) == 24
    assert times.parse_time(text) == times.to_utc(value)
    assert timedelta(0) <= value - times.parse_time(text) < timedelta(milliseconds=1)
    assert times.format_time(times.parse_time(text)) == text


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_their_instants(one: datetime, other: datetime) -> None:
    assert (times.format_time(one) <= times.format_time(other)) == (times.to_utc(one) <= times.to_utc(other))


def test_a_time_is_written_with_three_decimals_always() -> None:
    assert times.format_time(datetime(2026, 11, 22, 0, 25, 24, 123_999, tzinfo=UTC)) == "2026-11-22T00:25:24.123Z"
    assert times.format_time(datetime(987, 1, 2, tzinfo=UTC)) == "0987-01-02T00:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T00:25:24Z",
        "2026-11-22T00:25:24.1Z",
        "2026-11-22 00:25:24.123Z",
        "2026-11-22T00:25:24.123+00:00",
        "2026-11-22t00:25:24.123z",
        "2026-02-30T00:00:00.000Z",
        "2026-11-22T24:00:00.000Z",
        "2026-12-31T23:59:60.000Z",
        "٢٠٢٦-11-22T00:25:24.123Z",
        "2026-11-22T00:25:24.123Z\n",
        "0000-01-01T00:00:00.000Z",
        "",
        None,
        3,
    ],
)
def test_every_other_spelling_of_a_time_is_refused(text: object) -> None:
    with pytest.raises(Rejected) as refusal:
        times.parse_time(text, at="/at")
    assert refusal.value.code == "times.not_a_time"
    assert refusal.value.facts["at"] == "/at"


def test_a_naive_time_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="zone"):
        times.format_time(datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)), st.binary(min_size=10, max_size=10))  # noqa: DTZ001
def test_new_ids_are_version_7_and_carry_their_millisecond(now: datetime, noise: bytes) -> None:
    text = ids.new_id(now, lambda count: noise[:count])
    found = uuid.UUID(text)
    assert ids.is_id(text)
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == times.milliseconds(now)
    assert found.int & (2**62 - 1) == int.from_bytes(noise, "big") & (2**62 - 1)


@pytest.mark.parametrize(
    "text", ["", "X" * 36, "018F0000-0000-7000-8000-000000000000", "018f0000000070008000000000000000", 7]
)
def test_other_texts_are_no_ids(text: object) -> None:
    assert not ids.is_id(text)
    with pytest.raises(Rejected, match="not_an_id"):
        ids.require_id(text, at="/id")


@given(st.binary())
def test_digests_are_64_hexadecimal_characters(raw: bytes) -> None:
    assert ids.is_digest(ids.digest(raw))
    assert ids.require_digest(ids.digest(raw), at="") == ids.digest(raw)


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", None, b"a" * 64])
def test_other_texts_are_no_digests(text: object) -> None:
    assert not ids.is_digest(text)
    with pytest.raises(Rejected, match="not_a_digest"):
        ids.require_digest(text, at="/prev")


@pytest.mark.parametrize("name", ["fr", "ma-dgsn", "it-gdf-2", "de-a-b-c-d"])
def test_node_ids(name: str) -> None:
    assert ids.is_node_id(name)
    assert ids.require_node_id(name, at="") == name


@pytest.mark.parametrize(
    "name", ["", "f", "fra", "FR", "fr-", "fr--a", "fr-a-b-c-d-e", "fr-" + "a" * 31, "fr\n", "ف", None]
)
def test_other_texts_are_no_node_ids(name: object) -> None:
    assert not ids.is_node_id(name)
    with pytest.raises(Rejected, match="not_a_node_id"):
        ids.require_node_id(name, at="/from")


@given(st.binary())
def test_bytes_come_back(raw: bytes) -> None:
    assert ids.b64decode(ids.b64encode(raw)) == raw


@given(st.text(st.sampled_from("AQgw=+/-_\n é"), max_size=12))
def test_one_sequence_of_bytes_has_one_text(text: str) -> None:
    code, raw = outcome(lambda: ids.b64decode(text))
    assert code == "ids.not_base64" or ids.b64encode(raw) == text


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "QQ===", "_w==", "ＱＱ==", None, b"QQ=="])
def test_other_spellings_of_base64_are_refused(text: object) -> None:
    with pytest.raises(Rejected, match="not_base64"):
        ids.b64decode(text, at="/signature")
