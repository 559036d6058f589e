"""Loading what the matcher needs before it is needed: tables and compiled code, a second of one processor."""

from __future__ import annotations

from tansiq.engine.matching.index import Index
from tansiq.engine.matching.subjects import Labels, Query, Subject

_LABEL = "warming"


def warm() -> None:
    """Index and find one invented name of each script, so that whoever asks next does not wait, and forked processes share what was loaded."""
    index = Index()
    index.add([(Subject("warming", names=("Mohamed Chérif", "Мохаммед Шариф"), birth_dates=("1960-05-12",)), [_LABEL])])
    index.search(Query(("محمد الشريف",), birth_dates=("1960",)), Labels.of(_LABEL), limit=1)
