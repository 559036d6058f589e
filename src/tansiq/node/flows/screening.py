"""A whole list (passengers, guests, account holders) asked against the register, row by row, as the officer could ask it.

The list is read as a whole before anything is kept: a wrong row refuses it, with its line. Then the worker asks a bounded number of
rows at a time; each portion and how far it came are one transaction, so that a killed worker goes on where it was and no row is asked
twice. The officer's role and circle are read afresh each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.matching import Query, Subject
from tansiq.engine.matching.reading import Fault, guess_format, read_subjects
from tansiq.node.accounts import policy as roles
from tansiq.node.accounts.queries import officer_by_reference
from tansiq.node.register import index, policy
from tansiq.node.register import queries as register
from tansiq.node.search import screenings

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Screening

JOB = screenings.JOB
MAX_BYTES = 4 * 1024 * 1024
MAX_ROWS = 200_000
PORTION = 100
"""Rows that one job asks: about a second, so that other work is not held up."""
KEPT = 5
TOLD_BANDS = frozenset({"strong", "probable"})


def screen(
    officer: Officer, content: bytes, *, name: str, purpose: str, reference: str, columns: str = "", now: datetime
) -> Screening:
    """Ask a list (TSV, CSV with ``columns``, FollowTheMoney lines) against the register.

    Raises Rejected: ``search.list_too_large``, ``search.list_not_text``, ``search.list_row`` with the line and the rule,
    ``search.list_empty``, ``search.reference_needed``; nothing is kept then.
    """
    roles.require(officer.roles, "search")
    code_list("purposes").require(purpose, at="/purpose")
    if not reference.strip():
        raise Rejected("search.reference_needed", at="/reference")
    lines = read_list(content, name, columns)
    return screenings.open_screening(
        officer,
        title=name[:200],
        content="\n".join(lines).encode(),
        rows=len(lines),
        purpose=purpose,
        reference=reference.strip()[:120],
        now=now,
    )


def read_list(content: bytes, name: str, columns: str) -> list[str]:
    """The rows of a list as they wait for their turn, one a line; see :func:`screen` for what is refused."""
    if len(content) > MAX_BYTES:
        raise Rejected("search.list_too_large", at="/list", limit=MAX_BYTES // 2**20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Rejected("search.list_not_text", at="/list", byte=wrong.start) from wrong
    return [json.dumps(_compact(subject), ensure_ascii=False) for subject in _checked(text, name, columns)]


def _checked(text: str, name: str, columns: str) -> Iterator[Subject]:
    mapping = dict(part.split("=", 1) for part in columns.split(",") if "=" in part)
    lines = text.splitlines(keepends=True)
    rows = read_subjects(lines, guess_format(name, lines[0] if lines else "", mapping), mapping)
    count = 0
    for row in rows:
        if isinstance(row, Fault):
            raise Rejected("search.list_row", at="/list", line=row.line, rule=row.error.code)
        count += 1
        if count > MAX_ROWS:
            raise Rejected("search.list_too_large", at="/list", limit=MAX_BYTES // 2**20)
        yield row
    if not count:
        raise Rejected("search.list_empty", at="/list")


def _compact(subject: Subject) -> list[Any]:
    """A row as it waits, sealed, for its turn."""
    return [
        subject.subject_id,
        list(subject.names),
        list(subject.birth_dates),
        list(subject.countries),
        [list(pair) for pair in subject.identifiers],
        subject.schema,
        subject.gender,
    ]


def row_of(line: str) -> Query:
    """A waiting row as a question; its ``query_id`` is the list's own id of the row."""
    known, names, born, countries, identifiers, schema, gender = json.loads(line)
    return Query(
        names=tuple(names),
        schema=schema,
        birth_dates=tuple(born),
        countries=tuple(countries),
        gender=gender,
        identifiers=tuple((kind, value) for kind, value in identifiers),
        query_id=known,
    )


def work(payload: dict[str, Any], now: datetime) -> None:
    """Job ``search.screen``: ask the next rows; the job owes itself while there are more."""
    screening = screenings.running(str(payload["screening"]))
    if screening is None or screening.content is None:
        return
    officer = officer_by_reference(screening.officer)
    if officer is None or not roles.may(officer.roles, "search"):
        screenings.end_without(screening, now)
        return
    before = screening.done
    lines = bytes(screening.content).decode().split("\n")[before : before + PORTION]
    hits = list(_met(officer, enumerate(lines, start=before + 1)))
    screenings.keep_answers(screening, hits, before=before, done=before + len(lines), now=now)


def _met(officer: Officer, rows: Iterable[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    labels = policy.labels_for(officer)
    for number, line in rows:
        query = row_of(line)
        if not query.names and not query.identifiers:
            continue
        found = [match for match in index.holder().search(query, labels, KEPT) if match.band in TOLD_BANDS]
        seen = register.subjects_by_id_for(officer, [match.subject_id for match in found])
        for match in found:
            if match.subject_id in seen:
                told = {
                    "id": query.query_id,
                    "names": list(query.names),
                    "birth_dates": list(query.birth_dates),
                    "caption": register.caption(seen[match.subject_id], officer.language),
                    "score": match.score,
                    "explanation": dict(match.explanation),
                }
                yield {"row": number, "subject_id": match.subject_id, "band": match.band, "told": told}


def export(officer: Officer, screening_id: str, *, now: datetime) -> Iterator[str]:
    """The hits as JSON lines, while they are still for this officer to see; recorded before the first is given out."""
    screening = screenings.get_screening_for(officer, screening_id)
    screenings.note_exported(officer, screening, now=now)
    return _lines(officer, screening)


def _lines(officer: Officer, screening: Screening) -> Iterator[str]:
    after = 0
    while hits := screenings.hits_of(screening, after=after, limit=500):
        seen = register.subjects_by_id_for(officer, [hit.subject_id for hit in hits])
        for hit in hits:
            if str(hit.subject_id) in seen:
                told = {
                    "row": hit.row,
                    "subject": str(hit.subject_id),
                    "band": hit.band,
                    "verdict": hit.verdict,
                    **hit.told,
                }
                yield json.dumps(told, ensure_ascii=False) + "\n"
        after = hits[-1].pk
