"""What participants owe in dossiers, as rows: kept with every folded state, asked by lists, counted anew by the doctor.

A dossier's deadlines are a pure function of its folded state (``Kind.deadlines``). A list of what is overdue at every partner cannot fold
every dossier at each look, so the deadlines stand in a table of their own, changed in the very transaction that keeps the state: no crash
can part the two. :func:`differences` folds nothing either; it compares rows with the states as they are stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Min, QuerySet, Sum

from tansiq.engine.dossiers.folds import Folded
from tansiq.engine.dossiers.kind import Deadline
from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers.models import Dossier, Owed
from tansiq.node.dossiers.policy import OfficerLike, visible_to
from tansiq.node.partners.queries import my_id

Key = tuple[str, str, str, datetime]


def keep(dossier: Dossier, deadlines: Iterable[Deadline]) -> None:
    """Let the rows of ``dossier`` say exactly ``deadlines``, in the caller's transaction, which holds the dossier."""
    wanted = _counted(deadlines)
    held = {_key(row): row for row in Owed.objects.filter(dossier=dossier)}
    gone = [row.pk for key, row in held.items() if wanted.get(key) != row.times]
    if gone:
        Owed.objects.filter(pk__in=gone).delete()
    Owed.objects.bulk_create(
        Owed(dossier=dossier, owner=key[0], name=key[1], clause=key[2], due_at=key[3], times=times)
        for key, times in wanted.items()
        if key not in held or held[key].times != times
    )


def _counted(deadlines: Iterable[Deadline]) -> Counter[Key]:
    return Counter((d.owner, d.name, d.clause, d.due_at) for d in deadlines)


def _key(row: Owed) -> Key:
    return row.owner, row.name, row.clause, row.due_at


def _by_others() -> QuerySet[Owed]:
    """What partners owe in earnest: an exercise is counted nowhere, but on a training node, where all is one."""
    rows = Owed.objects.exclude(owner=my_id())
    return rows if settings.NODE.exercise else rows.filter(dossier__exercise=False)


def owed_by_partners(
    officer: OfficerLike, *, now: datetime, partner: str = "", kind_name: str = "", also_running: bool = False
) -> QuerySet[Owed]:
    """What partners owe in the dossiers that this officer may see, the longest overdue first.

    Only what is overdue at ``now``; with ``also_running`` whatever is owed. Narrowed by partner and by kind of dossier.
    """
    mine = Dossier.objects.filter(visible_to(officer))
    rows = _by_others().filter(dossier__in=mine.values("pk"))
    if not also_running:
        rows = rows.filter(due_at__lt=now)
    if partner:
        rows = rows.filter(owner=partner)
    if kind_name:
        rows = rows.filter(dossier__kind=kind_name)
    return rows.select_related("dossier").defer("dossier__folded")


def overdue_by_circle(
    now: datetime, *, owner: str = "", circle: str | None = None
) -> list[tuple[str, str, int, datetime]]:
    """For every partner and circle: how much is overdue, and since when; for the machine, which reminds the circles."""
    rows = _by_others().filter(due_at__lt=now)
    if owner:
        rows = rows.filter(owner=owner)
    if circle is not None:
        rows = rows.filter(dossier__circle=circle)
    counted = rows.order_by("owner", "dossier__circle").values_list("owner", "dossier__circle")
    return [tuple(row) for row in counted.annotate(Sum("times"), Min("due_at"))]


def differences() -> Iterator[str]:
    """The ids of dossiers whose rows do not say what their stored state says; empty on a sound node."""
    for dossier in Dossier.objects.prefetch_related("owed").iterator(chunk_size=500):
        if {_key(row): row.times for row in dossier.owed.all()} != dict(_counted(_deadlines(dossier))):
            yield dossier.dossier_id


def recount() -> int:
    """Write anew the rows of every dossier that differs from its state; returns how many did."""
    mended = 0
    for dossier_id in list(differences()):
        with transaction.atomic():
            dossier = Dossier.objects.select_for_update().get(pk=dossier_id)
            keep(dossier, _deadlines(dossier))
            mended += 1
    return mended


def _deadlines(dossier: Dossier) -> list[Deadline]:
    return kind(dossier.kind, dossier.kind_version).deadlines(Folded.from_json(dossier.folded).state)
