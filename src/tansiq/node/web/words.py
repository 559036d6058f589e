"""What codes are called on a page: kinds, acts, phases, clauses, list entries and nodes, in the language of the page.

The labels stand with the engine's kinds and code lists; this module only looks them up. An unknown code is shown as it
is: a newer partner may know more than we do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.codes import code_list
from tansiq.engine.kinds.registry import kind
from tansiq.node.partners.queries import correspondents, myself, partners
from tansiq.node.web.languages import language_now


def _said(kind_name: str, section: str, key: str) -> str:
    try:
        words = kind(kind_name).labels.get(section, {}).get(key, {})
    except Rejected:
        return key
    return str(words.get(language_now()) or words.get("en") or key)


def kind_label(kind_name: str) -> str:
    """*Request for information*."""
    return _said(kind_name, "kind", kind_name)


def act_label(kind_name: str, act: str) -> str:
    """*Ask for clarification*."""
    return _said(kind_name, "acts", act)


def phase_label(kind_name: str, phase: str) -> str:
    """*Received*."""
    return _said(kind_name, "phases", phase)


def topic_label(kind_name: str, topic: str) -> str:
    """*Objective reasons …*."""
    return _said(kind_name, "topics", topic)


def with_names(facts: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The facts of a sentence with every node in them called by its name."""
    nodes = ("blocks", "node", "partner", "sender")
    return {**facts, **{at: names.get(str(facts[at]), facts[at]) for at in nodes if facts.get(at)}}


def narrative_label(kind_name: str, topic: str) -> str:
    """What words about a topic are headed by: its name, else the act that they go with, else just that they are words.

    A topic that the kind does not name, such as one of a later version, is never shown as the bare code.
    """
    for label in (topic_label, act_label):
        if (said := label(kind_name, topic)) != topic:
            return said
    return list_label("part_types", "narrative")


def clause_label(kind_name: str, clause: str) -> str:
    """The rule as a lawyer cites it."""
    return _said(kind_name, "clauses", clause)


def field_label(kind_name: str, at: str) -> str:
    """What a place of an act is called in a guided form."""
    return _said(kind_name, "fields", at)


def help_text(kind_name: str, about: str) -> str:
    """What a kind says to whoever fills in a code or a part; empty where it says nothing."""
    said = _said(kind_name, "help", about)
    return "" if said == about else said


def deadline_label(kind_name: str, name: str) -> str:
    """*Answer due*."""
    return _said(kind_name, "deadlines", name)


def deadline_words(kind_name: str, row: Mapping[str, Any]) -> dict[str, str]:
    """The name and the rule of one deadline."""
    return {"label": deadline_label(kind_name, row["name"]), "rule": clause_label(kind_name, row["clause"])}


def code_name(kind_name: str, name: str) -> str:
    """What a field of an act is called."""
    return _said(kind_name, "codes", name)


def code_value(kind_name: str, act: str, name: str, code: Any) -> str:
    """What the value of such a field is called: from its code list, else from the kind's own words."""
    if isinstance(code, list | tuple):
        return " · ".join(code_value(kind_name, act, name, one) for one in code)
    listed = list_of(kind_name, act, name)
    if listed:
        return list_label(listed, str(code))
    said = _said(kind_name, "values", f"{name}.{code}")
    return str(code) if said == f"{name}.{code}" else said


def list_of(kind_name: str, act: str, name: str) -> str | None:
    """The code list in which a field of an act is read, if it is a listed one."""
    try:
        lists = kind(kind_name).CODE_LISTS
    except Rejected:
        return None
    return lists.get(f"{act}.{name}") or lists.get(f"*.{name}")


def list_label(name: str, code: str) -> str:
    """The label of a code in a list; the code itself when the list does not have it."""
    try:
        return code_list(name).label(code, language_now())
    except Rejected:
        return code


def list_choices(name: str) -> list[tuple[str, str]]:
    """Every code of a list with its label, in the order in which the list offers them."""
    held = code_list(name)
    return [(code, held.label(code, language_now())) for code in held.codes()]


def issue_label(issue: str) -> str:
    """A question of human rights that an accord's table asks."""
    return {
        "death_penalty": _("death penalty"),
        "torture": _("torture"),
        "political_offence": _("political offence"),
        "discrimination": _("discrimination"),
    }.get(issue, issue)


def node_names() -> dict[str, str]:
    """The name of every known node, this one included, and of every correspondent without one, by its id."""
    nodes = {row.node_id: row.name_in(language_now()) for row in (myself(), *partners())}
    return nodes | {row.party: row.name for row in correspondents(also_former=True)}


def named(node_ids: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """The names of these nodes, or their ids where no name is known."""
    return [names.get(node_id, node_id) for node_id in node_ids]


def officer_role(role: str) -> str:
    """What a role of officers is called."""
    return {
        "liaison": pgettext("officer", "liaison officer"),
        "analyst": pgettext("officer", "analyst"),
        "prosecutor": pgettext("officer", "prosecutor"),
        "duty": pgettext("officer", "duty officer"),
        "approver": pgettext("officer", "approving officer"),
        "senior": pgettext("officer", "senior officer"),
        "programme": pgettext("officer", "programme manager"),
        "data_protection": pgettext("officer", "data-protection officer"),
        "auditor": pgettext("officer", "auditor"),
        "administrator": pgettext("officer", "administrator"),
        "machine": pgettext("officer", "automatic"),
    }.get(role, role)
