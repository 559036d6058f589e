"""Recording and numbering: with the act or not at all, once, in order, by one sequencer at a time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.ledger import checkpoints, merkle
from tansiq.node.audit import actions, queries, tasks
from tansiq.node.audit.models import EXCHANGE, INTERNAL, Checkpoint, Event, Tree
from tansiq.node.audit.verification import verify
from tansiq.node.vault import keys
from tests.node.audit.logs import ME, filled, sequence, write


class AbortedError(Exception):
    """The acting transaction fails."""


def _key(log: str = EXCHANGE, incarnation: int = 1) -> object:
    return checkpoints.checkpoint_key(actions.origin_of(ME, log, incarnation), keys.current().node.public)


@pytest.mark.django_db
def test_an_event_is_there_with_the_act_or_not_at_all(now: datetime) -> None:
    def act() -> None:
        with transaction.atomic():
            write(1, now)
            raise AbortedError

    with pytest.raises(AbortedError):
        act()
    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_events_are_numbered_in_order_and_once(now: datetime) -> None:
    ids = write(25, now)
    assert [sequence(now, batch=10) for _ in range(4)] == [10, 10, 5, 0]
    assert list(Event.objects.order_by("index").values_list("pk", "index")) == [(pk, n) for n, pk in enumerate(ids)]
    heads = [checkpoints.open_checkpoint(row.text, [_key()]) for row in Checkpoint.objects.order_by("size")]
    assert [head.size for head in heads] == [10, 20, 25]
    assert verify().is_well


@pytest.mark.django_db
def test_nothing_recorded_makes_no_log(now: datetime) -> None:
    assert sequence(now) == 0
    assert Tree.objects.count() == 0
    assert queries.checkpoint_with_proof(EXCHANGE, 0) == (None, None)
    assert verify().is_well


@pytest.mark.django_db
def test_a_checkpoint_missed_by_a_crash_is_signed_by_the_next_call(now: datetime) -> None:
    write(3, now)
    sequence(now)
    Checkpoint.objects.all().delete()
    assert sequence(now) == 0
    assert queries.latest_checkpoint(EXCHANGE).size == 3


@pytest.mark.django_db
def test_the_internal_log_is_checkpointed_at_intervals(now: datetime) -> None:
    for minute in range(25):
        write(1, now, log=INTERNAL, first=minute)
        sequence(now + timedelta(minutes=minute), log=INTERNAL)
    assert list(Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [1, 11, 21]
    actions.write_checkpoint(INTERNAL, signer=keys.current().node, now=now, at_once=True)
    assert queries.latest_checkpoint(INTERNAL).size == 25


@pytest.mark.django_db
def test_proofs_of_the_stored_tree_hold(now: datetime) -> None:
    texts = filled(600, now, every=75)
    heads = [checkpoints.open_checkpoint(text, [_key()]) for text in texts]
    for old in heads:
        for new in heads:
            if old.size < new.size:
                proof = queries.consistency_between(old.size, new.size)
                merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)
    with pytest.raises(Rejected) as caught:
        queries.consistency_between(5, 601)
    assert caught.value.code == "audit.beyond_log"


@pytest.mark.django_db
def test_an_event_is_shown_to_a_court_with_its_header_and_path(now: datetime) -> None:
    from base64 import b64decode

    from tansiq.engine.formats import canonical

    ids = write(20, now)
    assert queries.inclusion_of(ids[7]) is None
    sequence(now)
    shown = queries.inclusion_of(ids[7])
    head = checkpoints.open_checkpoint(shown["checkpoint"], [_key()])
    leaf = merkle.leaf_hash(canonical.dumps(shown["header"]))
    merkle.verify_inclusion(shown["index"], head.size, leaf, [b64decode(step) for step in shown["path"]], head.root)


@pytest.mark.django_db
def test_a_new_incarnation_opens_with_the_old_checkpoint_and_the_loss(now: datetime) -> None:
    texts = filled(30, now)
    waiting = write(2, now, first=30)
    declaration = {"audit_lost_from": 30}
    tree = actions.reopen(
        EXCHANGE, old_checkpoint=texts[-1], declaration=declaration, node_id=ME, signer=keys.current().node, now=now
    )
    assert tree.origin == "tansiq/fr/exchange/2"
    sequence(now)
    opening = Event.objects.get(tree=tree, index=0)
    assert (opening.event, opening.told["facts"]["checkpoint"]) == ("audit.log_opened", texts[-1])
    assert list(Event.objects.filter(tree=tree).order_by("index").values_list("pk", flat=True))[1:] == waiting
    assert checkpoints.open_checkpoint(queries.checkpoint_text(), [_key(incarnation=2)]).size == 3
    assert verify({"it": texts}).is_well


@pytest.mark.django_db
def test_an_unknown_log_is_refused(now: datetime) -> None:
    with pytest.raises(Rejected) as caught:
        actions.record("x.y", actor="machine", facts={}, log="other", now=now)
    assert caught.value.code == "audit.unknown_log"
    assert Event.objects.count() == 0


@pytest.mark.django_db
def test_facts_are_sealed_in_the_table(now: datetime) -> None:
    actions.record("search.asked", actor="o", facts={"name": "Mohamed Chérif"}, log=INTERNAL, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_event")
        row = cursor.fetchone()
    assert not any("Mohamed" in str(bytes(v) if isinstance(v, bytes | memoryview) else v) for v in row)


@pytest.mark.django_db
def test_only_auditors_read_and_pages_hang_together(now: datetime) -> None:
    ids = write(23, now)
    with pytest.raises(Refused) as caught:
        queries.list_events(["analyst", "administrator"])
    assert caught.value.code == "audit.not_a_reader"
    seen: list[int] = []
    before = None
    while True:
        page = queries.list_events(["auditor"], before=before, limit=10)
        seen += [row.pk for row in page.events]
        before = page.before
        if before is None:
            break
    assert seen == ids[::-1]
    found = queries.list_events(
        ["data_protection"], dossier="d1", events=["entry.sent"], since=now, until=now + timedelta(10)
    )
    assert [row.told["facts"]["n"] for row in found.events] == [22, 19, 16, 13, 10, 7, 4, 1]
    assert queries.list_events(["auditor"], actor="nobody").events == []
    assert [row.pk for row in queries.events_of_dossier("d1", limit=2)] == [ids[22], ids[19]]
    assert queries.events_of_dossier("") == []


@pytest.mark.django_db(transaction=True)
def test_many_sequencers_number_every_event_once(now: datetime) -> None:
    write(200, now)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while Event.objects.filter(tree=None).exists():
                sequence(now, batch=7)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert list(Event.objects.order_by("index").values_list("index", flat=True)) == list(range(200))
    assert verify().is_well


@pytest.mark.django_db(transaction=True)
def test_the_loop_numbers_until_it_is_stopped(now: datetime) -> None:
    write(5, now)
    stop = threading.Event()
    calls: list[datetime] = []

    def clock() -> datetime:
        calls.append(now)
        if len(calls) == 3:
            stop.set()
        return now

    tasks.run_sequencer(stop=stop, clock=clock, idle=0)
    assert queries.waiting_count() == {"exchange": 0, "internal": 0}
