"""RFC 8785: the published input, output and byte vectors."""

from __future__ import annotations

import pytest

from tansiq.engine.formats import canonical, strict_json
from tests.shared import shared_path

WITH_FLOATS = strict_json.Limits(allow_floats=True)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_canonical_bytes_are_the_published_ones(name: str) -> None:
    base = shared_path("vectors/jcs-rfc8785")
    value = strict_json.loads((base / "input" / f"{name}.json").read_bytes(), limits=WITH_FLOATS)
    written = canonical.dumps(value, allow_floats=True)
    assert written == (base / "output" / f"{name}.json").read_bytes()
    assert written == bytes.fromhex((base / "outhex" / f"{name}.txt").read_text())
    assert canonical.loads(written, limits=WITH_FLOATS) == value


def test_no_published_vector_was_forgotten() -> None:
    assert len(list(shared_path("vectors/jcs-rfc8785/input").iterdir())) == 6
