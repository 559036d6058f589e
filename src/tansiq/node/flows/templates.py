"""Intents to fill in, for people at a terminal."""

from __future__ import annotations

REQUEST = """{
  "kind": "request",
  "act": "ask",
  "participants": ["ma"],
  "codes": {"purpose": "investigation", "crime_area": "0601", "use": "intelligence", "restrictions": "none", "urgency": "life"},
  "parts": [
    {"type": "question", "language": "fr", "content": {"text": "..."}},
    {"type": "narrative", "language": "fr", "content": {"topic": "offence", "text": "..."}},
    {"type": "narrative", "language": "fr", "content": {"topic": "objective_reasons", "text": "..."}}
  ],
  "title": "",
  "reference": ""
}"""
