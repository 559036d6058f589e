"""The program with a clock that is wrong: ``python -m tests.system.skewed run``, ahead by the seconds of TANSIQ_TEST_SKEW."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

SKEW = "TANSIQ_TEST_SKEW"


def apply() -> None:
    """Set the clock of this process and of those it forks, before anything of the program has taken hold of it."""
    ahead = timedelta(seconds=float(os.environ.get(SKEW, "0")))
    if not ahead:
        return
    from django.utils import timezone

    from tansiq.node.cli import session

    def now() -> datetime:
        return datetime.now(UTC) + ahead

    session.now = now
    timezone.now = now


if __name__ == "__main__":
    apply()
    from tansiq.node.cli import main

    main()
