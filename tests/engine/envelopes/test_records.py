"""Whatever JSON stands in the place of a member, a record is read or refused at its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.envelopes.cards import LastGood, NodeCard, Revocation
from tansiq.engine.envelopes.manifest import Manifest
from tansiq.engine.envelopes.receipts import Receipt
from tansiq.engine.envelopes.records import Record
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tests.engine.envelopes.makers import FRANCE, NOW, seal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
RECORDS: list[Record] = [
    FRANCE.card,
    seal().opened_manifest,
    Revocation(
        node_id="fr",
        key_id=FRANCE.node.key_id,
        from_time=NOW,
        issued_at=NOW,
        reason="lost",
        last_good={"a" * 64: LastGood(entry=None, sequence=0)},
    ),
    Receipt(
        envelope_id=seal().opened_manifest.envelope_id,
        manifest_digest="d" * 64,
        sender="ma-dgsn",
        recipient="fr",
        status="accepted",
        received_at=NOW,
        understood=("entry", "query"),
        checkpoint="text",
        consistency={"from_size": 3, "proof": ["AAAA"]},
        heads={"a" * 64: ["b" * 64]},
    ),
]


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value inside ``value``."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in places(one, (*path, key)))]


def put(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """``value`` with ``new`` at ``path``."""
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = put(copied[path[0]], path[1:], new)  # type: ignore[index]
    return copied


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_goes_round_in_canonical_bytes(record: Record) -> None:
    assert type(record).from_bytes(record.to_bytes()) == record
    assert type(record).from_json(record.to_json()).digest() == record.digest()
    with pytest.raises(Rejected, match=r"json\.not_canonical"):
        type(record).from_bytes(record.to_bytes().replace(b":", b": ", 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
@given(data=st.data(), new=JSON)
def test_any_json_in_any_place_is_read_or_refused(record: Record, data: st.DataObject, new: Any) -> None:
    told = record.to_json()
    changed = put(told, data.draw(st.sampled_from(places(told))), new)
    try:
        read = type(record).from_json(changed, at="/x")
    except Rejected as error:
        told_at = (error.code, str(error.facts["at"])[:2])
    else:
        told_at = ("record.field", "/x")
        assert canonical.dumps(read.to_json()) == canonical.dumps(changed)
    assert told_at in (("record.field", "/x"), ("record.version", "/x"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_member_is_demanded(record: Record) -> None:
    for name in (told := record.to_json()):
        rest = {key: value for key, value in told.items() if key != name}
        with pytest.raises(Rejected, match=r"record\."):
            type(record).from_json(rest)


def test_the_payload_types_differ() -> None:
    types = [NodeCard.payload_type, Manifest.payload_type, Revocation.payload_type, Receipt.payload_type]
    assert len(set(types)) == 4
