"""Settings for the test run: the node's own, in a fresh home, on SQLite or (TANSIQ_TEST_DB=postgres://…) on PostgreSQL."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_home = Path(tempfile.mkdtemp(prefix="tansiq-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
(_home / "node.toml").write_text(
    'node_id = "fr"\nstate = "FR"\nlanguage = "en"\ndemo = true\nnames = {ar = "عقدة فرنسا", fr = "Nœud France", en = "Node France"}\n',
    encoding="utf-8",
)
os.environ["TANSIQ_HOME"] = str(_home)
os.environ.pop("TANSIQ_DATABASE_URL", None)
if os.environ.get("TANSIQ_TEST_DB"):
    os.environ["TANSIQ_DATABASE_URL"] = os.environ["TANSIQ_TEST_DB"]

from tansiq.node.site.settings import *  # noqa: E402, F403
from tansiq.node.site.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and processes of a test share it, and WAL is what a node runs on.
    DATABASES["default"]["TEST"] = {"NAME": str(_home / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
