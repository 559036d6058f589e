"""What is found about a clause, and the list of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tansiq.conformance.clauses import CLAUSES, Clause

if TYPE_CHECKING:
    from tansiq.conformance.stage import Stage

PASS: Final = "pass"  # noqa: S105 - a verdict
FAIL: Final = "fail"
NOT_APPLICABLE: Final = "not applicable"


class Broken(Exception):
    """The node does not keep the clause: what was done, what it had to answer, what it answered."""


class NotApplicable(Exception):
    """The clause cannot be judged here, and why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One clause, judged."""

    clause: Clause
    verdict: str
    told: str = ""


Check = Callable[["Stage"], None]
CHECKS: Final[dict[str, Check]] = {}
"""One check for every clause."""


def check(number: str) -> Callable[[Check], Check]:
    """Register the function as the check of that clause; it returns where the clause is kept."""

    def keep(function: Check) -> Check:
        if number in CHECKS or number not in CLAUSES:
            raise ValueError(number)
        CHECKS[number] = function
        return function

    return keep
