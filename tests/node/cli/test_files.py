"""Files on the command line: attached with an act, and opened again byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tansiq.node.cli import cli
from tansiq.node.dossiers.models import Part
from tansiq.node.exchange.models import Blob
from tests.node import clamd
from tests.node.far_files import content, wipe
from tests.node.flows.test_files import upload
from tests.node.world import PASSWORD, World


@pytest.fixture(autouse=True)
def fresh_disk() -> Iterator[None]:
    wipe()
    yield
    wipe()


def test_a_file_is_attached_and_opened(world: World, tmp_path: Path, settings: Any, monkeypatch: Any) -> None:
    world.accord("ma")
    dossier = world.ask("ma")
    source, target, secret = tmp_path / "scan.bin", tmp_path / "out.bin", tmp_path / "password"
    source.write_bytes(content(200_000))
    secret.write_text(PASSWORD)
    monkeypatch.setattr("tansiq.node.cli.session.Session.unlock", lambda self: None)
    told = ["--home", str(settings.NODE.home), "--as", "liaison", "--password-file", str(secret), "dossier"]
    run = CliRunner()
    done = run.invoke(cli, [*told, "act", dossier, "remind", "--attach", str(source)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    part = Part.objects.get(type="file")
    where = [dossier, part.entry_id, str(part.index), str(target)]
    done = run.invoke(cli, [*told, "open-file", *where], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert target.read_bytes() == source.read_bytes()
    assert not Path(f"{target}.new").exists()


def test_what_is_here_is_looked_at_again(world: World, settings: Any, monkeypatch: Any) -> None:
    row = upload(world, content(1_000) + clamd.TEST_FILE)
    monkeypatch.setattr("tansiq.node.cli.session.Session.unlock", lambda self: None)
    words = ["--home", str(settings.NODE.home), "scan-files"]
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, "1 files, 0 held back\n")
    with clamd.door() as place:
        settings.NODE = replace(settings.NODE, file_scanner=place)
        done = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (1, "1 files, 1 held back\n")
    assert Blob.objects.get(pk=row.blob).danger == "file.malware"
