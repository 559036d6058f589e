"""The UN Consolidated List: every form it takes, what damage costs, and the real file."""

from __future__ import annotations

import io
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.entities.lists import ListHeader, ListLimits, ListRecord, ListRow, RowProblem, read_un_list
from tansiq.engine.entities.lists.un_dates import birth_date, date_in_words
from tansiq.engine.entities.lists.un_documents import number_in
from tansiq.engine.entities.lists.un_names import split_names
from tansiq.engine.entities.values import clean_value
from tansiq.engine.errors import Rejected
from tests.engine.entities.invented import FIRM, FIRST, SECOND, un_list
from tests.shared import shared_path


def rows(raw: bytes, limits: ListLimits | None = None) -> list[ListRow]:
    stream = io.BytesIO(raw)
    return list(read_un_list(stream) if limits is None else read_un_list(stream, limits=limits))


def records(raw: bytes) -> list[ListRecord]:
    return [row for row in rows(raw) if isinstance(row, ListRecord)]


def problems(raw: bytes) -> list[RowProblem]:
    return [row for row in rows(raw) if isinstance(row, RowProblem)]


def values(record: ListRecord, prop: str, entity: str = "") -> list[str]:
    return [s.value for s in record.statements if s.prop == prop and s.entity_id == record.entity_id + entity]


def test_a_person_is_read_whole() -> None:
    (person,) = records(un_list(FIRST))
    assert (person.key, person.number, person.schema) == ("900001", "TSi.001", "Person")
    assert person.place == "/CONSOLIDATED_LIST/INDIVIDUALS/INDIVIDUAL[1]"
    assert values(person, "name") == ["NAJIB AL-MUSAFIR", "نجيب المسافر"]
    assert values(person, "alias") == ["Najib the Traveller", "Nagib Elmosafir", "Abu Marsa", "Абу Марса"]
    assert values(person, "weakAlias") == ["The Ferryman"]
    assert values(person, "birthDate") == ["1971-02-03", "1970-05-12", "1971~", "1968/1970"]
    assert values(person, "birthPlace") == ["Port Example, Tunisia", "Port Example, Coast, Morocco"]
    assert values(person, "birthCountry") == ["tn", "ma"]
    assert values(person, "nationality") == ["ma", "sd", "ss"]
    assert values(person, "position") == ["Captain of a boat", "Broker"]
    assert values(person, "title") == ["Haji"]
    assert values(person, "gender") == ["male"]
    assert values(person, "address") == ["1 Quay Street, Port Example, 0001, Morocco, as at 2015"]
    assert values(person, "country") == ["ma"]
    assert values(person, "notes") == ["An invented person.\nSecond line."]
    assert values(person, "passportNumber") == ["AB1234567"]
    assert values(person, "idNumber") == ["12345-678"]
    assert {s.provenance.source_id for s in person.statements} == {"un"}
    assert {s.provenance.origin for s in person.statements} == {"TSi.001"}


def test_a_listing_and_the_documents_are_entities_of_their_own() -> None:
    (person,) = records(un_list(FIRST))
    assert values(person, "unscId", "#listing") == ["TSi.001"]
    assert values(person, "listingDate", "#listing") == ["2016-11-30"]
    assert values(person, "modifiedAt", "#listing") == ["2017-01-02", "2018-03-04"]
    passport = next(s.entity_id for s in person.statements if s.schema == "Passport")
    said = {s.prop: s.value for s in person.statements if s.entity_id == passport}
    assert said["holder"] == person.entity_id
    assert (said["number"], said["country"]) == ("AB1234567", "ma")
    assert (said["startDate"], said["endDate"]) == ("2001-02-03", "2006-02-02")


def test_what_the_list_wrote_stays_beside_what_is_kept() -> None:
    (person,) = records(un_list(FIRST))
    originals = {(s.prop, s.value): s.original_value for s in person.statements}
    assert originals["nationality", "sd"] == "Sudan/South Sudan"
    assert originals["birthDate", "1971~"] == "APPROXIMATELY 1971"
    assert originals["birthDate", "1971-02-03"] == "1971-02-03 (as Abu Marsa)"
    assert originals["passportNumber", "AB1234567"] == "Moroccan passport number AB1234567"


