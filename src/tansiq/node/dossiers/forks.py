"""Two entries of one author in one place: which they are, as signed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tansiq.engine.dossiers import entries
from tansiq.engine.envelopes import dsse
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier, Entry


def signed_by(author: str) -> Iterator[dict[str, Any]]:
    """Every place at which ``author`` signed more than one entry: {dossier, after: entry or None, headers: DSSE envelopes}.

    Headers hold no content, and outlive it.
    """
    for dossier in Dossier.objects.exclude(equivocation=None).order_by("dossier_id").iterator():
        places = [after for who, after in dossier.equivocation if who == author]
        if places:
            told = [(entries.read_header(bytes(row.header)).prev, row) for row in queries.entries_from(dossier, author)]
            for after in places:
                headers = [_signed(row).to_json() for prev, row in told if prev == after]
                yield {"dossier": dossier.dossier_id, "after": after, "headers": headers}


def _signed(row: Entry) -> dsse.Signed:
    return queries.signed_entry(row).signed
