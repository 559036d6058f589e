"""CSV with a mapping: encodings, dates of three calendars, digits, aliases, and what damage costs."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities.lists import CsvMapping, ListLimits, read_csv_mapping, read_mapped_csv
from tansiq.engine.entities.lists.csv_rows import CsvRow, read_csv_rows
from tansiq.engine.entities.lists.mapped_csv import date_by
from tansiq.engine.entities.values import clean_value
from tansiq.engine.errors import Rejected
from tests.engine.entities.lists.reading import problems, records, rows, values

MAPPING = """
list = "harbour-list"
schema = "Person"
encoding = "{encoding}"
delimiter = ";"
key = "الرقم"
dates = ["DD/MM/YYYY", "YYYY"]
ignore = ["الكاتب"]
[names]
ar = "قائمة الميناء"
[columns]
"الاسم" = {{ property = "name", language = "ar" }}
"Names" = {{ property = "alias", separator = "|" }}
"Born" = "birthDate"
"Hijri" = {{ property = "birthDate", dates = ["YYYY/MM/DD", "YYYY"], calendar = "hijri" }}
"Nationality" = "nationality"
"Phone" = "phone"
"""
TEXT = (
    "الرقم;الاسم;Names;Born;Hijri;Nationality;Phone;الكاتب;Shoe size\r\n"
    "١٢٣;نجيب المسافر;Najib Al-Musafir|Nagib Elmosafir | ;١٢/٠٥/١٩٧٠;;المغرب;+٢١٢٦٦١٢٣٤٥٦٧;س;42\r\n"
    '124;سلمى;"Salma; ""the second""";1980;1390/03/06;Italy;;;\r\n'
)


def mapping(encoding: str = "utf-8") -> CsvMapping:
    return read_csv_mapping(MAPPING.format(encoding=encoding).encode(), form="toml")


def read(text: str | bytes, how: CsvMapping | None = None) -> list[object]:
    raw = text if isinstance(text, bytes) else text.encode()
    return list(rows(lambda stream: read_mapped_csv(stream, mapping=how or mapping()), raw))


def test_a_row_is_read_as_the_mapping_says() -> None:
    found = read(TEXT)
    first, second = records(found)  # type: ignore[arg-type]
    assert (first.key, first.list_key, first.place) == ("123", "harbour-list", "/line[2]")
    assert values(first, "name") == ["نجيب المسافر"]
    assert next(s.language for s in first.statements if s.prop == "name") == "ar"
    assert values(first, "alias") == ["Najib Al-Musafir", "Nagib Elmosafir"]
    assert values(first, "birthDate") == ["1970-05-12"]
    assert values(first, "nationality") == ["ma"]
    assert values(first, "phone") == ["+212661234567"]
    assert next(s.original_value for s in first.statements if s.prop == "birthDate") == "١٢/٠٥/١٩٧٠"
    assert values(second, "alias") == ['Salma; "the second"']
    assert values(second, "birthDate") == ["1980", "1970-05-12"]
    (unmapped,) = problems(found)  # type: ignore[arg-type]
    assert (unmapped.rule, unmapped.value, unmapped.is_row_lost) == ("list.column_unmapped", "Shoe size", False)
    for record in (first, second):
        for said in record.statements:
            assert clean_value(said.schema, said.prop, said.value) == said.value


def test_encodings_are_declared_never_guessed() -> None:
    plain = {r.fingerprint() for r in records(read(TEXT))}  # type: ignore[arg-type]
    marked = read(b"\xef\xbb\xbf" + TEXT.encode(), mapping("utf-8-bom"))
    paged = read(TEXT.encode("cp1256", "replace"), mapping("cp1256"))
    assert {r.fingerprint() for r in records(marked)} == plain  # type: ignore[arg-type]
    assert values(records(paged)[0], "name") == ["نجيب المسافر"]  # type: ignore[arg-type]
    for raw, declared, likely in [
        (b"\xef\xbb\xbf" + TEXT.encode(), "utf-8", "utf-8-bom"),
        (TEXT.encode(), "utf-8-bom", "utf-8"),
        (TEXT.encode(), "cp1256", "utf-8"),
        (TEXT.encode("utf-16"), "utf-8", "utf-16"),
    ]:
        with pytest.raises(Rejected) as refused:
            read(raw, mapping(declared))
        assert (refused.value.code, refused.value.facts["likely"]) == ("list.encoding_wrong", likely)
    with pytest.raises(Rejected) as refused:
        read(TEXT.encode("cp1256", "replace"), mapping("utf-8"))
    assert refused.value.code == "list.not_this_list"


def test_marks_of_direction_do_not_make_another_key() -> None:
    marked = TEXT.replace("١٢٣;", "\u200f١٢٣\u200e;")
    assert records(read(marked))[0].key == "123"  # type: ignore[arg-type]


