"""May this officer see, add to or erase a record? Pure: values in, yes or no out.

``may_see`` and ``visible_to`` say the same thing, once about a row in hand and once for the database; ``labels_of`` and
``labels_for`` say it a third time for the index. A test holds the three together.

A record of a circle is for the officers of that circle; one without a circle is for every officer whose role reads the
register. The data-protection officer sees every record, for somebody must review and erase; administrators and
auditors see none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from django.db.models import Q

from tansiq.engine.matching import Labels
from tansiq.node.accounts.policy import may

READING_ROLES = frozenset({"liaison", "analyst", "prosecutor", "duty", "approver"})
OVERSEEING_ROLES = frozenset({"data_protection"})
WHOLE_NODE = ""
LONGEST_KEEP = timedelta(days=3 * 365)
"""Nothing is kept longer than this without another look (as Regulation (EU) 2016/794 art. 31 has it; general knowledge)."""
FORMER_KEPT = timedelta(days=365)
"""How long a listing is kept that its list has dropped, before somebody must decide."""
ESCALATE_AFTER = timedelta(days=14)
"""How long a review may lie undecided before the data-protection officers have it too."""
EVERY = "every"
FORMER = "former:"


class OfficerLike(Protocol):
    """What a policy needs to know of an officer; ``reference`` is the opaque officer id as text."""

    @property
    def reference(self) -> str: ...
    @property
    def circles(self) -> frozenset[str]: ...
    @property
    def roles(self) -> list[str]: ...


class Recorded(Protocol):
    """Anything that belongs to a circle and was made by somebody."""

    circle: str
    created_by: str
    origin: str


class Reachable(Protocol):
    """Anything that others may or may not find."""

    circle: str
    discoverability: str
    delisted_at: object


def is_overseeing(officer: OfficerLike) -> bool:
    """Whether ``officer`` looks after every record and every copy, whoever's they are."""
    return bool(set(officer.roles) & OVERSEEING_ROLES)


def may_see(officer: OfficerLike, record: Recorded) -> bool:
    """Whether ``officer`` needs to know ``record``."""
    roles = set(officer.roles)
    if roles & OVERSEEING_ROLES:
        return True
    return bool(roles & READING_ROLES) and (record.circle == WHOLE_NODE or record.circle in officer.circles)


def visible_to(officer: OfficerLike) -> Q:
    """``may_see`` as a condition on rows."""
    roles = set(officer.roles)
    if roles & OVERSEEING_ROLES:
        return Q()
    if not roles & READING_ROLES:
        return Q(pk__in=[])
    return Q(circle__in=circles_of(officer) or [])


def circles_of(officer: OfficerLike) -> list[str] | None:
    """The circles whose records ``officer`` sees; None is every circle."""
    roles = set(officer.roles)
    if roles & OVERSEEING_ROLES:
        return None
    return [WHOLE_NODE, *sorted(officer.circles)] if roles & READING_ROLES else []


def may_write(officer: OfficerLike, record: Recorded) -> bool:
    """Whether ``officer`` may add to, correct or judge ``record``."""
    return may_see(officer, record) and may(officer.roles, "register")


def may_keep_in(officer: OfficerLike, circle: str) -> bool:
    """Whether ``officer`` may put a record into ``circle``: one of the officer's own, or the whole node."""
    return circle == WHOLE_NODE or circle in officer.circles


def may_erase(officer: OfficerLike, record: Recorded) -> bool:
    """Whether ``officer`` may erase ``record``: the data-protection officer any, the author of a record that one."""
    if set(officer.roles) & OVERSEEING_ROLES:
        return True
    return may_write(officer, record) and record.origin == "officer" and record.created_by == officer.reference


def labels_of(record: Reachable) -> frozenset[str]:
    """The labels a subject carries in the index: who sees it in full, and what others may find of it.

    A delisted subject carries labels of its own, so that it is found only by those who ask for former listings too.
    """
    former = "" if record.delisted_at is None else FORMER
    labels = (EVERY, f"see:{record.circle}", f"find:{record.discoverability}")
    return frozenset(f"{former}{label}" for label in labels)


def labels_for(officer: OfficerLike, *, is_former_wanted: bool = False) -> Labels:
    """The labels of what ``officer`` sees in full, former listings included if wanted."""
    roles = set(officer.roles)
    if roles & OVERSEEING_ROLES:
        seen = [EVERY]
    elif roles & READING_ROLES:
        seen = [f"see:{circle}" for circle in (WHOLE_NODE, *sorted(officer.circles))]
    else:
        seen = []
    return Labels.of(*seen, *(f"{FORMER}{label}" for label in seen if is_former_wanted))


def labels_of_matches(circle: str) -> Labels:
    """The labels of what a machine may match for its owner: what others may find or what is silent, and all of ``circle`` itself."""
    return Labels.of("find:hit", "find:contact", "find:silent", f"see:{circle}")


def labels_of_others(*discoverabilities: str) -> Labels:
    """The labels of what somebody outside every circle may find: ``labels_of_others("contact", "hit")``."""
    return Labels.of(*(f"find:{name}" for name in discoverabilities))
