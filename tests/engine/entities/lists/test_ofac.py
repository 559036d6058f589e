"""OFAC in its three forms: they say the same, damage costs a row at most, and the real files are read."""

from __future__ import annotations

import collections
import io

import pytest

from tansiq.engine.entities.lists import (
    ListHeader,
    ListRecord,
    RowProblem,
    ofac_form,
    read_ofac_csv,
    read_ofac_enhanced,
    read_ofac_xml,
)
from tansiq.engine.entities.lists.ofac import document_kind
from tansiq.engine.entities.lists.ofac_dates import days_between, ofac_date
from tansiq.engine.entities.values import clean_value
from tansiq.engine.errors import Rejected
from tests.engine.entities.lists.invented_ofac import (
    ENTITY,
    ENTRY,
    FIRM,
    PERSON,
    SHIP,
    enhanced_xml,
    sdn_csv,
    sdn_xml,
)
from tests.engine.entities.lists.reading import Reader, header, problems, records, rows, values
from tests.shared import shared_path

FORMS: list[tuple[Reader, bytes]] = [
    (read_ofac_csv, sdn_csv(PERSON, FIRM, SHIP)),
    (read_ofac_xml, sdn_xml(ENTRY)),
    (read_ofac_enhanced, enhanced_xml(ENTITY)),
]


def test_a_person_of_the_csv_is_read_whole() -> None:
    person, firm, ship = records(rows(read_ofac_csv, sdn_csv(PERSON, FIRM, SHIP)))
    assert (person.schema, firm.schema, ship.schema) == ("Person", "Organization", "Vessel")
    assert (person.key, person.place) == ("90001", "/line[2]")
    assert values(person, "name") == ["Najib AL-MUSAFIR"]
    assert values(person, "lastName") == ["AL-MUSAFIR"]
    assert values(person, "alias") == ["THE FERRYMAN"]
    assert values(person, "birthDate") == ["1970-05-12", "1971~"]
    assert values(person, "birthPlace") == ["Port Example, Morocco"]
    assert values(person, "birthCountry") == ["ma"]
    assert values(person, "nationality") == ["ma", "sd"]
    assert values(person, "gender") == ["male"]
    assert values(person, "position") == ["Broker"]
    assert values(person, "email") == ["najib@example.org"]
    assert values(person, "passportNumber") == ["AB1234567"]
    assert values(person, "idNumber") == ["12345-678"]
    assert values(person, "endDate", "document") == ["2006-02-02"]
    assert values(person, "startDate", "document") == ["2001-02-03"]
    assert values(person, "program", "listing") == ["TESTLAND", "SDNTK"]
    assert "something nobody knows" in values(person, "notes")[0]
    assert values(firm, "taxNumber") == ["7700000001"]
    assert values(firm, "incorporationDate") == ["2007-06-30"]
    assert values(ship, "imoNumber") == ["IMO9074729"]
    assert (values(ship, "flag"), values(ship, "callSign"), values(ship, "mmsi")) == (["pa"], ["XX2192"], ["572000001"])


def test_the_csv_is_the_same_with_and_without_headings() -> None:
    with_them = records(rows(read_ofac_csv, sdn_csv(PERSON, SHIP)))
    without = records(rows(read_ofac_csv, sdn_csv(PERSON, SHIP, headings=False)))
    assert [r.fingerprint() for r in with_them] == [r.fingerprint() for r in without]


def test_an_entry_of_the_xml_is_read_whole() -> None:
    found = rows(read_ofac_xml, sdn_xml(ENTRY))
    (person,) = records(found)
    made = header(found).generated_at
    assert made is not None
    assert made.isoformat() == "2026-05-06T00:00:00+00:00"
    assert values(person, "name") == ["Najib AL-MUSAFIR"]
    assert values(person, "previousName") == ["Nagib ELMOSAFIR"]
    assert values(person, "weakAlias") == ["FERRYMAN"]
    assert values(person, "address") == ["1 Quay Street, Port Example, Morocco"]
    assert values(person, "country") == ["ma"]
    assert values(person, "birthDate") == ["1970-05-12"]
    assert values(person, "notes") == ["An invented person."]
    assert values(person, "country", "document") == ["ma"]
    older = sdn_xml(ENTRY, namespace="http://tempuri.org/sdnList.xsd")
    assert records(rows(read_ofac_xml, older))[0].fingerprint() == person.fingerprint()


def test_an_enhanced_entity_keeps_its_original_script() -> None:
    found = rows(read_ofac_enhanced, enhanced_xml(ENTITY))
    (person,) = records(found)
    assert header(found).generated_at is not None
    assert values(person, "name") == ["Najib AL-MUSAFIR", "نجيب المسافر"]
    assert values(person, "lastName") == ["AL-MUSAFIR"]
    assert values(person, "weakAlias") == ["FERRYMAN"]
    assert values(person, "birthDate") == ["1970~"]
    assert (values(person, "address"), values(person, "country")) == (["Port Example, Morocco"], ["ma"])
    assert values(person, "listingDate", "listing") == ["2020-02-03"]
    assert values(person, "endDate", "document") == ["2006-02-02"]
    assert "Owned or Controlled By: BLUE LANTERN SHIPPING (90002)" in values(person, "notes")
    assert "Passport AB1234567: not valid" in values(person, "notes")
    (phone,) = problems(found)
    assert (phone.rule, phone.prop) == ("entity.phone_not_international", "phone")
    assert "phone: 212661" in values(person, "notes")


@pytest.mark.parametrize(("reader", "raw"), FORMS)
def test_every_statement_is_what_the_model_would_keep(reader: Reader, raw: bytes) -> None:
    for record in records(rows(reader, raw)):
        for said in record.statements:
            assert clean_value(said.schema, said.prop, said.value) == said.value
            assert said.provenance.source_id == record.list_key


