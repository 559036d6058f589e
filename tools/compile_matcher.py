"""Compile the matcher once, at set-up, so that the processes of a node find it compiled instead of each compiling it."""

from __future__ import annotations

from tansiq.engine.matching import Index, Labels, Query, Subject


def main() -> None:
    """One subject, one search across scripts."""
    index = Index()
    index.add([(Subject("1", names=("سمير", "Samir"), birth_dates=("1990",)), {"seen"})])
    index.search(Query(names=("Samir",), birth_dates=("1990",)), Labels.of("seen"))


if __name__ == "__main__":
    main()
