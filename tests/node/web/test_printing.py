"""A dossier on paper: asked for with purpose and reason, permitted by everybody whose words it shows, numbered, marked, called back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from tansiq.engine.accords.markings import Marking
from tansiq.engine.errors import Refused, Rejected, Unavailable
from tansiq.node.audit.models import Event
from tansiq.node.dossiers import queries
from tansiq.node.flows import printing as flow
from tansiq.node.flows import reaching
from tansiq.node.register import exporting, prints
from tansiq.node.register.models import Export
from tansiq.node.web import printing
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing, narrative

pytestmark = pytest.mark.django_db(transaction=True)

WHY: dict[str, Any] = {"purpose": "investigation", "reason": "Audience du 3 décembre"}


@pytest.fixture
def asked(world: World) -> tuple[World, str]:
    """A request of ``ma`` that is answered here, with conditions on the question."""
    accord = world.accord("ma")
    far = world.fars["ma"]
    arrived = world.asked_by(far, accord=accord)
    world.arrive(far, arrived)
    world.settle()
    return world, arrived.dossier


def html_of(world: World, dossier: str, language: str = "fr", **told: Any) -> list[str]:
    """The pages' source of every copy, as it is handed to the layout."""
    with override_settings(PRINT_RENDERER="tansiq.node.web.printing.source"):
        made = flow.print_dossier(world.officer("liaison"), dossier, language=language, **(WHY | told), now=world.now)
    return made.raw.decode().split("\f")


@pytest.fixture
def quick() -> Iterator[None]:
    """Print the source alone: the layout is tried in tests of its own."""
    with override_settings(PRINT_RENDERER="tansiq.node.web.printing.source"):
        yield


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ar", ["النسخة 2 من 2", "طبعها", "ملحق الإثبات", 'dir="rtl"']),
        ("fr", ["Exemplaire 2 sur 2", "Imprimé par", "Annexe de preuve", 'dir="ltr"']),
        ("en", ["Copy 2 of 2", "Printed by", "Evidence annex", 'dir="ltr"']),
        ("it", ["Copia 2 di 2", "Stampato da", "Allegato probatorio", 'dir="ltr"']),
        ("fa", ["نسخهٔ 2 از 2", "چاپ‌کننده", "پیوست ادله", 'dir="rtl"']),
    ],
)
def test_every_copy_says_what_it_is(asked: tuple[World, str], language: str, words: list[str]) -> None:
    world, dossier = asked
    pages = html_of(world, dossier, language, copies=2)
    numbers = [row.copy_number for row in Export.objects.order_by("copy_number")]
    assert len(pages) == len(numbers) == 2
    for word in [*words, "Liaison", "Audience du 3 décembre", "2026-11-22 09:00 UTC", f"{numbers[1]:08d}", dossier]:
        assert word in pages[1], word
    row = queries.entry_by_id(dossier)
    assert row is not None
    entry = queries.signed_entry(row)
    for ref in entry.header.parts:
        assert ref.commitment in pages[0]
    assert entry.signatures[0].key_id in pages[0]


