"""Rows edited, deleted, inserted, truncated by SQL are found from a partner's checkpoint alone."""

from __future__ import annotations

from datetime import datetime

import pytest

from tansiq.engine.ledger.inspection import Finding
from tansiq.node.audit import actions
from tansiq.node.audit.models import Checkpoint, Event
from tansiq.node.audit.verification import Report, verify
from tests.node.audit.logs import filled, rebuild, sql, write

pytestmark = pytest.mark.django_db

SIZE = 300


@pytest.fixture
def held(now: datetime) -> list[str]:
    """A log of 300 events; what is returned is all that partner ``it`` kept of it."""
    return filled(SIZE, now, every=50)


def _check(texts: list[str]) -> list[Finding]:
    """What the partner's last checkpoint alone shows, our own checkpoints being gone."""
    Checkpoint.objects.all().delete()
    return _findings(verify({"it": texts}))


def _findings(report: Report) -> list[Finding]:
    return [*report.findings, *(finding for tree in report.trees for finding in tree.findings)]


def test_an_untouched_log_is_well(held: list[str]) -> None:
    report = verify({"it": held})
    assert report.is_well
    assert report.texts_checked
    assert [(tree.size, tree.heads) for tree in report.trees] == [(SIZE, 2 * len(held) + 1)]
    assert _check(held[-1:]) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "somebody else"),
        ("event", "entry.read"),
        ("dossier", "d9"),
        ("at", "2026-11-22 09:00:00.001+00:00"),
        ("log", "internal"),
        ("told", b"\x01" + b"x" * 60),
        ("told", b"nonsense"),
        ("commitment", b"x" * 32),
    ],
)
def test_an_edited_row_is_named(held: list[str], column: str, value: object) -> None:
    assert sql(f'UPDATE audit_event SET "{column}" = %s WHERE "index" = 123', value) == 1
    assert _check(held[-1:]) == [Finding("audit.edited", {"index": 123})]


def test_facts_moved_from_another_row_are_named(held: list[str]) -> None:
    sql('UPDATE audit_event SET told = (SELECT told FROM audit_event WHERE "index" = 7) WHERE "index" = 8')
    assert _check(held[-1:]) == [Finding("audit.edited", {"index": 8})]


def test_facts_edited_with_the_storage_key_are_named(held: list[str]) -> None:
    row = Event.objects.get(index=9)
    row.told = {**row.told, "facts": {"n": 10}}
    row.save(update_fields=["told"])
    assert _check(held[-1:]) == [Finding("audit.edited", {"index": 9})]


def test_facts_and_commitment_edited_together_are_named(held: list[str]) -> None:
    stand_in = Event.objects.get(pk=write(1, datetime.fromisoformat("2026-11-22T09:00:00Z"))[0])
    Event.objects.filter(index=9).update(told=stand_in.told, commitment=stand_in.commitment)
    assert _check(held[-1:]) == [Finding("audit.edited", {"index": 9})]


def test_a_deleted_row_is_named(held: list[str]) -> None:
    assert sql('DELETE FROM audit_event WHERE "index" = 42') == 1
    assert _check(held[-1:]) == [Finding("audit.deleted", {"index": 42})]


def test_a_deleted_row_is_named_after_renumbering(held: list[str]) -> None:
    sql('DELETE FROM audit_event WHERE "index" = 42')
    for index in range(43, SIZE):
        sql('UPDATE audit_event SET "index" = %s WHERE "index" = %s', index - 1, index)
    findings = _check(held[-1:])
    assert findings[0] == Finding("audit.deleted", {"index": 42})
    assert [finding.code for finding in findings] == ["audit.deleted", "audit.renumbered"]


def test_an_inserted_row_is_named(held: list[str], now: datetime) -> None:
    (stranger,) = write(1, now)
    for index in range(SIZE - 1, 99, -1):
        sql('UPDATE audit_event SET "index" = %s WHERE "index" = %s', index + 1, index)
    sql(
        'UPDATE audit_event SET "index" = 100, tree_id = (SELECT MAX(tree_id) FROM audit_event) WHERE id = %s', stranger
    )
    findings = _check(held[-1:])
    assert findings[0] == Finding("audit.inserted", {"index": 100})
    assert [finding.code for finding in findings] == ["audit.inserted", "audit.renumbered"]


def test_a_row_appended_past_the_sequencer_is_named(held: list[str], now: datetime) -> None:
    (stranger,) = write(1, now)
    sql(
        'UPDATE audit_event SET "index" = 300, tree_id = (SELECT MAX(tree_id) FROM audit_event) WHERE id = %s', stranger
    )
    assert _check(held[-1:]) == [Finding("audit.inserted", {"index": 300})]


def test_truncated_rows_are_named(held: list[str]) -> None:
    assert sql('DELETE FROM audit_event WHERE "index" >= 250') == 50
    assert _check(held[-1:]) == [Finding("audit.truncated", {"first": 250, "last": 299, "source": "hashes"})]


def test_a_row_taken_back_to_be_numbered_again_is_named(held: list[str]) -> None:
    sql('UPDATE audit_event SET tree_id = NULL, "index" = NULL WHERE "index" = 5')
    assert _check(held[-1:]) == [Finding("audit.deleted", {"index": 5})]


# --- a forger who rebuilds every hash and drops our checkpoints: only what partners hold is left ----------------------


