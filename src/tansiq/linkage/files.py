"""What stands on a command line: a table with columns of its own, or a list of subjects."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tansiq.engine.errors import Rejected

_TABLES = (".csv", ".parquet")


@dataclass(frozen=True)
class Side:
    """A file that can be linked; ``is_table`` when its columns are the asker's own."""

    path: Path
    is_table: bool


def opened(name: str, folder: Path, *, fields: str) -> Side:
    """The file that a name on the command line stands for; standard input is kept in ``folder``.

    Raises ``Rejected("matching.no_file")``.
    """
    if name == "-":
        path = folder / "input"
        with path.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
    else:
        path = Path(name)
        if not path.is_file():
            raise Rejected("matching.no_file", at=name[:200])
    return Side(path, is_table=bool(fields) or path.suffix.lower() in _TABLES)
