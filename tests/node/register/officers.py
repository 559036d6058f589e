"""Officers as the register's policy sees them, and an invented subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Somebody:
    """An officer: opaque id, circles, roles."""

    reference: str
    circles: frozenset[str] = frozenset()
    roles: list[str] = field(default_factory=list)


def officer(number: int, *roles: str, circles: tuple[str, ...] = ()) -> Somebody:
    """Officer ``number`` with these roles."""
    return Somebody(str(UUID(int=number)), frozenset(circles), list(roles))


ANALYST = officer(1, "analyst", circles=("unit:narcotics",))
COLLEAGUE = officer(2, "analyst", circles=("unit:narcotics", "team:harbour"))
STRANGER = officer(3, "liaison", circles=("unit:borders",))
PROTECTOR = officer(4, "data_protection", circles=("unit:legal",))
ADMINISTRATOR = officer(5, "administrator", circles=("unit:narcotics",))

CONTENT: dict[str, Any] = {
    "schema": "Person",
    "properties": {
        "name": ["Nadia Example", {"value": "نادية المثال", "language": "ar"}],
        "birthDate": ["1968/1970"],
        "nationality": ["Morocco"],
        "phone": ["+212 661-234567"],
        "fatherName": ["Yusuf"],
    },
    "belongings": [
        {"key": "passport-1", "schema": "Passport", "properties": {"holder": ["#"], "number": ["AB1234567"]}}
    ],
}
