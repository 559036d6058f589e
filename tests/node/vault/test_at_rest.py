"""Sealed at rest: after a whole journey the store, its write-ahead log and a backup hold no name, text, reference or search term."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.envelopes import age, bodies
from tansiq.engine.formats.times import format_time
from tansiq.node.cli import copies
from tansiq.node.dossiers import actions as dossiers
from tansiq.node.dossiers import queries
from tansiq.node.flows import act as flow
from tansiq.node.flows import searching
from tansiq.node.flows.reading import read_dossier
from tansiq.node.flows.searching import Fields
from tansiq.node.partners import actions as partners
from tansiq.node.register import actions as register
from tests.node.flows.test_approvals import about_victim, laid
from tests.node.flows.test_searching import query
from tests.node.flows.test_taking import _refuse_suspects, report_by
from tests.node.world import World, narrative, question_parts, request

SECRETS = {
    "name sent": "Zbigniewsky Qwertalami",
    "arabic name sent": "كرنبالزيتوني الغطمشي",
    "name received": "Hrafnkelsdottiry Oquoniso",
    "name in the register": "Wojtyllaxen Ferramundi",
    "passport": "ZX99887766",
    "narrative": "hidden under the seventh olive tree",
    "answer": "known since the winter of the two snows",
    "reference": "PV-QQ-778899",
    "title": "Operation Marmaladenbrot",
    "case": "Affaire Pomegranatestone",
    "note": "ask the harbourmaster's cousin",
    "search term": "Iskanderunov Palaiologina",
    "search reference": "REF-XK-445566",
    "draft text": "drafted upon a paper napkin",
    "victim": "Thessaloniketa Amberwood",
    "reason": "same scar above the left eyebrow",
    "local rule": "Decree of the Crocus Garden",
    "waiting": "waits behind the blue lantern",
    "quarantined": "kept in the cobaltblueish bottle",
    "asked by a partner": "Montgolfierov Zeppelina",
}


@pytest.fixture
def committed_world(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose transactions really commit."""
    from tansiq.node.register import index

    index.forget()
    world = World(monkeypatch)
    world.staff()
    world.partner("ma")
    yield world
    index.forget()


def journey(world: World) -> None:
    """Everything that a node does with content."""
    s, ma, now = SECRETS, world.fars["ma"], world.now
    accord = world.accord("ma")
    liaison = world.officer("liaison")
    parts = (*question_parts(s["name sent"], s["narrative"]), narrative("facts", s["arabic name sent"]))
    told = request("ma", parts=parts, title=s["title"], reference=s["reference"])
    case = dossiers.open_case(liaison, s["case"], circle="unit:ops", now=now)
    dossier = flow.act(liaison, replace(told, case=str(case.case_id)), now=now).dossier_id
    ma.is_down = True
    world.settle()
    ma.is_down = False
    world.later(minutes=20)
    world.settle()
    world.arrive(ma, *ma.machine(dossier, world.now))
    answer = ma.act(dossier, "answer", world.now, codes={"extent": "full"}, parts=[narrative("answer", s["answer"])])
    world.arrive(ma, answer)
    read_dossier(liaison, dossier, now=world.now)
    dossiers.write_note(liaison, queries.dossier_by_id(dossier), s["note"], now=world.now)
    laid(world, parts=(*about_victim(s["victim"]), narrative("facts", s["draft text"])))
    content = {
        "schema": "Person",
        "properties": {"name": [s["name in the register"]], "passportNumber": [s["passport"]]},
    }
    one = register.add_subject(liaison, content, circle="unit:ops", discoverability="hit", now=world.now)
    asked = world.asked_by(ma, accord=accord, name=s["name received"])
    world.arrive(ma, asked)
    world.settle()
    (two,) = _received(asked.entry_id)
    register.judge(liaison, one.pk, two.pk, verdict="same", reason=s["reason"], now=world.now)
    searching.search(
        liaison,
        Fields(names=(s["search term"],)),
        purpose="investigation",
        reference=s["search reference"],
        ask=["ma"],
        now=world.now,
    )
    world.arrive(ma, query(fields={"names": [s["asked by a partner"]]}))
    world.settle()
    unknown = ma.open(
        "request",
        ["fr"],
        world.now,
        codes=ASKED,
        parts=question_parts("X", s["waiting"]),
        accord="a" * 64,
        accord_version="b" * 64,
    )
    world.arrive(ma, unknown)
    _refuse_suspects(world)
    report = report_by(world, ma, accord, ["fr"], s["quarantined"])
    world.arrive(ma, report)
    world.settle()
    recall = ma.act(report.entry_id, "recall", world.now, codes={"due": format_time(world.now + timedelta(days=1))})
    world.arrive(ma, recall)
    world.arrive(ma, bodies.Item("melody", {"text": s["waiting"]}))
    rule = LocalRule(clause=s["local rule"], outcome="refuse", acts=("print",))
    partners.set_local_rules(LocalRules(node="fr", rules=(rule,)), actor="dpo", now=world.now)
    world.settle()


