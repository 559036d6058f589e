"""An officer who asks blindly, one question after another, as fast as answers stand in the store; run with a node's environment.

    python -m bench.blind.asker PARTNER QUESTIONS MARKS

Before the first question the partner's filters are replaced by some of MARKS uniform marks each – what those of a large register are to
whoever looks up in them; the partner's evaluation does not depend on how many records it has. Prints one JSON value.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Ask, and tell how long each answer took."""
    from tansiq.node.cli.session import now, start_django

    home = Path(os.environ["TANSIQ_HOME"])
    start_django(home)
    from tansiq.node.accounts.queries import get_officer
    from tansiq.node.flows import searching
    from tansiq.node.vault import keys

    keys.unlock(home, Path(os.environ["TANSIQ_PASSPHRASE_FILE"]).read_text(encoding="utf-8").rstrip("\n"))
    partner, count, marks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if marks:
        widen(partner, marks)
    times = []
    for number in range(count):
        fields = searching.Fields(
            names=("يوسف الزياني",),
            birth_dates=(f"19{50 + number % 50}-03-17",),
            identifiers=(("passport", f"XK{number:07}"),),
        )
        begin = time.perf_counter()
        row = searching.search(
            get_officer("liaison"),
            fields,
            purpose="investigation",
            crime_area="0601",
            reference="bench",
            ask=(partner,),
            blindly=True,
            now=now(),
        )
        times.append(_answered(row, begin))
    print(json.dumps({"seconds": times, "envelopes": _sizes(partner)}))


def _answered(row: Any, begin: float) -> float:
    from tansiq.node.search.models import Asked

    while True:
        state = Asked.objects.values_list("state", flat=True).get(search=row)
        if state != Asked.WAITING:
            if state == Asked.REFUSED:
                raise SystemExit(Asked.objects.values_list("code", flat=True).get(search=row))
            return time.perf_counter() - begin
        time.sleep(0.001)


def widen(partner: str, count: int) -> None:
    """Put filters of ``count`` uniform marks in the place of those that are held."""
    import numpy as np

    from tansiq.engine.blind import filters
    from tansiq.node.search import blind_queries as queries

    epoch = queries.usable_epoch(partner)
    if epoch is None:
        raise SystemExit("the partner's filters are not here")
    bits = filters.bucket_bits_for(count)
    for row in epoch.filters.all():
        drawn = np.frombuffer(os.urandom(8 * count), dtype=np.uint64) >> np.uint64(64 - bits - filters.REMAINDER_BITS)
        made = filters.Filter(bits, np.unique(drawn))
        row.content, row.digest = made.to_bytes(), made.digest()
        row.save(update_fields=["content", "digest"])


def _sizes(partner: str) -> list[int]:
    """Bytes of the last envelopes that this node sent to the partner."""
    from tansiq.node.exchange.models import OutEnvelope

    return list(OutEnvelope.objects.filter(partner=partner).order_by("-created_at").values_list("size", flat=True)[:5])


if __name__ == "__main__":
    main()