def test_damage_costs_a_value_or_a_row() -> None:
    unknown_day = read(TEXT.replace("١٢/٠٥/١٩٧٠", "٣١/٠٢/١٩٧٠"))
    (first, _) = records(unknown_day)  # type: ignore[arg-type]
    assert first.damaged == {"birthDate"}
    assert "birthDate: ٣١/٠٢/١٩٧٠" in values(first, "notes")
    assert [p.place for p in problems(unknown_day)[1:]] == ["/line[2]/Born"]  # type: ignore[arg-type]
    open_quote = read(TEXT.replace(";1980", ';"1980'))
    assert [r.key for r in records(open_quote)] == ["123"]  # type: ignore[arg-type]
    assert problems(open_quote)[-1].rule == "list.row_malformed"  # type: ignore[arg-type]
    no_key = read(TEXT.replace("124;", ";"))
    assert problems(no_key)[-1].rule == "list.row_without_key"  # type: ignore[arg-type]
    twice = read(TEXT.replace("124;", "123;"))
    assert problems(twice)[-1].rule == "list.duplicate_row"  # type: ignore[arg-type]


def test_a_file_with_other_columns_is_refused() -> None:
    for text, code in [
        (TEXT.replace("Born", "Birth"), "list.column_missing"),
        (TEXT.replace("Shoe size", "Born"), "list.columns_alike"),
        ("", "list.empty"),
    ]:
        with pytest.raises(Rejected) as refused:
            read(text)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        (("schema =", "scheme ="), "/scheme", "list.mapping_invalid"),
        (('"Person"', '"Persona"'), "/schema", "entity.unknown_schema"),
        (('"birthDate"\n', '"bornOn"\n'), "/columns/Born/property", "entity.unknown_property"),
        (('"{encoding}"', '"latin-1"'), "/encoding", "list.mapping_invalid"),
        (('";"', '";;"'), "/delimiter", "list.mapping_invalid"),
        (('"harbour-list"', '"Harbour List"'), "/list", "list.mapping_invalid"),
        (('"hijri"', '"mayan"'), "/columns/Hijri/calendar", "list.mapping_invalid"),
        (('"YYYY/MM/DD"', '"YYYY/DD"'), "/columns/Hijri/dates", "list.mapping_invalid"),
        (('"nationality"', '"ownershipOwner"'), "/columns/Nationality/property", "entity.unknown_property"),
        (('ar = "قائمة الميناء"', 'de = "Hafen"'), "/names", "list.mapping_invalid"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(change: tuple[str, str], at: str, code: str) -> None:
    text = MAPPING.replace(*change).replace("{encoding}", "utf-8").replace("{{", "{").replace("}}", "}")
    with pytest.raises(Rejected) as refused:
        read_csv_mapping(text.encode(), form="toml")
    assert (refused.value.code, refused.value.facts["at"]) == (code, at)


def test_a_mapping_may_be_json() -> None:
    said = {
        "list": "x",
        "schema": "Vehicle",
        "encoding": "utf-8",
        "key": "id",
        "columns": {"plate": "registrationNumber"},
    }
    how = read_csv_mapping(json.dumps(said).encode(), form="json")
    (car,) = records(read("id,plate\n7,AB-123-C\n", how))  # type: ignore[arg-type]
    assert (car.schema, values(car, "registrationNumber")) == ("Vehicle", ["AB-123-C"])
    for form in ("json", "toml"):
        with pytest.raises(Rejected):
            read_csv_mapping(b"[[[", form=form)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("Born", "12/05/1970", "1970-05-12"),
        ("Born", "۱۹۷۰", "1970"),
        ("Born", "1970-05-12", None),
        ("Born", "00/05/1970", None),
        ("Hijri", "1390/03/06", "1970-05-12"),
        ("Hijri", "1390", "1970/1971"),
        ("Hijri", "1390/13/06", None),
    ],
)
def test_dates_by_the_forms_of_a_column(column: str, text: str, value: str | None) -> None:
    assert date_by(mapping().columns[column], text) == value


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=3, max_size=3), min_size=1))
def test_whatever_a_csv_writer_writes_is_read_back(table: list[list[str]]) -> None:
    import csv

    sink = io.StringIO(newline="")
    csv.writer(sink, quoting=csv.QUOTE_ALL).writerows(table)
    found = list(
        read_csv_rows(io.BytesIO(sink.getvalue().encode()), encoding="utf-8", delimiter=",", limits=ListLimits())
    )
    assert all(isinstance(row, CsvRow) for row in found)
    assert [list(row.cells) for row in found if isinstance(row, CsvRow)] == [
        [" ".join(cell.split()) for cell in row] for row in table
    ]


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    limits = ListLimits(max_bytes=300, max_row_bytes=60, max_rows=20)
    for encoding in ("utf-8", "utf-8-bom", "cp1256"):
        code = "list.none"
        try:
            list(read_csv_rows(io.BytesIO(raw), encoding=encoding, delimiter=",", limits=limits))
        except Rejected as refused:
            code = refused.code
        assert code.startswith("list.")
