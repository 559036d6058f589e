"""The checks, a module for each matter; importing this package puts them all on the list."""

from __future__ import annotations

from tansiq.conformance.checks import (  # noqa: F401 - importing is what registers them
    accords,
    arriving,
    blobs,
    connections,
    entries,
    fetching,
    items,
    keys,
    logs,
    refusing,
)