def test_an_organisation_is_read() -> None:
    (firm,) = records(un_list(entities=FIRM))
    assert firm.schema == "Organization"
    assert values(firm, "name") == ["BLUE LANTERN SHIPPING COMPANY"]
    assert values(firm, "abbreviation") == ["BLSC"]
    assert values(firm, "previousName") == ["Green Lantern Lines"]
    assert values(firm, "alias") == ["شركة الفانوس", "Blue Lantern"]


def test_every_statement_is_what_the_model_would_keep() -> None:
    for record in records(un_list(FIRST, SECOND, entities=FIRM)):
        for said in record.statements:
            assert clean_value(said.schema, said.prop, said.value) == said.value


def test_the_header_says_when_the_edition_was_made() -> None:
    header = rows(un_list())[0]
    assert isinstance(header, ListHeader)
    assert header.generated_at is not None
    assert header.generated_at.isoformat() == "2026-10-29T23:09:49.856000+00:00"


def test_a_fingerprint_is_what_the_row_says_and_nothing_else() -> None:
    (alone,) = records(un_list(SECOND))
    _, after_another = records(un_list(FIRST, SECOND, generated="2027-01-01T00:00:00"))
    (changed,) = records(un_list(SECOND.replace("1980", "1981")))
    assert alone.fingerprint() == after_another.fingerprint() != changed.fingerprint()


DATE = "list.date_not_understood"
BORN = "INDIVIDUAL_DATE_OF_BIRTH[1]"


@pytest.mark.parametrize(
    ("was", "becomes", "rule", "place", "prop"),
    [
        ("<YEAR>1980</YEAR><NOTE>Sep.</NOTE>", "<NOTE>29 years old</NOTE>", DATE, BORN, "birthDate"),
        ("<YEAR>1980</YEAR>", "<DATE>1980-13-45</DATE>", DATE, BORN, "birthDate"),
        ("Italy", "Possibly Italian", "list.country_not_understood", "NATIONALITY[1]/VALUE[1]", "nationality"),
        ("2017-01-01", "yesterday", "list.date_not_understood", "LISTED_ON", None),
        ("<NATIONALITY>", "<SHOE_SIZE>44</SHOE_SIZE><NATIONALITY>", "list.unknown_element", "SHOE_SIZE", None),
        ("<NATIONALITY>", "<GENDER>perhaps</GENDER><NATIONALITY>", "list.value_not_understood", "GENDER", "gender"),
        ("TSi.002", "", "list.row_without_number", "REFERENCE_NUMBER", None),
    ],
)  # fmt: skip
def test_a_damaged_value_costs_the_value(was: str, becomes: str, rule: str, place: str, prop: str | None) -> None:
    raw = un_list(FIRST, SECOND.replace(was, becomes) + FIRST.replace("900001", "900003"))
    found = problems(raw)
    (problem,) = found
    assert (problem.rule, problem.key, problem.prop, problem.is_row_lost) == (rule, "900002", prop, False)
    assert problem.place == f"/CONSOLIDATED_LIST/INDIVIDUALS/INDIVIDUAL[2]/{place}"
    assert [r.key for r in records(raw)] == ["900001", "900002", "900003"]
    assert records(raw)[1].damaged == (frozenset({prop}) if prop else frozenset())


def test_a_name_that_is_none_costs_the_row_if_it_is_the_only_one() -> None:
    raw = un_list(FIRST, SECOND.replace("SALMA", "S" * 400))
    assert [p.rule for p in problems(raw)] == ["list.value_too_long", "list.row_without_name"]
    assert [r.key for r in records(raw)] == ["900001"]


def test_what_is_not_understood_is_kept_in_the_words_of_the_list() -> None:
    (row,) = records(
        un_list(SECOND.replace("Italy", "Possibly Italian").replace("<YEAR>1980</YEAR>", "<DATE>?</DATE>"))
    )
    assert set(values(row, "notes")) == {"Nationality: Possibly Italian", "Date of birth: EXACT ? Sep."}


