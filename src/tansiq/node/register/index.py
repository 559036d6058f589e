"""The index of this process: an in-memory ``engine.matching.Index`` that follows the register by change number.

It is built when first asked, from the sealed cards (nothing in clear on disk), and brought up to date before every
search: one small query when nothing changed. Every process of a node has its own; they agree because they follow the
same numbers. An index on disk may take its place behind ``Follower``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from threading import RLock
from typing import Protocol

from tansiq.engine.matching import USUAL_MATCHES, Index, Label, Labels, Match, Query, Subject
from tansiq.node.register.queries import change_number, subjects_for_index
from tansiq.node.vault import keys

BATCH = 1000


class SearchIndex(Protocol):
    """What the register needs of an index: ``search`` may run while another thread adds or removes."""

    def add(self, subjects: Iterable[tuple[Subject, Iterable[Label]]]) -> None: ...
    def remove(self, subject_ids: Iterable[str]) -> None: ...
    def search(self, query: Query, labels: Labels, limit: int = ...) -> list[Match]: ...


class Follower:
    """Keeps an index at the register's last change; safe to use from several threads."""

    def __init__(self, make: Callable[[], SearchIndex] = Index) -> None:
        self._make = make
        self._index: SearchIndex = make()
        self._number = 0
        self._lock = RLock()

    @property
    def number(self) -> int:
        """The number of the last change the index holds."""
        return self._number

    def search(self, query: Query, labels: Labels, limit: int = USUAL_MATCHES) -> list[Match]:
        """The best visible subjects for ``query``, as the register is now; raises what ``Index.search`` raises.

        Raises Unavailable("vault.locked") while the node is locked, even if the index was built before.
        """
        keys.current()
        with self._lock:
            self.follow()
            index = self._index
        # Not under the lock: a search works on a snapshot, and one long search must not hold up every other.
        return index.search(query, labels, limit)

    def follow(self) -> int:
        """Take over what changed in the register since; returns how many changes that were."""
        with self._lock:
            last = change_number()
            if last < self._number:
                # The database was restored to an earlier state under us: nothing the index knows can be trusted.
                self._index, self._number = self._make(), 0
            if last == self._number:
                return 0
            count = 0
            changes = subjects_for_index(self._number)
            while batch := list(islice(changes, BATCH)):
                # One subject may come twice, first as it was and then as it became: the later one holds.
                latest = {change.subject_id: change for change in batch}
                self._index.remove([c.subject_id for c in latest.values() if c.subject is None])
                self._index.add([(c.subject, c.labels) for c in latest.values() if c.subject is not None])
                self._number = batch[-1].number
                count += len(batch)
            return count


_holder: Follower | None = None
_making = RLock()


def holder() -> Follower:
    """The index of this process, made when first asked."""
    global _holder  # noqa: PLW0603 - one index per process is the point
    with _making:
        if _holder is None:
            _holder = Follower()
        return _holder


def forget() -> None:
    """Drop the index of this process (the node was locked, restored, or a test is over).

    The next search builds it anew.
    """
    global _holder  # noqa: PLW0603
    with _making:
        _holder = None
