"""Whatever is done to a log, a head that somebody else kept gives it away, and an untouched log is never accused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.ledger.inspection import Finding, Head, Row, inspect
from tansiq.engine.ledger.merkle import leaf_hash, root_of
from tests.engine.ledger.trees import leaves_of

STRANGER = leaf_hash(b"stranger")


def _rows(leaves: list[bytes]) -> list[Row]:
    return [Row(index, leaf, fits=True) for index, leaf in enumerate(leaves)]


def _head(leaves: list[bytes], size: int) -> Head:
    return Head(size, root_of(leaves[:size]), "it")


def _codes(findings: list[Finding]) -> list[tuple[str, object]]:
    return [(finding.code, finding.facts.get("index")) for finding in findings]


@given(st.integers(0, 200), st.lists(st.integers(0, 200), max_size=4))
def test_an_untouched_log_is_never_accused(length: int, sizes: list[int]) -> None:
    leaves = leaves_of(length)
    heads = [_head(leaves, size) for size in sizes if size <= length]
    assert inspect(_rows(leaves), leaves, heads) == []


@given(st.integers(1, 100), st.data())
def test_each_lone_change_of_a_row_is_named(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    at = data.draw(st.integers(0, length - 1))
    heads = [_head(leaves, length)]
    rows = _rows(leaves)
    assert _codes(inspect([*rows[:at], Row(at, STRANGER), *rows[at + 1 :]], leaves, heads)) == [("audit.edited", at)]
    assert _codes(inspect([*rows[:at], Row(at, leaves[at], fits=False), *rows[at + 1 :]], leaves, heads)) == [
        ("audit.edited", at)
    ]
    gone = inspect(rows[:at] + rows[at + 1 :], leaves, heads)
    assert _codes(gone) == ([("audit.deleted", at)] if at < length - 1 else [("audit.truncated", None)])
    assert inspect(rows[:at], leaves, heads) == [
        Finding("audit.truncated", {"first": at, "last": length - 1, "source": "hashes"})
    ]


@given(st.integers(1, 100), st.data())
def test_an_inserted_row_is_named_even_when_the_rest_was_renumbered(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    at = data.draw(st.integers(0, length))
    put_in = [*leaves[:at], STRANGER, *leaves[at:]]
    findings = inspect(_rows(put_in), leaves, [_head(leaves, length)])
    assert ("audit.inserted", at) in _codes(findings)
    assert {finding.code for finding in findings} <= {"audit.inserted", "audit.renumbered"}


@given(st.integers(2, 100), st.data())
def test_a_copied_row_is_an_inserted_row(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    at = data.draw(st.integers(0, length - 1))
    copied = [*leaves[: at + 1], *leaves[at:]]
    assert "audit.inserted" in {finding.code for finding in inspect(_rows(copied), leaves, [_head(leaves, length)])}


@given(st.integers(2, 120), st.data())
def test_rewriting_rows_and_hashes_alike_is_narrowed_to_a_span(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    at = data.draw(st.integers(0, length - 1))
    heads = [_head(leaves, size) for size in {length, *data.draw(st.lists(st.integers(1, length), max_size=4))}]
    changed = [*leaves[:at], STRANGER, *leaves[at + 1 :]]
    (finding,) = inspect(_rows(changed), changed, heads)
    assert finding.code == "audit.rewritten"
    after, upto = finding.facts["after"], finding.facts["upto"]
    assert isinstance(after, int)
    assert isinstance(upto, int)
    assert after <= at < upto
    assert after in {0, *(head.size for head in heads)}


@given(st.integers(2, 120), st.data())
def test_cutting_rows_and_hashes_alike_is_truncation(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    end = data.draw(st.integers(0, length - 1))
    findings = inspect(_rows(leaves[:end]), leaves[:end], [_head(leaves, length)])
    assert findings == [Finding("audit.truncated", {"first": end, "last": length - 1, "source": "it"})]


@given(st.integers(2, 120), st.data())
def test_damaged_hashes_do_not_accuse_the_rows(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    at = data.draw(st.integers(0, length - 1))
    damaged = data.draw(st.sampled_from([leaves[:at], [*leaves[:at], STRANGER, *leaves[at + 1 :]]]))
    findings = inspect(_rows(leaves), damaged, [_head(leaves, length)])
    assert findings == [Finding("audit.hashes_damaged", {"first": at})]


@given(st.integers(1, 60), st.data())
def test_no_change_whatever_escapes_a_head_of_the_whole(length: int, data: st.DataObject) -> None:
    leaves = leaves_of(length)
    pool = [*leaves, STRANGER, leaf_hash(b"another")]
    changed = data.draw(st.lists(st.sampled_from(pool), max_size=length + 3))
    kept = data.draw(st.sampled_from([leaves, changed]))
    findings = inspect(_rows(changed), kept, [_head(leaves, length)])
    is_honest_growth = kept is changed and changed[:length] == leaves
    assert bool(findings) is (changed != leaves and not is_honest_growth)


def test_events_after_the_last_head_are_not_judged_by_it() -> None:
    leaves = leaves_of(10)
    longer = [*leaves, STRANGER]
    assert inspect(_rows(longer), longer, [_head(leaves, 10)]) == []
