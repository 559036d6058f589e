"""A file as a page shows it: what it is called, how it stands here and at each partner, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.wording import sentence

MB = 1024 * 1024
TYPES = frozenset({"file", "photograph", "fingerprints"})
UNSAID = frozenset({"name", "media_type", "size", "digest", "blob", "blob_size", "identity"})
"""Members of a file's part that are no words for a reader, a secret among them."""
ICONS = {"read": "download", "evidence": "journal-check", "export": "send"}


POSES: Final = ("front", "left_profile", "right_profile", "full_body", "mark_or_tattoo", "scene", "other")
GROUNDS: Final = ("consent", "identification_measure", "judicial_order", "public_source", "missing_person")


def words_of(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Poses or grounds of a photograph with their words."""
    said = {
        "front": _("From the front"),
        "left_profile": _("Left profile"),
        "right_profile": _("Right profile"),
        "full_body": _("Full body"),
        "mark_or_tattoo": _("A mark or tattoo"),
        "scene": _("A place or scene"),
        "other": _("Something else"),
        "consent": _("With consent"),
        "identification_measure": _("Identification measure"),
        "judicial_order": _("Judicial order"),
        "public_source": _("Public source"),
        "missing_person": _("Search for a missing person"),
    }
    return [(code, said[code]) for code in codes]


def file_shown(content: Mapping[str, Any], told: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any]:
    """One file; ``told`` is what ``read_dossier`` knows of it, nothing for a draft."""
    found = told or {
        "state": "",
        "received": 0,
        "uses": {},
        "copies": [],
        "code": "",
        "found": "",
        "is_contradicted": False,
        "danger": "",
        "scan": "",
        "vetted_at": None,
    }
    return {
        **{name: found.get(name) for name in ("state", "found", "is_contradicted", "entry", "index")},
        "name": content["name"],
        "size": content["size"],
        "media_type": content["media_type"],
        "received_mb": found["received"] // MB,
        "size_mb": max(1, content["blob_size"] // MB),
        "reason": _said(found["code"], {}) if found["code"] else "",
        "danger": _said(found["danger"], {"name": content["name"], **found["danger_facts"]}) if found["danger"] else "",
        "vetted_at": found["vetted_at"],
        "scan": _scan_word(found["scan"]) if found["vetted_at"] else "",
        "uses": [_use(name, refusal) for name, refusal in found["uses"].items()],
        "copies": [_copy(copy, content["blob_size"], names) for copy in found["copies"]],
    }


def _scan_word(verdict: str) -> str:
    """What the scanner said, in words; where none is set up a reader is told so."""
    return {
        "clean": _("The scanner found nothing"),
        "found": _("The scanner found malware"),
        "too_large": _("Too large for the scanner: not looked at"),
    }.get(verdict, _("Not looked at by a virus scanner"))


def file_facts(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is said of a file in words."""
    labels = {
        "description": _("What it shows"),
        "document_type": _("Type of document"),
        "pose": _("Pose"),
        "taken_at": _("Taken"),
        "ground": _("Ground"),
        "subject": _("Of"),
        "transaction": _("Transaction"),
        "version": _("Version of the standard"),
        "impressions": _("Impressions"),
    }
    facts = []
    for name, value in content.items():
        if name in UNSAID or value in (None, "", []):
            continue
        text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
        text = dict(words_of((*POSES, *GROUNDS))).get(text, text) if name in ("pose", "ground") else text
        facts.append(
            (labels.get(name, name), words.list_label("document_types", text) if name == "document_type" else text)
        )
    return facts


def _said(code: str, facts: Mapping[str, Any]) -> str:
    return sentence(code, words.with_names(facts, words.node_names()), language_now(), isolate=True)


def _use(name: str, refusal: Mapping[str, Any] | None) -> dict[str, str]:
    label = {
        "read": _("Open it to read"),
        "evidence": _("Use it in proceedings"),
        "export": _("Take it out of this node"),
    }[name]
    return {
        "name": name,
        "label": label,
        "icon": ICONS[name],
        "refusal": _said(refusal["code"], refusal["facts"]) if refusal else "",
    }


def _copy(copy: Mapping[str, Any], size: int, names: Mapping[str, str]) -> dict[str, Any]:
    """The way of the file to one partner, as steps of evidence."""
    percent = min(100, copy["given"] * 100 // size) if size else 0
    has_all = copy["state"] == "verified" or percent == 100
    steps = [{"label": _("File announced"), "state": "done"}]
    if copy["state"] == "refused":
        return {
            "partner": names.get(copy["partner"], copy["partner"]),
            "steps": [
                *steps,
                {"label": _("Refused"), "state": "failed", "text": _said(copy["code"], {}) if copy["code"] else ""},
            ],
        }
    if not has_all:
        arriving = _("Arriving: %(percent)d %%") % {"percent": percent}
        steps.append({"label": arriving, "state": "waiting"})
    else:
        steps.append({"label": _("All of it given"), "state": "done"})
    is_verified = copy["state"] == "verified"
    steps.append(
        {
            "label": _("Verified there, receipt signed"),
            "at": copy["verified_at"],
            "state": "done" if is_verified else "waiting",
        }
    )
    return {"partner": names.get(copy["partner"], copy["partner"]), "steps": steps}
