"""Asking once: what one transaction has asked the store, it need not ask again.

Taking in the entries of an envelope asks for the same few things for each of them: whose keys, which accord, what waits. Inside
:func:`asking_once` a question marked with :func:`asked_once` is asked once. Nothing outlives the transaction, and nothing that it changes is
remembered: any statement of its own that writes one of the tables, and any rollback, lets go of everything. What another
transaction commits meanwhile is not seen, as if this one had come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, models

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

_tables: set[str] = set()
_held: ContextVar[dict[Any, Any] | None] = ContextVar("held", default=None)
READS = ("SELECT", "SAVEPOINT", "RELEASE")


def asked_once(*rows: type[models.Model]) -> Callable[[Callable[Asked, Answer]], Callable[Asked, Answer]]:
    """Mark a question that reads ``rows`` and nothing else, and whose answer nobody changes."""
    _tables.update(f'"{model._meta.db_table}"' for model in rows)

    def marked(question: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
        @wraps(question)
        def ask(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
            held = _held.get()
            if held is None:
                return question(*args, **kwargs)
            key = (question, args, tuple(sorted(kwargs.items())))
            if key not in held:
                held[key] = question(*args, **kwargs)
            answer: Answer = held[key]
            return answer

        return ask

    return marked


@contextmanager
def asking_once() -> Iterator[None]:
    """Ask each marked question once; inside a transaction, and no longer than it."""
    if not connection.in_atomic_block:
        raise RuntimeError("asking once needs a transaction")
    held: dict[Any, Any] = {}

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if (
            held
            and not sql.startswith(READS)
            and (sql.startswith("ROLLBACK") or any(table in sql for table in _tables))
        ):
            held.clear()
        return execute(sql, params, many, context)

    token = _held.set(held)
    try:
        with connection.execute_wrapper(watch):
            yield
    finally:
        _held.reset(token)