ASKED = {
    "purpose": "investigation",
    "crime_area": "0601",
    "use": "intelligence",
    "restrictions": "none",
    "urgency": "life_or_limb",
}


def _received(entry_id: str) -> list[Any]:
    from tansiq.node.register.queries import received_from

    return received_from(entry_id)


def writings(secret: str) -> Iterator[bytes]:
    """The bytes by which the secret could stand somewhere: plain, escaped, in base64 at any place, folded."""
    raw = secret.encode()
    yield from (raw, raw.lower(), raw.upper(), raw.hex().encode())
    yield json.dumps(secret)[1:-1].encode()
    yield secret.encode("utf-16-le")
    for shift in range(3):
        start = -(-shift * 8 // 6)
        yield base64.b64encode(b"x" * shift + raw)[start + 1 : -5]
    for word in secret.split():
        if len(word) > 8:
            yield word.encode()


def leaks(raw: bytes) -> list[str]:
    """Which secrets stand in these bytes."""
    return [what for what, secret in SECRETS.items() if any(form in raw for form in writings(secret))]


def test_what_would_be_found() -> None:
    """The search finds what is there, in each writing."""
    for secret in SECRETS.values():
        for form in writings(secret):
            assert leaks(b"...." + form + b"....") != [], form
    assert leaks(base64.b64encode(b"ab" + SECRETS["narrative"].encode() + b"zz")) == ["narrative"]


def test_neither_the_store_nor_a_backup_holds_content_in_clear(committed_world: World, tmp_path: Path) -> None:
    world = committed_world
    journey(world)
    found = {}
    for model in apps.get_models(include_auto_created=True):
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            rows = b"\n".join(_raw(value) for row in cursor.fetchall() for value in row)
        if told := leaks(rows):
            found[model._meta.label] = told
    assert found == {}
    if connection.vendor != "sqlite":
        return
    place = Path(connection.settings_dict["NAME"])
    for file in (place, Path(f"{place}-wal")):
        assert file.stat().st_size > 0
        assert leaks(file.read_bytes()) == [], file.name
    _no_leak_in_a_backup(tmp_path)
    _the_search_would_have_found_it(world)


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return json.dumps(value, ensure_ascii=False).encode() if isinstance(value, dict | list) else str(value).encode()


def _no_leak_in_a_backup(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "node.toml").write_text('node_id = "fr"\n', encoding="utf-8")
    target = tmp_path / "copy.age"
    size = copies.write(home, target, "seven lamps beside the quiet harbour")
    raw = target.read_bytes()
    assert size == len(raw) > 100_000
    assert leaks(raw) == []
    assert b"SQLite format" not in raw
    plain = age.decrypt(raw, [age.ScryptIdentity("seven lamps beside the quiet harbour")])
    assert b"SQLite format" in plain
    assert leaks(plain) == [], "nor does what the copy holds, once it is opened"
    assert [p.name for p in home.iterdir()] == ["node.toml"], "nothing plain is left behind"


def _the_search_would_have_found_it(world: World) -> None:
    """The same search over what an unlocked node reads finds every secret: so all of them were there, sealed."""
    from tests.node.world import rows

    everything = json.dumps(rows(), default=_shown, ensure_ascii=False).encode()
    from tansiq.node.exchange.models import Item

    assert Item.objects.exists()
    assert set(SECRETS) - set(leaks(everything)) == {"quarantined", "asked by a partner"}, "recalled; never kept"


def _shown(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
