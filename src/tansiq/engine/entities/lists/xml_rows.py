"""XML read row by row in flat memory, hostile or not.

``defusedxml`` refuses document types, entity declarations and external references; what it leaves to its caller is
size: bytes of the file and of one row, elements of one row, and nesting are bounded here while they are read, not
after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from tansiq.engine.entities.lists.records import ListLimits
from tansiq.engine.errors import Rejected


@dataclass(frozen=True, slots=True)
class XmlRow:
    """One row element with its place, such as ``/LIST/PERSONS/PERSON[12]``."""

    place: str
    element: Element


class _BoundedReader:
    """Hands bytes on to the parser and refuses to hand on too many, of the file or of one row."""

    def __init__(self, stream: IO[bytes], limits: ListLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._total = 0
        self._row_started_at = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._total += len(chunk)
        if self._total > self._limits.max_bytes:
            raise Rejected("list.too_large", limit=self._limits.max_bytes)
        # A chunk may end one row and begin the next, so a row may look one chunk longer than it is, never shorter.
        if self._total - self._row_started_at > self._limits.max_row_bytes + 2 * max(size, len(chunk)):
            raise Rejected("list.row_too_large", limit=self._limits.max_row_bytes)
        return chunk

    def next_row(self) -> None:
        self._row_started_at = self._total


def read_rows(
    stream: IO[bytes],
    *,
    root: str,
    sections: frozenset[str],
    limits: ListLimits,
    rows_at_root: frozenset[str] = frozenset(),
    is_in_namespace: bool = False,
) -> Iterator[Element | XmlRow]:
    """The root element (its attributes only), then every row: the children of each section that ``sections`` names.

    Children of the root that ``rows_at_root`` names are rows themselves. Any other child of the root comes as a row of
    its own (emptied), so that its reader can report it. With ``is_in_namespace`` elements are known by their local
    names: the publisher has changed the namespace of the same format before. Raises
    Rejected: ``list.not_well_formed`` (line, column), ``list.forbidden_construct``, ``list.not_this_list`` (another
    root), ``list.too_large``, ``list.row_too_large``, ``list.too_many_rows``, ``list.too_deep``.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    bounded = _BoundedReader(stream, limits)
    try:
        events = iterparse(bounded, events=("start", "end"), forbid_dtd=True)
        if is_in_namespace:
            events = _with_local_names(events)
        yield from _rows(events, bounded, root=root, sections=sections, limits=limits, rows_at_root=rows_at_root)
    except ParseError as error:
        line, column = error.position
        raise Rejected("list.not_well_formed", line=line, column=column) from error
    except DefusedXmlException as error:
        raise Rejected("list.forbidden_construct", construct=type(error).__name__) from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise Rejected("list.not_well_formed", line=1, column=0) from error


def _with_local_names(events: Any) -> Iterator[tuple[str, Element]]:
    for event, element in events:
        if event == "start":
            element.tag = element.tag.rpartition("}")[2]
        yield event, element


def _rows(
    events: Any,
    bounded: _BoundedReader,
    *,
    root: str,
    sections: frozenset[str],
    limits: ListLimits,
    rows_at_root: frozenset[str],
) -> Iterator[Element | XmlRow]:
    path: list[Element] = []
    counts: dict[str, int] = {}
    elements = rows = 0
    for event, element in events:
        if event == "start":
            path.append(element)
            elements += 1
            if len(path) == 1:
                if element.tag != root:
                    raise Rejected("list.not_this_list", root=str(element.tag)[:80], expected=root)
                yield element
            if len(path) > limits.max_depth:
                raise Rejected("list.too_deep", limit=limits.max_depth)
            if elements > limits.max_row_elements:
                raise Rejected("list.row_too_large", limit=limits.max_row_elements)
            continue
        path.pop()
        if len(path) > 2 or (len(path) == 2 and path[1].tag in rows_at_root):
            continue
        is_row = len(path) == 2 and path[1].tag in sections
        if is_row or (len(path) == 1 and element.tag not in sections):
            rows += 1
            if rows > limits.max_rows:
                raise Rejected("list.too_many_rows", limit=limits.max_rows)
            place = "".join(f"/{step.tag}" for step in [*path, element])
            counts[place] = counts.get(place, 0) + 1
            yield XmlRow(f"{place}[{counts[place]}]", element)
        # Drop what was read; what stays is the open path.
        if path:
            path[-1].remove(element)
        elements = 0
        bounded.next_row()
