"""Record the golden vectors of kind versions that have none yet.

    python tools/kind_vectors.py              the versions that have no file
    python tools/kind_vectors.py --again      all of them: only before a version has ever been used

Vectors stand in ``tests/engine/kinds/golden/``. What is recorded there binds: dossiers of that version are judged
like this for ever, on every node.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from tansiq.engine.kinds.registry import kind  # noqa: E402
from tests.engine.kinds.golden import FOLDER, path_of, record  # noqa: E402
from tests.engine.kinds.samples import SAMPLES  # noqa: E402


def main(arguments: list[str]) -> int:
    """Write what is asked for and say what was written."""
    FOLDER.mkdir(exist_ok=True)
    for (name, version), (samples, participants) in sorted(SAMPLES.items()):
        path = path_of(kind(name, version))
        if path.exists() and "--again" not in arguments:
            print(f"kept      {path.relative_to(ROOT)}")
            continue
        vectors = record(kind(name, version), samples, participants)
        path.write_text(json.dumps(vectors, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"recorded  {path.relative_to(ROOT)} ({len(vectors['lives'])} lives)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
