"""Where tests find the public data and vectors that are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_path(relative: str) -> Path:
    """The path of shared material, or a skip that says what is missing and how to provide it."""
    base = Path(os.environ.get("TANSIQ_SHARED", ROOT.parent / "shared"))
    path = base / relative
    if not path.exists():
        pytest.skip(f"needs shared material {relative!r}: set TANSIQ_SHARED to the folder that holds it")
    return path