def test_damage_of_a_csv_row_costs_that_row() -> None:
    damaged = [
        (PERSON.replace('."', "."), "list.row_malformed"),
        (PERSON.replace("90001,", "90001,extra,"), "list.cells_miscounted"),
        (PERSON.replace("90001", "ninety"), "list.row_without_key"),
        (PERSON.replace('"AL-MUSAFIR, Najib"', "-0- "), "list.row_without_name"),
        (FIRM.replace("90002", "90003"), None),
    ]
    for row, rule in damaged:
        found = rows(read_ofac_csv, sdn_csv(row, SHIP, FIRM))
        assert "90002" in {r.key for r in records(found)}, rule
        if rule:
            assert [(p.rule, p.is_row_lost) for p in problems(found)] == [(rule, True)], rule
            assert len(records(found)) == 2, rule
        else:
            assert [p.rule for p in problems(found)] == ["list.duplicate_row"]
    not_text = sdn_csv(PERSON, SHIP).replace(b"Najib", b"Na\xffib", 1)
    found = rows(read_ofac_csv, not_text)
    assert [p.rule for p in problems(found)] == ["list.row_not_decodable"]
    assert [r.key for r in records(found)] == ["90003"]


def test_what_is_not_this_list_is_refused_whole() -> None:
    for reader, raw in [
        (read_ofac_csv, b"a,b,c\r\n1,2,3\r\n"),
        (read_ofac_xml, enhanced_xml(ENTITY)),
        (read_ofac_enhanced, sdn_xml(ENTRY)),
    ]:
        with pytest.raises(Rejected) as refused:
            rows(reader, raw)
        assert refused.value.code == "list.not_this_list"
    for reader, raw in [(read_ofac_xml, sdn_xml(ENTRY)[:-9]), (read_ofac_enhanced, enhanced_xml(ENTITY)[:-40])]:
        with pytest.raises(Rejected) as refused:
            rows(reader, raw)
        assert refused.value.code == "list.not_well_formed"
    hostile = sdn_xml(ENTRY).replace(b"<sdnList", b'<!DOCTYPE x [<!ENTITY e "e">]><sdnList', 1)
    with pytest.raises(Rejected) as refused:
        rows(read_ofac_xml, hostile)
    assert refused.value.code == "list.forbidden_construct"


def test_the_form_is_told_from_the_first_bytes() -> None:
    assert ofac_form(sdn_xml()[:400]) == "sdnList"
    assert ofac_form(enhanced_xml()[:400]) == "sanctionsData"
    with pytest.raises(Rejected) as refused:
        ofac_form(b"<?xml version='1.0'?><CONSOLIDATED_LIST>")
    assert refused.value.facts["root"] == "CONSOLIDATED_LIST"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12 Jan 1961", "1961-01-12"),
        ("Jan 1961", "1961-01"),
        ("1961.", "1961"),
        ("circa 1961", "1961~"),
        ("Mar 1955 to Mar 1956", "1955-03/1956-03"),
        ("1951-1953", "1951/1953"),
        ("01 Jan 1961 to 31 Dec 1961", "1961"),
        ("circa 1951 to 1953", "1951~/1953~"),
        ("31 Feb 1961", None),
        ("in his fifties", None),
        ("1961 to 1951", None),
    ],
)
def test_dates_in_words(text: str, value: str | None) -> None:
    assert ofac_date(text) == value


def test_periods_and_documents() -> None:
    assert days_between("1961-04-01", "1961-04-30", is_about=False) == "1961-04"
    assert days_between("1951-01-01", "1953-12-31", is_about=False) == "1951/1953"
    assert days_between("", "1953-12-31", is_about=False) is None
    assert document_kind("Diplomatic Passport").schema == "Passport"
    assert document_kind("Driver's License No.").prop == "idNumber"
    assert document_kind("Business Registration Number").prop == "registrationNumber"


@pytest.mark.parametrize(
    ("reader", "name", "kept", "reported"),
    [
        (read_ofac_csv, "ofac_sdn_2023.csv", 11443, 50),
        (read_ofac_xml, "ofac_consolidated_nonsdn_2024-05-06.xml", 443, 5),
        (read_ofac_enhanced, "ofac_irgc_enhanced_2024-08-28.xml", 293, 10),
    ],
)
def test_the_real_file_is_read(reader: Reader, name: str, kept: int, reported: int) -> None:
    count: collections.Counter[type] = collections.Counter()
    schemas: collections.Counter[str] = collections.Counter()
    with shared_path(f"data/lists/{name}").open("rb") as stream:
        for row in reader(stream):
            count[type(row)] += 1
            assert not (isinstance(row, RowProblem) and row.is_row_lost)
            if isinstance(row, ListRecord):
                schemas[row.schema] += 1
    assert count[ListRecord] == kept
    assert count[ListHeader] == 1
    assert count[RowProblem] <= reported
    assert schemas["Person"] > 0
    assert schemas["Organization"] > 0


def test_a_damaged_copy_of_the_real_csv_costs_the_damaged_rows() -> None:
    raw = bytearray(shared_path("data/lists/ofac_sdn_2023.csv").read_bytes()[:600_000])
    raw = raw[: raw.rindex(b"\r\n") + 2]
    whole = records(read_ofac_csv(io.BytesIO(bytes(raw))))
    for at in range(50_000, len(raw), 50_000):
        raw[at : at + 3] = b'\xff"\x00'
    found = rows(read_ofac_csv, bytes(raw))
    lost = [p for p in problems(found) if p.is_row_lost]
    assert 0 < len(lost) <= 24
    assert len(records(found)) >= len(whole) - 24
