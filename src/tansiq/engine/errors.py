"""The one tree of errors: what went wrong, as a stable code and typed facts, never as prose.

The class says what the caller may do about it, the code says what happened, the facts say where. Sentences for people stand
in ``tansiq.node.wording`` (five languages), HTTP statuses in ``tansiq.node.api``, retry classes in ``tansiq.node.exchange``;
each maps the tree once.
"""

from __future__ import annotations

from typing import TypeAlias

Fact: TypeAlias = str | int | bool | list[str] | None


class TansiqError(Exception):
    """Something that Tansiq will not do, with a stable ``code`` (``room.what``) and the ``facts`` that locate it."""

    def __init__(self, code: str, /, **facts: Fact) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """An error crosses from one process to another whole; the default would lose its facts and fail to arrive."""
        return _again, (type(self), self.code, self.facts)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code


def _again(kind: type[TansiqError], code: str, facts: dict[str, Fact]) -> TansiqError:
    return kind(code, **facts)


class Rejected(TansiqError):
    """The input is wrong; sending it again unchanged will never help."""


class Refused(TansiqError):
    """A rule says no; the refusal itself is a fact worth recording."""


class Conflict(TansiqError):
    """Somebody was first: look at the present state and decide again."""


class Unavailable(TansiqError):
    """Not now; the same request may succeed later."""


class Corrupt(TansiqError):
    """Stored material contradicts itself: stop and call a person."""
