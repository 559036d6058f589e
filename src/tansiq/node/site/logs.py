"""What the processes of a node say of themselves: where and what, never what a case holds.

A log is read by people who may not read a case, copied to other machines, and kept for years. So an address is told by the name of its page,
and an exception by its class and its place: its message may quote a name, a row or a body.
"""

from __future__ import annotations

import logging
import traceback
from copy import copy
from types import TracebackType
from typing import Any


class Discreet(logging.Formatter):
    """A line a record, with the frames of an exception and without its message, and a page's name in place of its address."""

    def format(self, record: logging.LogRecord) -> str:
        request: Any = getattr(record, "request", None)
        if request is not None:
            match = getattr(request, "resolver_match", None)
            said = copy(record)
            page = match.view_name if match else "no page of this node"
            said.msg, said.args = "%s at %s", (getattr(record, "status_code", "?"), page)
            record = said
        return super().format(record)

    def formatException(  # noqa: N802 - a name of the standard library
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, error, trace = ei
        frames = "".join(traceback.format_tb(trace))
        told = [kind.__name__ if kind else "no exception"]
        while error is not None and (error := error.__cause__ or error.__context__):
            told.append(type(error).__name__)
        return frames + " after ".join(told)
