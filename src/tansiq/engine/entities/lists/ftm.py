"""FollowTheMoney entities as JSON lines: one ``{"id", "schema", "properties"}`` a line, as statements.

A line of a Thing (a person, an organisation, a vehicle …) is a row. What belongs to it and refers to nothing else – a
passport, a sanction, an address – becomes a belonging of it, if it can be known to belong while one line is in memory:

- nested in the line (``"properties": {"sanctions": [{"id", "schema", "properties"}]}``, the "nested" form), or
- on the lines directly after it (the form our own export writes).

An edge between two things of the file (Ownership, Family, …), and a belonging that stands elsewhere, is left out and
*counted*: one ``list.links_left_out`` per schema at the end says how many. A link between two subjects is an officer's
judgement here, and finding the other end of an edge would need the whole file in memory.

Keys beside those three (``caption``, ``datasets``, ``first_seen`` …) say nothing about the subject and are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Final

from tansiq.engine.entities.assembly import CAPTION_PROPERTIES
from tansiq.engine.entities.lists.building import MAX_SHOWN, RowBuilder
from tansiq.engine.entities.lists.keys import row_key
from tansiq.engine.entities.lists.lines import read_lines
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRecord, ListRow, RowProblem
from tansiq.engine.entities.lists.seen_keys import SeenKeys
from tansiq.engine.entities.model import model, property_of, require_schema
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import strict_json
from tansiq.engine.formats.ids import digest
from tansiq.engine.formats.json_values import JsonValue, Limits

LIMITS: Final = ListLimits(max_bytes=16 * 1024**3, max_row_bytes=1024 * 1024, max_rows=10_000_000)

_OF_A_LINE: Final = Limits(
    max_bytes=1024 * 1024, max_depth=12, max_values=20_000, max_string_length=65_536, allow_floats=True
)
PIECE_LINES: Final = 1_000
MAX_PIECE_BYTES: Final = 16 * 1024 * 1024
_NOT_ALONE: Final = frozenset({"Address"})
_MAX_BELONGINGS: Final = 200


def read_ftm(stream: IO[bytes], *, list_key: str, limits: ListLimits = LIMITS) -> Iterator[ListRow]:
    """A ``ListHeader`` (the format knows no edition), then a record or problem for every line, in flat memory.

    Raises Rejected: ``list.too_large``, ``list.too_many_rows``, or (at the end) ``list.not_this_list`` when no line of
    the file is an entity.
    """
    pieces = FtmPieces(list_key, limits)
    yield from pieces.joined(pieces.read(piece) for piece in pieces.split(stream))


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole subjects of a file: lines that follow each other, the first of which has this number."""

    first: int
    lines: list[bytes | None]


@dataclass(frozen=True, slots=True)
class PieceRead:
    """What a piece said: its rows, and what can only be told when all pieces are read."""

    rows: list[ListRow]
    told: PieceCounts


@dataclass(frozen=True, slots=True)
class PieceCounts:
    """What a piece adds to the whole: lines, entities among them, links left out by schema, the first rule broken."""

    left_out: Counter[str]
    entities: int
    lines: int
    first_rule: str


@dataclass(frozen=True, slots=True)
class FtmPieces:
    """A file in pieces that can be read apart, in other processes too: ``joined(map(read, split(stream)))`` is the file.

    A piece ends before a line that begins a subject for certain, so that no belonging loses its subject – unless no such
    line comes for ``MAX_PIECE_BYTES``.
    """

    list_key: str
    limits: ListLimits = LIMITS

    def split(self, stream: IO[bytes]) -> Iterator[Piece]:
        """The pieces in order, each about ``PIECE_LINES`` lines."""
        first, size = 1, 0
        held: list[bytes | None] = []
        for number, line in read_lines(stream, self.limits):
            if len(held) >= PIECE_LINES and (size > MAX_PIECE_BYTES or _begins_a_subject(line)):
                yield Piece(first, held)
                first, held, size = number, [], 0
            held.append(line)
            size += len(line or b"")
        if held:
            yield Piece(first, held)

    def read(self, piece: Piece) -> PieceRead:
        """The rows of one piece; a function of the piece alone."""
        reading = _Reading(self.list_key)
        rows: list[ListRow] = []
        lines = 0
        for number, line in enumerate(piece.lines, start=piece.first):
            if line is not None and not line.strip():
                continue
            lines += 1
            rows.extend(reading.take(f"/line[{number}]", line))
        rows.extend(reading.close())
        return PieceRead(rows, PieceCounts(reading.left_out, reading.entities, lines, reading.first_rule))

    def joined(self, parts: Iterable[PieceRead]) -> Iterator[ListRow]:
        """The rows of all pieces behind a header; a second row of one id is taken out and reported."""
        yield ListHeader(self.list_key, None)
        whole = FtmWhole(self.limits)
        for part in parts:
            for row in part.rows:
                if isinstance(row, ListRecord) and whole.is_repeated(row.key):
                    yield repeated(row.place, row.key, row.number)
                else:
                    yield row
            whole.count(part.told)
        yield from whole.end()


