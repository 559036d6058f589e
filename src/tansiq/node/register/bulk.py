"""Many new rows in one statement, for imports: PostgreSQL's COPY, SQLite's executemany.

Django's ``bulk_create`` makes a model instance and some twenty calls for every column of every row; here every column
that is the same in all rows is prepared once. Constraints, sealing and the transaction are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model


def insert(model: type[Model], alike: Mapping[str, Any], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert a row for each of ``rows`` (values of the fields ``names``, in that order), with ``alike`` in all of them.

    Fields that are named nowhere have their default; what a model gives itself (an automatic key) is left to the
    database. Raises what the database raises for a row that breaks a constraint.
    """
    connection = connections[DEFAULT_DB_ALIAS]  # the thread's own, looked up once and not for every value
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.db_returning}
    same = {name: fields[name].get_default() for name in fields if name not in names and name not in alike} | dict(
        alike
    )
    fixed = [fields[name].get_db_prep_save(value, connection) for name, value in same.items()]
    prepare = [_preparer(fields[name], connection) for name in names]
    told = [(*(prepared(value) for prepared, value in zip(prepare, row, strict=True)), *fixed) for row in rows]
    if not told:
        return
    quote = connection.ops.quote_name
    columns = ", ".join(quote(fields[name].column) for name in (*names, *same))
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in told:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(told[0]))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", told)  # noqa: S608 - names of our models


def _preparer(field: Any, connection: BaseDatabaseWrapper) -> Callable[[Any], Any]:
    """How a value of the field is handed to the database."""
    return lambda value: field.get_db_prep_save(value, connection)