def test_a_thorough_truncation_is_found(held: list[str]) -> None:
    sql('DELETE FROM audit_event WHERE "index" >= 250')
    rebuild()
    assert _check(held[-1:]) == [Finding("audit.truncated", {"first": 250, "last": 299, "source": "it"})]


def test_a_thorough_edit_is_narrowed_to_the_span_between_two_checkpoints(held: list[str]) -> None:
    sql("UPDATE audit_event SET actor = 'x' WHERE \"index\" = 123")
    rebuild()
    assert _check(held[-1:]) == [Finding("audit.rewritten", {"after": 0, "upto": 300, "source": "it"})]
    assert _check(held) == [Finding("audit.rewritten", {"after": 100, "upto": 150, "source": "it"})]


def test_a_thorough_deletion_is_found(held: list[str]) -> None:
    sql('DELETE FROM audit_event WHERE "index" = 123')
    rebuild()
    assert _check(held[-1:]) == [Finding("audit.truncated", {"first": 299, "last": 299, "source": "it"})]
    assert _check(held) == [
        Finding("audit.rewritten", {"after": 100, "upto": 150, "source": "it"}),
        Finding("audit.truncated", {"first": 299, "last": 299, "source": "it"}),
    ]


def test_a_thorough_insertion_is_found(held: list[str], now: datetime) -> None:
    (stranger,) = write(1, now)
    for index in range(SIZE - 1, 99, -1):
        sql('UPDATE audit_event SET "index" = %s WHERE "index" = %s', index + 1, index)
    sql(
        'UPDATE audit_event SET "index" = 100, tree_id = (SELECT MAX(tree_id) FROM audit_event) WHERE id = %s', stranger
    )
    rebuild()
    assert _check(held[-1:]) == [Finding("audit.rewritten", {"after": 0, "upto": 300, "source": "it"})]


def test_a_log_that_was_dropped_whole_is_found(held: list[str]) -> None:
    for table in ("audit_checkpoint", "audit_tile", "audit_event", "audit_tree"):
        sql(f"DELETE FROM {table}")
    assert _check(held[-1:]) == [Finding("audit.log_missing", {"origin": "tansiq/fr/exchange/1", "size": SIZE})]


# --- what must not accuse ---------------------------------------------------------------------------------------------


def test_damaged_hashes_do_not_accuse_rows(held: list[str]) -> None:
    sql("DELETE FROM audit_tile WHERE level = 0 AND number = 1")
    assert _check(held[-1:]) == [
        Finding("audit.hashes_damaged", {"first": 256}),
        Finding("audit.state_damaged", {"size": 300, "kept": 256}),
    ]


def test_a_changed_tree_state_is_found(held: list[str]) -> None:
    sql("UPDATE audit_tree SET size = 299")
    assert [finding.code for finding in _check(held[-1:])] == ["audit.state_damaged"]


def test_nobody_accuses_us_with_a_checkpoint_we_did_not_sign(held: list[str]) -> None:
    forged = held[-1].replace("\n300\n", "\n301\n")
    (finding,) = _findings(verify({"it": [forged]}))
    assert (finding.code, finding.facts["source"]) == ("audit.checkpoint_forged", "it")


def test_a_changed_checkpoint_of_ours_is_found(held: list[str]) -> None:
    sql("UPDATE audit_checkpoint SET text = replace(text, '300', '299') WHERE size = 300")
    assert {finding.code for finding in _findings(verify())} == {"audit.checkpoint_forged"}


def test_erasing_facts_keeps_the_log_well(held: list[str], now: datetime) -> None:
    ids = list(Event.objects.filter(index__in=[3, 4]).values_list("pk", flat=True))
    assert actions.erase(ids, ground="retention", actor="officer", now=now) == 2
    assert actions.erase(ids, ground="retention", actor="officer", now=now) == 0
    from tests.node.audit.logs import sequence

    sequence(now)
    report = verify({"it": held})
    assert report.is_well
    assert report.trees[0].erased == 2
    assert Event.objects.get(index=3).told is None
    assert Event.objects.get(index=3).actor == "machine"


def test_facts_erased_behind_our_back_are_named(held: list[str]) -> None:
    sql('UPDATE audit_event SET told = NULL WHERE "index" = 77')
    assert _check(held[-1:]) == [Finding("audit.erased_unrecorded", {"index": 77})]


def test_who_did_what_can_still_be_verified_after_erasure(held: list[str], now: datetime) -> None:
    ids = list(Event.objects.filter(index=3).values_list("pk", flat=True))
    actions.erase(ids, ground="retention", actor="officer", now=now)
    sql("UPDATE audit_event SET actor = 'x' WHERE \"index\" = 3")
    assert Finding("audit.edited", {"index": 3}) in _check(held[-1:])


def test_a_locked_vault_checks_all_but_the_facts(held: list[str]) -> None:
    from tansiq.node.vault import keys

    public = keys.current().node.public
    sql('DELETE FROM audit_event WHERE "index" = 42')
    keys.install(None)
    report = verify({"it": held}, publics=[public])
    assert not report.texts_checked
    assert _findings(report) == [Finding("audit.deleted", {"index": 42})]


def test_the_report_is_json(held: list[str]) -> None:
    sql('DELETE FROM audit_event WHERE "index" = 42')
    told = verify({"it": held[-1:]}).to_json()
    assert told["is_well"] is False
    assert told["trees"][0]["findings"] == [{"code": "audit.deleted", "facts": {"index": 42}}]