@pytest.mark.parametrize(
    ("was", "becomes", "rule", "key"),
    [
        ("<DATAID>900002</DATAID>", "", "list.row_without_key", None),
        ("900002", "../etc", "list.row_without_key", None),
        ("900002", "900001", "list.duplicate_row", "900001"),
        ("<FIRST_NAME>SALMA</FIRST_NAME><SECOND_NAME>EXAMPLE</SECOND_NAME>", "", "list.row_without_name", "900002"),
    ],
)
def test_a_row_that_cannot_be_used_costs_the_row(was: str, becomes: str, rule: str, key: str | None) -> None:
    raw = un_list(FIRST, SECOND.replace(was, becomes), entities=FIRM)
    (problem,) = problems(raw)
    assert (problem.rule, problem.key, problem.is_row_lost) == (rule, key, True)
    assert [r.key for r in records(raw)] == ["900001", "800001"]


def test_an_unknown_section_is_reported_not_skipped() -> None:
    raw = un_list(FIRST).replace(b"<ENTITIES></ENTITIES>", b"<VESSELS><VESSEL><IMO>1</IMO></VESSEL></VESSELS>")
    (problem,) = problems(raw)
    assert (problem.rule, problem.value, problem.is_row_lost) == ("list.unknown_element", "VESSELS", True)


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><CONSOLIDATED_LIST>&b;</CONSOLIDATED_LIST>'
OUTSIDE = b'<!DOCTYPE x SYSTEM "file:///etc/hostname"><CONSOLIDATED_LIST/>'


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "list.not_well_formed"),
        (un_list(FIRST)[:-30], "list.not_well_formed"),
        (un_list(FIRST)[:900], "list.not_well_formed"),
        (b"<html></html>", "list.not_this_list"),
        (BOMB, "list.forbidden_construct"),
        (OUTSIDE, "list.forbidden_construct"),
        (un_list("<INDIVIDUAL>" + "<A>" * 30 + "</A>" * 30 + "</INDIVIDUAL>"), "list.too_deep"),
        (un_list("<INDIVIDUAL>" + "<A/>" * 6000 + "</INDIVIDUAL>"), "list.row_too_large"),
        (un_list("<INDIVIDUAL>" + "x" * 2_000_000 + "</INDIVIDUAL>"), "list.row_too_large"),
        (b"\xff\xfe\x00", "list.not_well_formed"),
        (b"<?xml version='1.0' encoding='klingon'?><CONSOLIDATED_LIST/>", "list.not_well_formed"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        rows(raw)
    assert refused.value.code == code


def test_a_file_beyond_the_limits_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        rows(un_list(FIRST, SECOND), ListLimits(max_rows=1))
    assert refused.value.code == "list.too_many_rows"
    with pytest.raises(Rejected) as refused:
        rows(un_list(FIRST, SECOND), ListLimits(max_bytes=500))
    assert refused.value.code == "list.too_large"


@given(st.data())
def test_any_damage_is_a_refusal_or_a_report_and_nothing_else(data: st.DataObject) -> None:
    raw = bytearray(un_list(FIRST, SECOND, entities=FIRM))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[at] = data.draw(st.integers(0, 255))
        else:
            del raw[at : at + data.draw(st.integers(1, 60))]
    try:
        found = rows(bytes(raw))
    except Rejected as refused:
        code = refused.code
    else:
        code = "list." if isinstance(found[0], ListHeader) else ""
    assert code.startswith("list.")


def test_memory_stays_flat_however_long_the_file() -> None:
    def peak(times: int) -> int:
        raw = un_list(*(FIRST.replace("900001", str(n)) for n in range(times)))
        tracemalloc.start()
        for _ in read_un_list(io.BytesIO(raw)):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(10)
    assert peak(1000) < 2 * peak(100) + 500_000


@pytest.mark.parametrize(
    ("kind", "fields", "date"),
    [
        ("EXACT", {"DATE": "1964-07-17"}, "1964-07-17"),
        ("EXACT", {"DATE": "1964-02-30"}, None),
        ("EXACT", {"YEAR": "1964"}, "1964"),
        ("EXACT", {"YEAR": "1964", "NOTE": "Sep."}, "1964-09"),
        ("APPROXIMATELY", {"YEAR": "1964"}, "1964~"),
        ("BETWEEN", {"FROM_YEAR": "1964", "TO_YEAR": "1966"}, "1964/1966"),
        ("BETWEEN", {"FROM_YEAR": "1964", "TO_YEAR": "1966", "NOTE": "Approximately"}, "1964~/1966~"),
        ("BETWEEN", {"FROM_YEAR": "1966", "TO_YEAR": "1964"}, None),
        ("EXACT", {"NOTE": "Between Aug. and Sep. 1977"}, "1977-08/1977-09"),
        ("EXACT", {"NOTE": "24/06/1402 (Hijri Calendar)"}, "1982-04-18"),
        ("EXACT", {"NOTE": "Nov. 1973"}, "1973-11"),
        ("APPROXIMATELY", {"NOTE": "30-35 years old"}, None),
    ],
)
def test_dates_of_birth_in_every_form(kind: str, fields: dict[str, str], date: str | None) -> None:
    assert birth_date(kind, fields) == date


def test_dates_in_words() -> None:
    assert date_in_words("12 Aug. 1961") == "1961-08-12"
    assert date_in_words("31 Feb. 1961") is None
    assert date_in_words("12 Floreal 1961") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (" 381310014", "381310014"),
        ("A-123456", "A-123456"),
        ("Libyan Passport No. 99/123456", "99/123456"),
        ("German travel document (“Reiseausweis”) A 1234567", "A 1234567"),
        ("123456789 (Expired 12 Jan. 2010)", "123456789"),
        ("R00012345, South Sudan", "R00012345"),
        ("Russian passport number 9999 No. 123456", "9999 123456"),
        ("HQ8CXGP8", "HQ8CXGP8"),
        ("unknown", None),
    ],
)
def test_document_numbers(text: str, number: str | None) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    ("text", "names", "abbreviations"),
    [
        ("A. Example", ("A. Example",), ()),
        ("First Name; Second Name", ("First Name", "Second Name"), ()),
        ("Long Name Company (LNC)", ("Long Name Company",), ("LNC",)),
        ("Latin Name (اسم عربي)", ("Latin Name", "اسم عربي"), ()),
        ("اسم عربي (One; Two)", ("اسم عربي", "One", "Two"), ()),
        ("Somebody (birth name)", ("Somebody",), ()),
        ("Somebody Else, born 1 Jan. 1953 (somewhere", ("Somebody Else",), ()),
        ("Leader (City) Limited", ("Leader (City) Limited",), ()),
        ("“Quoted”", ("Quoted",), ()),
        (") ", (), ()),
    ],
)
def test_names_in_one_field(text: str, names: tuple[str, ...], abbreviations: tuple[str, ...]) -> None:
    assert split_names(text) == (names, abbreviations)


