"""What of a dossier may be chosen to be passed on, and what was passed on to us, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.errors import TansiqError
from tansiq.node.dossiers import queries
from tansiq.node.flows import origins
from tansiq.node.web import words

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Dossier

SHORT = 80
NOT_OFFERED = frozenset({"terms", "reservation", "file"})


def offered(dossier: Dossier) -> list[dict[str, Any]]:
    """Every part that is here and is information: its place, and a line by which an officer knows it again."""
    names = words.node_names()
    found = []
    for view in queries.entries_of(dossier):
        author = names.get(view.row.author, view.row.author)
        act = words.act_label(dossier.kind, view.row.act)
        for index, part in enumerate(view.parts):
            if part is not None and part.type not in NOT_OFFERED:
                label = f"{words.list_label('part_types', part.type)}: {_short(part)} – {act} – {author}"
                found.append({"entry": view.row.entry_id, "index": index, "label": label})
    return found


def _short(part: Part) -> str:
    if part.type == reshared.RESHARED:
        part = reshared.open_origin(part).salted.part
    content = part.content
    text = content.get("text") or content.get("name") or " · ".join(content.get("properties", {}).get("name", []))
    text = " ".join(str(text).split())
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def origin_shown(part: Mapping[str, Any], passer: str, names: Mapping[str, str]) -> dict[str, Any] | None:
    """From whom a passed-on part comes, who passed it on, and what is proven of that; with the part itself as JSON."""
    try:
        told = {name: value for name, value in part.items() if name not in {"index", "erased"}}
        origin = reshared.open_origin(Part.from_json(told))
        standing = origins.standing_of(origin)
    except TansiqError:
        return None
    said = {
        origins.KNOWN: _("Its author's signature was verified with the keys that were enrolled here."),
        origins.VOUCHED: _(
            "Its author is not enrolled here: the signature fits the card that came along, and no more is known."
        ),
        origins.UNVERIFIED: _(
            "Its author is not enrolled here and no card came along: the signature cannot be verified here."
        ),
    }
    return {
        "author": names.get(origin.author, origin.author),
        "passers": words.named((*origin.via, passer), names),
        "signed_at": origin.entry.header.at,
        "standing": standing,
        "told": said[standing],
        "entry": origin.entry.entry_id,
        "part": {"index": part["index"], "erased": False, **origin.salted.part.to_json()},
    }
