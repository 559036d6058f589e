"""Statements that are made once a process and only filled in afterwards, for the few that every entry needs.

A queryset is made, resolved and compiled anew each time: for a row looked up by its key that is several times what the store itself
takes. These say the same in SQL that stands still. They read and write through the fields of the model – so a sealed column is sealed and opened here
as there –, through the same connection, transaction and wrappers, on both databases. What has conditions of its own stays a queryset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)
Field = models.Field


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Field]:
    return [model._meta.pk if name == "pk" else model._meta.get_field(name) for name in names]  # type: ignore[misc]


def _column(field: Field) -> str:
    return str(connection.ops.quote_name(field.column))


def _table(model: type[models.Model]) -> str:
    return str(connection.ops.quote_name(model._meta.db_table))


def _where(by: Sequence[Field]) -> str:
    return " AND ".join(f"{_column(field)} = %s" for field in by)


def _asked(by: Sequence[Field], values: Sequence[Any]) -> list[Any]:
    if len(values) != len(by):
        raise TypeError(f"{len(by)} values are asked for, {len(values)} were given")
    return [field.get_db_prep_value(value, connection) for field, value in zip(by, values, strict=True)]


def _written(field: Field, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


class Select(Generic[Row]):
    """The row of ``model`` whose columns ``by`` have the values asked for; ``locked`` for the caller's transaction.

    ``fields`` are those that are read, all of them where none are named.
    """

    def __init__(
        self, model: type[Row], by: Sequence[str], *, fields: Sequence[str] = (), locked: bool = False
    ) -> None:
        self._model, self._by_names, self._names, self._locked = model, by, fields, locked

    @cached_property
    def _by(self) -> list[Field]:
        return _fields(self._model, self._by_names)

    @cached_property
    def _fields(self) -> list[Field]:
        return _fields(self._model, self._names) if self._names else list(self._model._meta.concrete_fields)

    @cached_property
    def _attributes(self) -> list[str]:
        return [field.attname for field in self._fields]

    @cached_property
    def _reads(self) -> list[tuple[int, Any, list[Callable[..., Any]]]]:
        """For each column that the store keeps in another form: its place, and what makes a value of it."""
        found = []
        for place, field in enumerate(self._fields):
            column = field.cached_col
            converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
            if converters:
                found.append((place, column, converters))
        return found

    @cached_property
    def _sql(self) -> str:
        lock = " FOR UPDATE" if self._locked and connection.features.has_select_for_update else ""
        columns = ", ".join(_column(field) for field in self._fields)
        return f"SELECT {columns} FROM {_table(self._model)} WHERE {_where(self._by)} LIMIT 1{lock}"  # noqa: S608

    def _fetched(self, values: Sequence[Any]) -> Any:
        if self._locked and not connection.in_atomic_block:
            raise RuntimeError("a row is locked inside a transaction")
        with connection.cursor() as cursor:
            cursor.execute(self._sql, _asked(self._by, values))
            return cursor.fetchone()

    def _first(self, values: Sequence[Any]) -> list[Any] | None:
        found = self._fetched(values)
        if found is None:
            return None
        row = list(found)
        for place, column, converters in self._reads:
            for convert in converters:
                row[place] = convert(row[place], column, connection)
        return row

    def first(self, *values: Any) -> Row | None:
        """The row, None where there is none."""
        row = self._first(values)
        return None if row is None else self._model.from_db(connection.alias, self._attributes, row)

    def value(self, *values: Any) -> Any:
        """The first of the fields that are read, None where there is no such row."""
        row = self._first(values)
        return None if row is None else row[0]

    def raw(self, *values: Any) -> Any:
        """The first of the fields as the store has it, for whoever remembers what it comes to; None where there is no such row."""
        found = self._fetched(values)
        return None if found is None else found[0]

    def exists(self, *values: Any) -> bool:
        """Whether there is such a row."""
        return self.raw(*values) is not None


class Insert(Generic[Row]):
    """A new row of ``model``; with ``or_nothing``, one that breaks a rule of uniqueness is left out."""

    def __init__(self, model: type[Row], *, or_nothing: bool = False) -> None:
        self._model, self._or_nothing = model, or_nothing

    @cached_property
    def _fields(self) -> list[Field]:
        return [field for field in self._model._meta.concrete_fields if not isinstance(field, models.AutoField)]

    @cached_property
    def _is_numbered(self) -> bool:
        return len(self._fields) < len(self._model._meta.concrete_fields) and not self._or_nothing

    @cached_property
    def _sql(self) -> str:
        columns = ", ".join(_column(field) for field in self._fields)
        places = ", ".join(["%s"] * len(self._fields))
        end = " ON CONFLICT DO NOTHING" if self._or_nothing else ""
        if self._is_numbered:
            end += f" RETURNING {_column(_fields(self._model, ['pk'])[0])}"
        return f"INSERT INTO {_table(self._model)} ({columns}) VALUES ({places}){end}"  # noqa: S608

    def __call__(self, row: Row) -> Row:
        """Insert it; its number, where the store gives it one, is set. Raises IntegrityError as ``save`` does."""
        given = [_written(field, field.pre_save(row, True)) for field in self._fields]
        with connection.cursor() as cursor:
            cursor.execute(self._sql, given)
            if self._is_numbered:
                row.pk = cursor.fetchone()[0]
        row._state.adding, row._state.db = False, connection.alias
        return row


class Update(Generic[Row]):
    """New values of the columns ``set`` in every row of ``model`` whose columns ``by`` have the values asked for."""

    def __init__(self, model: type[Row], columns: Sequence[str], by: Sequence[str] = ("pk",)) -> None:
        self._model, self._names, self._by_names = model, columns, by

    @cached_property
    def _by(self) -> list[Field]:
        return _fields(self._model, self._by_names)

    @cached_property
    def _fields(self) -> list[Field]:
        return _fields(self._model, self._names)

    @cached_property
    def _sql(self) -> str:
        columns = ", ".join(f"{_column(field)} = %s" for field in self._fields)
        return f"UPDATE {_table(self._model)} SET {columns} WHERE {_where(self._by)}"  # noqa: S608

    def __call__(self, new: Mapping[str, Any], *values: Any) -> int:
        """Write ``new``, a value for each of the columns; returns in how many rows."""
        given = [_written(field, new[name]) for field, name in zip(self._fields, self._names, strict=True)]
        return self._run(given, values)

    def save(self, row: Row) -> int:
        """Write what the columns are in ``row``; returns 0 where it is no more."""
        return self._run([_written(field, field.pre_save(row, False)) for field in self._fields], [row.pk])

    def _run(self, given: list[Any], values: Sequence[Any]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(self._sql, [*given, *_asked(self._by, values)])
            return int(cursor.rowcount)