@given(st.text(max_size=60))
def test_any_text_is_some_names(text: str) -> None:
    found = split_names(text)
    assert all(name == " ".join(name.split()) and len(name) > 1 for name in found.names)


@pytest.fixture(scope="module")
def real_rows() -> list[ListRow]:
    with shared_path("data/lists/un_consolidated.xml").open("rb") as stream:
        return list(read_un_list(stream))


def test_the_real_list_is_read_to_its_end(real_rows: list[ListRow]) -> None:
    found = [row for row in real_rows if isinstance(row, ListRecord)]
    assert Counter(row.schema for row in found) == {"Person": 703, "Organization": 390}
    assert not any(row.is_row_lost for row in real_rows if isinstance(row, RowProblem))
    assert len({row.fingerprint() for row in found}) == len(found)
    originals = [s for row in found for s in row.statements if s.prop == "name" and not s.value.isascii()]
    assert len(originals) > 200


def test_what_the_real_list_says_unclearly_is_little_and_reported(real_rows: list[ListRow]) -> None:
    rules = Counter(row.rule for row in real_rows if isinstance(row, RowProblem))
    assert rules == {"list.country_not_understood": 3, "list.date_not_understood": 2}


def test_every_statement_of_the_real_list_fits_the_model(real_rows: list[ListRow]) -> None:
    for row in real_rows:
        for said in row.statements if isinstance(row, ListRecord) else ():
            kept = clean_value(said.schema, said.prop, said.value)
            assert kept == said.value or said.prop == "address"
