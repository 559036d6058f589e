"""Several processes read a file as one does, and what they seal is what the register's columns hold."""

from __future__ import annotations

import io
import json
import multiprocessing
from datetime import datetime
from typing import Any

import pytest

from tansiq.engine.entities.lists import FtmPieces, Piece, ftm
from tansiq.engine.errors import Rejected, TansiqError, Unavailable
from tansiq.node.register import import_pool
from tansiq.node.register.import_preparing import CARD_LABEL, PACKED_LABEL, Prepared, Preparing, Want
from tansiq.node.register.models import Subject
from tansiq.node.vault import keys
from tansiq.node.vault.columns import Sealed, Sealer, unseal
from tests.node.register.readers import Dying, Refusing

PREPARING = Preparing("invented", b"salt", b"search" * 6, b"k" * 32, datetime.fromisoformat("2026-11-22T09:00:00Z"))


def file(count: int) -> io.BytesIO:
    """So many invented persons, one JSON line each."""
    lines = (
        {"id": f"p{n}", "schema": "Person", "properties": {"name": [f"Invented {n}"], "birthDate": ["1970"]}}
        for n in range(count)
    )
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def told(done: list[import_pool.Done]) -> list[Any]:
    """What does not depend on ids and nonces."""
    return [(row.token, row.fingerprint, row.record) for rows, _ in done for row in rows if isinstance(row, Prepared)]


def test_the_labels_are_those_of_the_columns() -> None:
    labels = [Subject._meta.get_field(name)._label for name in ("card", "packed")]  # type: ignore[union-attr]
    assert labels == [CARD_LABEL, PACKED_LABEL]


def test_what_others_read_comes_in_the_order_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ftm, "PIECE_LINES", 10)
    pieces = FtmPieces("invented")

    def read(processes: int) -> list[import_pool.Done]:
        tasks = ((piece, Want.RECORD) for piece in pieces.split(file(95)))
        return list(import_pool.read_pieces(pieces, PREPARING, tasks, processes=processes))

    alone, together = read(0), read(2)
    assert len(together) == 10
    assert told(together) == told(alone)
    assert [counts for _, counts in together] == [counts for _, counts in alone]


@pytest.mark.parametrize(
    ("reader", "kind", "code"),
    [(Refusing, Rejected, "list.not_this_list"), (Dying, Unavailable, "register.import_reader_lost")],
)
def test_a_process_that_refuses_or_dies_is_an_error_here_and_leaves_nothing(
    reader: type[FtmPieces], kind: type[TansiqError], code: str
) -> None:
    with pytest.raises(kind) as found:
        list(import_pool.read_pieces(reader("x"), PREPARING, [(Piece(1, [b"x"]), Want.DIGEST)], processes=1))
    assert found.value.code == code
    assert not multiprocessing.active_children()


def test_sealed_by_a_process_with_one_key_is_sealed() -> None:
    sealed = Sealer(b"k" * 32).seal(b"raw", label=CARD_LABEL)
    assert isinstance(sealed, Sealed)
    assert b"raw" not in sealed


@pytest.mark.django_db
def test_a_sealed_value_is_stored_as_it_is(now: datetime) -> None:
    raw = json.dumps({"v": 1}).encode()
    sealed = Sealer(keys.current().storage_key).seal(raw, label=CARD_LABEL)
    assert unseal(sealed, label=CARD_LABEL) == raw
    row = Subject.objects.create(
        schema="Person", owner="fr", origin="officer", card=sealed, created_by="x", created_at=now, updated_at=now
    )
    assert Subject.objects.get(pk=row.pk).card == {"v": 1}