class FtmWhole:
    """What is known of a file beyond each piece of it: which ids came before, how long it is, what was left out."""

    def __init__(self, limits: ListLimits = LIMITS) -> None:
        self._limits = limits
        self._seen = SeenKeys()
        self._left_out: Counter[str] = Counter()
        self._entities = self._lines = 0
        self._first_rule = ""

    def is_repeated(self, key: str) -> bool:
        """Whether a record of this key (or of this token of a key) came before; remembers it."""
        return not self._seen.add(key)

    def count(self, part: PieceCounts) -> None:
        """Take a piece into account; raises Rejected("list.too_many_rows")."""
        self._lines += part.lines
        if self._lines > self._limits.max_rows:
            raise Rejected("list.too_many_rows", limit=self._limits.max_rows)
        self._left_out.update(part.left_out)
        self._entities += part.entities
        self._first_rule = self._first_rule or part.first_rule

    def end(self) -> Iterator[ListRow]:
        """What was left out, by schema; raises Rejected("list.not_this_list") if nothing was an entity."""
        for name, count in sorted(self._left_out.items()):
            yield RowProblem("/", "list.links_left_out", f"{name}: {count}")
        if self._lines and not self._entities:
            raise Rejected("list.not_this_list", root=self._first_rule, expected="FollowTheMoney")


def repeated(place: str, key: str, number: str) -> RowProblem:
    """The report of a second row of one id: the first stands."""
    return RowProblem(f"{place}/id", "list.duplicate_row", number, key=key, number=number, is_row_lost=True)


def _begins_a_subject(line: bytes | None) -> bool:
    """Whether the line begins a subject whatever stands before it: a thing whose id is not of the form ``subject#part``."""
    if line is None:
        return False
    try:
        entity = _entity(strict_json.loads(line, limits=_OF_A_LINE), "")
        return "#" not in str(entity["id"]) and _stands_alone(require_schema(str(entity["schema"])).name)
    except Rejected:
        return False


