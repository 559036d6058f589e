"""``tansiq import`` and ``tansiq export`` as commands: every format, the dry run's rows, a copy in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tansiq.engine.errors import Rejected
from tansiq.node.cli import GROUPS
from tansiq.node.cli.register import COMMANDS
from tansiq.node.cli.session import Session
from tansiq.node.register.models import Subject
from tests.engine.entities.invented import FIRST, un_list
from tests.engine.entities.lists.invented_ofac import ENTITY, ENTRY, PERSON, enhanced_xml, sdn_csv, sdn_xml
from tests.engine.entities.lists.test_ftm import EDGE, lines
from tests.engine.entities.lists.test_ftm import PERSON as FTM_PERSON
from tests.engine.entities.lists.test_mapped_csv import MAPPING, TEXT
from tests.node.register.officers import ANALYST

pytestmark = pytest.mark.django_db


class SignedIn(Session):
    """A session whose officer has signed in."""

    def officer(self) -> Any:
        return ANALYST


def run(*args: str, as_json: bool = True) -> Result:
    command, *rest = args
    return CliRunner().invoke(COMMANDS[command], rest, obj=SignedIn(home="", as_json=as_json), catch_exceptions=True)


@pytest.mark.parametrize(
    ("name", "raw", "more"),
    [
        ("un", un_list(FIRST), ()),
        ("ofac-csv", sdn_csv(PERSON), ()),
        ("ofac-xml", sdn_xml(ENTRY), ()),
        ("ofac-xml", enhanced_xml(ENTITY), ()),
        ("ofac-xml", sdn_xml(ENTRY), ("--list", "ofac-sdn-xml")),
        ("ftm", lines(FTM_PERSON, EDGE), ("--list", "invented", "--name", "An invented list")),
        ("csv", TEXT.encode(), ("--mapping", "mapping.toml")),
    ],
)
def test_every_format_has_its_command(name: str, raw: bytes, more: tuple[str, ...], tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(raw)
    (tmp_path / "mapping.toml").write_text(MAPPING.format(encoding="utf-8"), encoding="utf-8")
    options = [str(tmp_path / option) if option == "mapping.toml" else option for option in more]
    dry = run("import", name, str(source), *options, "--dry-run")
    assert dry.exit_code == 0, dry.exception
    told = json.loads(dry.stdout)
    assert (told["dry_run"], told["counts"]["added"], Subject.objects.count()) == (True, len(told["sample"]), 0)
    shown = run("import", name, str(source), *options, "--dry-run", as_json=False).stdout
    assert "name:" in shown
    done = json.loads(run("import", name, str(source), *options).stdout)
    assert done["counts"]["added"] == Subject.objects.count() > 0
    again = json.loads(run("import", name, str(source), *options).stdout)
    assert (again["counts"]["added"], again["counts"]["changed"]) == (0, 0)


def test_a_copy_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "copy.ftm.json"
    source.write_bytes(un_list(FIRST))
    run("import", "un", str(source))
    refused = run("export", "ftm", "--out", str(out), "--purpose", "curiosity")
    assert isinstance(refused.exception, Rejected)
    assert list(tmp_path.iterdir()) == [source]
    told = json.loads(run("export", "ftm", "--out", str(out), "--purpose", "investigation").stdout)
    assert told["subjects"] == 1
    assert json.loads(out.read_text().splitlines()[0])["tansiq"]["copy_number"] == told["copy_number"]
    assert out.stat().st_mode & 0o077 == 0
    assert run("export", "csv", "--out", str(out), "--purpose", "investigation").exit_code != 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.ftm.json", "source"]


def test_both_groups_are_commands_of_tansiq() -> None:
    assert GROUPS["import"] == GROUPS["export"] == "register"
