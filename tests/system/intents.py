"""Intents of the tests: complete, short, about nobody."""

from __future__ import annotations

from typing import Any


def request(to: str, *, name: str = "Youssef Ziani", **changed: Any) -> dict[str, Any]:
    """A complete urgent request to one partner."""
    intent = {
        "kind": "request",
        "act": "ask",
        "participants": [to],
        "codes": {
            "purpose": "investigation",
            "crime_area": "0601",
            "use": "intelligence",
            "restrictions": "none",
            "urgency": "life_or_limb",
        },
        "parts": [
            {"type": "question", "language": "fr", "content": {"text": "Est-il connu de vos services ?"}},
            {
                "type": "subject",
                "category": "suspect",
                "content": {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}},
            },
            *(narrative(topic) for topic in ("offence", "objective_reasons", "link", "urgency_reasons")),
        ],
        "title": name,
        "reference": "PV 2026/1107",
    }
    return {**intent, **changed}


def narrative(topic: str, text: str = "…") -> dict[str, Any]:
    """One narrative part."""
    return {"type": "narrative", "language": "fr", "content": {"topic": topic, "text": text}}


def act(
    kind: str, dossier: str, name: str, *, codes: dict[str, Any] | None = None, parts: list[Any] | None = None
) -> dict[str, Any]:
    """An act in a dossier."""
    return {"kind": kind, "act": name, "dossier": dossier, "codes": codes or {}, "parts": parts or []}