class _Reading:
    """The subject of which lines are being read, what came before, and what was left out."""

    def __init__(self, list_key: str) -> None:
        self.list_key = list_key
        self.left_out: Counter[str] = Counter()
        self.entities = 0
        self.first_rule = ""
        self.built: RowBuilder | None = None
        self.own: dict[str, str] = {}
        """The file's ids of the subject and its belongings, to the ids under which they are kept."""

    def take(self, place: str, line: bytes | None) -> Iterator[ListRow]:
        try:
            if line is None:
                raise Rejected("list.line_too_long", place=place)
            entity = _entity(strict_json.loads(line, limits=_OF_A_LINE), place)
            schema = require_schema(str(entity["schema"])).name
        except Rejected as error:
            self.first_rule = self.first_rule or error.code
            yield from self.close()
            shown = "" if line is None else line[:MAX_SHOWN].decode("utf-8", "replace")
            yield RowProblem(place, error.code, shown, is_row_lost=True)
            return
        self.entities += 1
        if self._may_belong(entity, schema):
            self._belonging(entity, schema, at=place)
        elif _stands_alone(schema):
            yield from self.close()
            self._open(entity, schema, place)
        else:
            self.left_out[schema] += 1

    def _open(self, entity: Mapping[str, JsonValue], schema: str, place: str) -> None:
        identifier = str(entity["id"])
        built = RowBuilder(self.list_key, row_key(identifier), number=identifier[:120], place=place, schema=schema)
        self.built, self.own = built, {identifier: built.root}
        self._properties(entity, schema, built.root, at="properties")

    def close(self) -> Iterator[ListRow]:
        """The subject that was being read, if any."""
        built, self.built, self.own = self.built, None, {}
        if built is None:
            return
        yield from built.problems
        if any(own == built.root and _names(built.schema, prop) for own, prop, _ in built.statements):
            yield built.record()
        else:
            yield built.lost("list.row_without_name", at="properties")

    def _may_belong(self, entity: Mapping[str, JsonValue], schema: str) -> bool:
        """Whether the line refers to the subject just read, and to nothing else."""
        if self.built is None or len(self.own) > _MAX_BELONGINGS or entity["id"] in self.own:
            return False
        if _stands_alone(schema) and not str(entity["id"]).startswith(f"{next(iter(self.own))}#"):
            return False
        referred = [
            item if isinstance(item, str) else ""
            for prop, values in _values(entity)
            if _is_reference(schema, prop)
            for item in values
        ]
        return bool(referred) and all(item in self.own for item in referred)

    def _belonging(self, entity: Mapping[str, JsonValue], schema: str, *, at: str = "") -> str:
        assert self.built is not None
        identifier = str(entity["id"])
        own_id = f"{self.built.root}#{schema.casefold()[:20]}-{digest(identifier.encode('utf-8'))[:12]}"
        self.own[identifier] = own_id
        self._properties(entity, schema, own_id, at=f"{at}/properties" if at else "properties")
        return own_id

    def _properties(self, entity: Mapping[str, JsonValue], schema: str, own_id: str, *, at: str) -> None:
        assert self.built is not None
        for prop, values in _values(entity):
            for index, item in enumerate(values):
                place = f"{at}/{prop[:60]}/{index}"
                if isinstance(item, Mapping):
                    self._nested(item, schema, prop, own_id, at=place)
                elif not isinstance(item, str):
                    self.built.problem(place, "list.entity_malformed", str(item)[:MAX_SHOWN])
                elif not _is_reference(schema, prop):
                    self._say(schema, prop, item, own_id, at=place)
                elif item in self.own:
                    self.built.add(prop, self.own[item], at=place, entity_id=own_id, schema=schema)
                else:
                    self.left_out[f"{schema}.{prop}"] += 1

    def _say(self, schema: str, prop: str, text: str, own_id: str, *, at: str) -> None:
        assert self.built is not None
        if property_of(schema, prop) is None:
            self.built.problem(at, "entity.unknown_property", f"{prop}: {text}")
            self.built.note(f"{prop}: {text}")
        else:
            self.built.add(prop, text, at=at, entity_id=own_id, schema=schema)

    def _nested(self, item: Mapping[str, JsonValue], schema: str, prop: str, own_id: str, *, at: str) -> None:
        """An entity inside a property: under a reverse property it refers to us, under a plain one we to it."""
        assert self.built is not None
        try:
            entity = _entity(dict(item), at)
            nested = require_schema(str(entity["schema"]))
        except Rejected as error:
            self.built.problem(at, error.code, prop)
            return
        # What is nested deeper, and a thing that could be a subject of its own, is a link and not a belonging.
        described = model()[schema].get(prop)
        is_ours = own_id == self.built.root and not nested.edge and not _stands_alone(nested.name)
        if described is None or described.type.name != "entity" or not is_ours or len(self.own) > _MAX_BELONGINGS:
            self.left_out[nested.name] += 1
            return
        belonging = self._belonging(entity, nested.name, at=at)
        if not described.stub:
            self.built.add(prop, belonging, at=at)
        elif described.reverse is not None:
            back = described.reverse.name
            self.built.add(back, own_id, at=at, entity_id=belonging, schema=nested.name)


def _entity(value: JsonValue, place: str) -> dict[str, JsonValue]:
    """The value as an entity; Rejected("list.entity_malformed") for anything else."""
    if not isinstance(value, dict):
        raise Rejected("list.entity_malformed", place=place)
    identifier, schema, properties = value.get("id"), value.get("schema"), value.get("properties")
    if not isinstance(identifier, str) or not identifier.strip() or len(identifier) > 255:
        raise Rejected("list.entity_malformed", place=place)
    if not isinstance(schema, str) or not isinstance(properties, dict):
        raise Rejected("list.entity_malformed", place=place)
    return value


def _values(entity: Mapping[str, JsonValue]) -> Iterator[tuple[str, list[JsonValue]]]:
    properties = entity["properties"]
    assert isinstance(properties, dict)
    for prop, values in properties.items():
        yield prop, values if isinstance(values, list) else [values]


@lru_cache(maxsize=512)
def _stands_alone(schema: str) -> bool:
    """Whether an entity of this schema can be a subject: a Thing that is no mere address."""
    described = model()[schema]
    return described.is_a("Thing") and not described.edge and schema not in _NOT_ALONE


@lru_cache(maxsize=4096)
def _is_reference(schema: str, prop: str) -> bool:
    """Whether values of the property are ids of entities, one way or the other."""
    described = model()[schema].get(prop)
    return described is not None and described.type.name == "entity"


@lru_cache(maxsize=4096)
def _names(schema: str, prop: str) -> bool:
    """Whether the property is something a subject can be found by."""
    described = property_of(schema, prop)
    by_type = described is not None and described.type.name in ("name", "identifier", "phone", "email", "iban")
    return prop in CAPTION_PROPERTIES or by_type