def test_it_is_a_pdf_with_pages_that_carry_marking_and_number(asked: tuple[World, str], tmp_path: Path) -> None:
    world, dossier = asked
    made = flow.print_dossier(world.officer("liaison"), dossier, language="fr", copies=2, **WHY, now=world.now)
    assert made.raw.startswith(b"%PDF-")
    rows = Export.objects.order_by("copy_number")
    assert [row.copy_number for row in rows] == made.numbers
    assert {(row.form, row.file_digest, row.purpose) for row in rows} == {("pdf", made.file_digest, "investigation")}
    path = tmp_path / "copy.pdf"
    path.write_bytes(made.raw)
    try:
        text = subprocess.run(
            ["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True
        ).stdout
    except FileNotFoundError:
        pytest.skip("needs pdftotext (poppler-utils) to read the pages back")
    sheets = [page for page in text.split("\f") if page.strip()]
    assert len(sheets) >= 4
    for page in sheets:
        assert re.search(r"Exemplaire [12] sur 2", page)
        assert re.search(r"N° ?\d{8}", page)
        assert "2026-11-22 09:00 UTC" in page


@pytest.mark.usefixtures("quick")
def test_numbers_are_of_one_row_with_exports_and_audited_with_the_reason(asked: tuple[World, str]) -> None:
    import io

    world, dossier = asked
    first = flow.print_dossier(world.officer("liaison"), dossier, language="en", **WHY, now=world.now)
    report = exporting.export_subjects(
        world.officer("liaison"), "jsonl" if "jsonl" in exporting.FORMS else next(iter(exporting.FORMS)),
        io.BytesIO(), purpose="investigation", now=world.now,
    )  # fmt: skip
    second = flow.print_dossier(world.officer("liaison"), dossier, language="en", **WHY, now=world.now)
    assert first.numbers[0] < report.copy_number < second.numbers[0]
    told = Event.objects.filter(event="dossier.printed").latest("pk").told["facts"]
    assert (told["reason"], told["copies"]) == ("Audience du 3 décembre", second.numbers)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"purpose": "curiosity"}, "codes.unknown_code"),
        ({"reason": "  "}, "print.reason"),
        ({"reason": "x" * 501}, "print.reason"),
        ({"copies": 0}, "print.copies"),
        ({"copies": 21}, "print.copies"),
        ({"language": "es"}, "print.language"),
        ({"entry": "0" * 64}, "print.no_such_entry"),
    ],
)
def test_what_is_wrong_takes_no_number(asked: tuple[World, str], told: dict[str, Any], code: str) -> None:
    world, dossier = asked
    with leaves_nothing(but=()), pytest.raises(Rejected) as caught:
        flow.print_dossier(world.officer("liaison"), dossier, **{"language": "en", **WHY, **told}, now=world.now)
    assert caught.value.code == code


def test_who_may_not_see_or_print_gets_nothing(asked: tuple[World, str]) -> None:
    world, dossier = asked
    with pytest.raises(Rejected, match=r"dossier[.]not_found"):
        flow.print_dossier(world.officer("stranger"), dossier, language="en", **WHY, now=world.now)
    with pytest.raises(Refused, match=r"account[.]role"):
        flow.print_dossier(world.officer("auditor"), dossier, language="en", **WHY, now=world.now)
    assert not Export.objects.exists()


def test_use_in_court_asks_the_provider(world: World) -> None:
    accord = world.accord("ma")
    far = world.fars["ma"]
    arrived = world.asked_by(far, accord=accord, parts=_marked(Marking(handling=frozenset({"H1"}))))
    world.arrive(far, arrived)
    world.settle()
    with pytest.raises(Refused, match=r"decide[.](evidence_consent|purpose_not_covered)") as caught:
        flow.print_dossier(
            world.officer("liaison"), arrived.dossier, **{**WHY, "purpose": "prosecution"}, language="en", now=world.now
        )
    assert caught.value.facts["blocks"] == "ma"
    assert not Export.objects.exists()
    assert Event.objects.filter(event="print.refused").exists()


@pytest.mark.usefixtures("quick")
def test_where_the_accord_asks_for_a_role_only_that_officer_prints(world: World) -> None:
    rule = {"role": "approver", "clause": "Art. 9(2)", "when": {"acts": ["print"]}}
    accord = world.accord("ma", approvals=[rule])
    arrived = world.asked_by(world.fars["ma"], accord=accord)
    world.arrive(world.fars["ma"], arrived)
    with pytest.raises(Refused, match=r"print[.]needs_role") as caught:
        flow.print_dossier(world.officer("liaison"), arrived.dossier, language="en", **WHY, now=world.now)
    assert caught.value.facts == {"role": "approver", "clause": "Art. 9(2)"}
    assert flow.print_dossier(world.officer("boss"), arrived.dossier, language="en", **WHY, now=world.now).numbers


def _marked(marking: Marking) -> tuple[Any, ...]:
    from dataclasses import replace

    from tests.node.world import question_parts

    return tuple(replace(part, marking=marking) for part in question_parts())


def test_one_entry_alone(asked: tuple[World, str]) -> None:
    world, dossier = asked
    pages = html_of(world, dossier, "en", entry=dossier)
    other = next(e for e in queries.entries_of(queries.dossier_by_id(dossier)) if e.row.entry_id != dossier)  # type: ignore[arg-type]
    assert pages[0].count('<article class="entry">') == 1
    assert f'class="code">{other.row.entry_id}' not in pages[0].split('class="evidence"')[1].split("Stands on")[0]


