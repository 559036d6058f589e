"""Prepared statements say what the querysets say, on both stores: the same rows, the same values, the same sealed columns."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, connection, models, transaction

from tansiq.node.audit.models import Event
from tansiq.node.desk.models import OPEN, SETTLED, Task
from tansiq.node.dossiers.models import Dossier, Entry
from tansiq.node.exchange.models import Item
from tansiq.node.flows import act as flow
from tansiq.node.jobs.models import Job
from tansiq.node.vault.prepared import Insert, Select, Update
from tests.node.world import World, request


def everything(row: models.Model) -> dict[str, object]:
    """What the columns of a row are in Python."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def dossier(world: World) -> str:
    """A request that stands in the store with its task, its item and its events."""
    world.accord("ma")
    return flow.act(world.officer("liaison"), request("ma"), now=world.now).dossier_id


@pytest.mark.parametrize("model", [Dossier, Entry, Event, Item, Task, Job])
def test_a_row_is_read_as_a_queryset_reads_it(model: type[models.Model], dossier: str) -> None:
    rows = list(model._default_manager.order_by("pk"))
    assert rows
    read = Select(model, ("pk",))
    for row in rows:
        found = read.first(row.pk)
        assert found == row
        assert found is not None
        assert everything(found) == everything(row)
        assert found._state.db == "default"
        assert not found._state.adding


@pytest.mark.parametrize("model", [Event, Item, Task, Job])
def test_a_row_is_written_as_save_writes_it(model: type[models.Model], dossier: str) -> None:
    row = model._default_manager.order_by("pk").last()
    assert row is not None
    wanted = everything(row)
    number = wanted.pop("id")
    model._default_manager.filter(pk=number).delete()
    made = Insert(model)(model(**wanted))
    assert made.pk != 0
    assert made.pk is not None
    assert everything(model._default_manager.get(pk=made.pk)) == wanted | {"id": made.pk}
    made.save()  # an update: the row knows that it is there
    assert model._default_manager.filter(pk=made.pk).count() == 1


def test_a_sealed_column_is_sealed(dossier: str) -> None:
    row = Item.objects.filter(content__isnull=False).first()
    assert row is not None
    raw = bytes(Select(Item, ("pk",), fields=("content",)).raw(row.pk))
    assert raw[:1] == b"\x01"
    assert b"payload" not in raw
    assert Select(Item, ("pk",), fields=("content",)).value(row.pk) == row.content
    Update(Item, ("content",))({"content": {"other": "سرّ"}}, row.pk)
    assert "سرّ".encode() not in bytes(Select(Item, ("pk",), fields=("content",)).raw(row.pk))
    row.refresh_from_db()
    assert row.content == {"other": "سرّ"}


def test_a_second_row_of_one_key_is_refused_or_left_out(dossier: str) -> None:
    row = Item.objects.order_by("pk").last()
    assert row is not None
    again = everything(row)
    del again["id"]
    before = Item.objects.count()
    Insert(Item, or_nothing=True)(Item(**again))
    assert Item.objects.count() == before
    with pytest.raises(IntegrityError), transaction.atomic():
        Insert(Item)(Item(**again))


def test_only_rows_that_are_as_asked_are_changed(world: World, dossier: str, now: datetime) -> None:
    task = Task.objects.filter(state=OPEN).first()
    if task is None:
        task = Task.objects.create(
            key="x", kind="x", title_code="desk.entry", sorts_at=now, created_at=now, changed_at=now
        )
    settle = Update(Task, ("state", "settled_at"), by=("key", "state"))
    assert settle({"state": SETTLED, "settled_at": now}, task.key, OPEN) == 1
    assert settle({"state": SETTLED, "settled_at": now}, task.key, OPEN) == 0
    task.refresh_from_db()
    assert (task.state, task.settled_at) == (SETTLED, now)
    task.state = OPEN
    assert Update(Task, ("state",)).save(task) == 1
    assert Task.objects.get(pk=task.pk).state == OPEN


def test_what_is_not_there_is_none(db: None) -> None:
    read = Select(Job, ("key",), fields=("payload",))
    assert (read.first("none"), read.value("none"), read.raw("none"), read.exists("none")) == (None, None, None, False)
    with pytest.raises(TypeError, match="1 values"):
        read.first("one", "two")


@pytest.mark.django_db(transaction=True)
def test_a_row_is_locked_inside_a_transaction_alone() -> None:
    read = Select(Job, ("key",), locked=True)
    with pytest.raises(RuntimeError, match="inside a transaction"):
        read.first("none")
    with transaction.atomic():
        assert read.first("none") is None
    assert ("FOR UPDATE" in read._sql) == (connection.vendor == "postgresql")