@pytest.mark.usefixtures("quick")
def test_a_recall_reaches_the_copies_that_show_the_entry(asked: tuple[World, str]) -> None:
    world, dossier = asked
    made = flow.print_dossier(world.officer("liaison"), dossier, language="en", copies=2, **WHY, now=world.now)
    row = queries.entry_by_id(dossier)
    assert row is not None
    assert [copy.copy_number for copy in prints.showing(dossier)] == made.numbers
    held = [copy for source in reaching.COPIES for copy in source(row, 0)]
    assert [(copy.kind, copy.number) for copy in held] == [("print", str(n)) for n in made.numbers]
    assert {copy.holder for copy in held} == {world.officer("liaison").reference}


def test_what_was_erased_is_not_printed(asked: tuple[World, str]) -> None:
    world, dossier = asked
    row = queries.entry_by_id(dossier)
    assert row is not None
    with transaction.atomic():
        reaching.erase(row, None, reason="recalled", now=world.now)
    page = html_of(world, dossier, "en")[0]
    assert "Samir Talbi" not in page
    assert "This part was erased" in page


def test_an_exercise_says_so_on_every_sheet(world: World) -> None:
    world.accord("ma")
    dossier = world.ask("ma", exercise=True)
    page = html_of(world, dossier, "ar")[0]
    assert 'class="exercise"' in page
    assert "تمرين" in page


def test_a_document_loads_nothing_but_fonts() -> None:
    for url in ("file:///etc/passwd", "http://example.org/x", "font:../../secret.woff2", "font:x.ttf", ""):
        with pytest.raises(ValueError, match="loads nothing"):
            printing.font_of(url)
    assert printing.font_of("font:amiri-arabic-400-normal.woff2").startswith(b"wOF2")


def test_a_machine_that_cannot_lay_out_says_what_it_lacks(
    asked: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import builtins

    world, dossier = asked
    real = builtins.__import__

    def lacks(name: str, *told: Any, **more: Any) -> Any:
        if name.startswith("weasyprint"):
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *told, **more)

    monkeypatch.setattr(builtins, "__import__", lacks)
    with pytest.raises(Unavailable) as caught:
        flow.print_dossier(world.officer("liaison"), dossier, language="en", **WHY, now=world.now)
    assert "libpango-1.0-0" in caught.value.facts["packages"]


def test_the_page_asks_and_gives(asked: tuple[World, str]) -> None:
    world, dossier = asked
    client = signed_in(world, "liaison", "fr")
    assert f"/dossiers/{dossier}/print/" in client.get(f"/dossiers/{dossier}/").content.decode()
    assert client.get(f"/dossiers/{dossier}/print/").status_code == 200
    empty = client.post(f"/dossiers/{dossier}/print/", {"copies": "1", "language": "fr"})
    assert empty.status_code == 400
    answer = client.post(f"/dossiers/{dossier}/print/", {**WHY, "copies": "1", "language": "fr", "entry": ""})
    assert answer.status_code == 200, text_of(answer)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Cache-Control"]
    assert answer.content.startswith(b"%PDF-")


def test_words_of_others_stay_words(world: World) -> None:
    world.accord("ma")
    from tests.node.world import question_parts

    parts = (*question_parts(text='<img src="file:///etc/passwd"> & <script>'), narrative("offence2", "…"))[:-1]
    dossier = world.ask("ma", parts=parts)
    page = html_of(world, dossier, "en")[0]
    assert "<script>" not in page
    assert "&lt;img" in page


def test_the_doctor_says_whether_pages_can_be_laid_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from tansiq.node.flows import repair

    def paper() -> dict[str, str]:
        return next(row for row in repair.examine(world.now, quick=True) if row["check"] == "printing")

    assert paper()["level"] == "ok"
    missing = {"libtansiq-nowhere.so.0": "libtansiq-nowhere0"}
    monkeypatch.setattr(flow, "SYSTEM_LIBRARIES", missing)
    assert paper()["level"] == "warn"
    assert "libtansiq-nowhere0" in paper()["told"]
