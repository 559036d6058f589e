"""The components every page is made of: ``{% load tansiq %}``.

Foreign text is isolated from the direction of the sentence around it (Unicode bidi: a name in Latin script inside an
Arabic line must not drag its neighbours along); references, dates and machine-readable zones are islands written from
left to right.
Nothing here is told by colour alone, and no component needs a script to work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select, Textarea
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from tansiq.engine.accords.markings import Marking
from tansiq.node.web import words
from tansiq.node.web.markings import marks_of
from tansiq.node.web.times import Writing, show_day, show_deadline, show_moment

register = template.Library()

PHASE_TONES = {
    "sent": "info",
    "received": "working",
    "answered": "good",
    "refused": "careful",
    "returned": "careful",
    "withdrawn": "stopped",
    "in_conflict": "bad",
    "proposed": "info",
    "in_force": "good",
    "suspended": "careful",
    "denounced": "stopped",
}
PARAGRAPH = re.compile(r"\n\s*\n")
# Telephone numbers, dates, references: digits that go on over spaces and signs.
ISLAND = re.compile(r"(?<!\w)[+(]?[A-Z]{0,4}[-/ ]?\d[\d ()./:-]{2,}\d(?!\w)")

DIRECTIONAL_ICONS = frozenset(
    [
        "arrow-left",
        "arrow-right",
        "arrow-return-left",
        "chevron-left",
        "chevron-right",
        "reply",
        "send",
        "send-check",
        "box-arrow-right",
    ]
)
TONE_ICONS = {
    "info": "info-circle",
    "good": "check2-circle",
    "careful": "exclamation-triangle-fill",
    "bad": "exclamation-octagon-fill",
    "plain": "circle",
    "working": "hourglass-split",
    "waiting": "clock",
    "stopped": "slash-circle",
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A picture beside words; with ``label`` it stands alone and says that to a screen reader."""
    mirrored = " icon-mirrored" if name in DIRECTIONAL_ICONS else ""
    href = f"{static('vendor/icons/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon{}" role="img" aria-label="{}"><use href="{}"></use></svg>', mirrored, label, href
        )
    return format_html('<svg class="icon{}" aria-hidden="true"><use href="{}"></use></svg>', mirrored, href)


@register.simple_tag
def value(text: Any, lang: str = "") -> SafeString:
    """Text that somebody else wrote, in its own direction; an absent one is said, not left blank."""
    if text is None or text == "":
        return format_html('<span class="absent">{}</span>', _("not given"))
    if isinstance(text, list | tuple | set | frozenset):
        items = sorted(text) if isinstance(text, set | frozenset) else text
        return format_html_join(
            mark_safe(' <span class="between">·</span> '), "{}", ((value(item, lang),) for item in items)
        )
    if lang:
        return format_html('<bdi dir="auto" lang="{}">{}</bdi>', lang, text)
    return format_html('<bdi dir="auto">{}</bdi>', text)


@register.simple_tag
def code(text: Any, short: int = 0) -> SafeString:
    """A reference, digest, number or machine-readable zone: always from left to right, whatever surrounds it."""
    if text is None or text == "":
        return value(None)
    whole = str(text)
    if short and len(whole) > short:
        return format_html('<bdi dir="ltr" class="code" title="{}">{}…</bdi>', whole, whole[:short])
    return format_html('<bdi dir="ltr" class="code">{}</bdi>', whole)


@register.simple_tag
def prose(text: Any) -> SafeString:
    """Free text of an officer: each paragraph in its own direction, each number a left-to-right island.

    Without the islands a reader of Arabic would see ``+212 661 23 45 67`` with its groups in reverse order.
    """
    if not text:
        return value(None)
    paragraphs = [part for part in PARAGRAPH.split(str(text).strip()) if part.strip()]
    return format_html_join("\n", '<p dir="auto">{}</p>', ((_with_islands(part),) for part in paragraphs))


@register.simple_tag
def islands(text: Any) -> SafeString:
    """One line of our own words in which dates and numbers keep their order."""
    return text if isinstance(text, SafeString) else _with_islands(str(text))


def _with_islands(text: str) -> SafeString:
    pieces: list[SafeString] = []
    at = 0
    for found in ISLAND.finditer(text):
        pieces += [_broken(text[at : found.start()]), format_html('<bdi dir="ltr">{}</bdi>', found.group())]
        at = found.end()
    pieces.append(_broken(text[at:]))
    return SafeString("".join(pieces))


def _broken(text: str) -> SafeString:
    return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in text.split("\n")))


@register.simple_tag(takes_context=True)
def moment(context: template.Context, at: datetime | None, compact: bool = False) -> SafeString:
    """A time in the officer's zone with UTC beside it, and the Hijri date where the officer wants it."""
    if at is None:
        return value(None)
    shown = show_moment(at, zone=timezone.get_current_timezone(), writing=_writing(context))
    return SafeString(render_to_string("web/parts/moment.html", {"shown": shown, "compact": compact}).strip())


def _writing(context: template.Context) -> Writing:
    """How the reader of this page reads dates; a page that shows how it looks says so itself (``calendar``)."""
    officer = getattr(context.get("request"), "user", None)
    calendar = context.get("calendar") or getattr(officer, "calendar", "gregorian")
    return Writing(calendar, getattr(officer, "digits", "latn"))


@register.simple_tag(takes_context=True)
def day(context: template.Context, when: date | None) -> SafeString:
    """A date without a time."""
    if when is None:
        return value(None)
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), show_day(when, writing=_writing(context)))


@register.inclusion_tag("web/parts/deadline.html", takes_context=True)
def deadline(
    context: template.Context, due_at: datetime | None, met_at: datetime | None = None, clause: str = ""
) -> dict[str, Any]:
    """A due time: how urgent in a word, how long is left, when exactly, and by which rule."""
    now = context.get("now") or timezone.now()
    shown = show_deadline(due_at, now=now, met_at=met_at) if due_at else None
    left = _writing(context).numbers(shown.text) if shown else ""
    return {"due_at": due_at, "shown": shown, "left": left, "clause": clause, "request": context.get("request")}


@register.simple_tag
def status(label: str, tone: str = "plain") -> SafeString:
    """A state in one word; ``tone`` is a key of TONE_ICONS."""
    return format_html('<span class="status status-{}">{}{}</span>', tone, icon(TONE_ICONS[tone]), label)


@register.inclusion_tag("web/parts/marking.html")
def marking(carried: Marking | Mapping[str, Any], note: str = "") -> dict[str, Any]:
    """The conditions on what stands beside it: badges that open into sentences."""
    whole = carried if isinstance(carried, Marking) else Marking.from_json(carried)
    return {"marks": marks_of(whole, note)}


@register.inclusion_tag("web/parts/conditions.html")
def conditions(carried: Marking | Mapping[str, Any], note: str = "", further: Iterable[str] = ()) -> dict[str, Any]:
    """The same conditions written out, for the page where somebody is about to use the material."""
    whole = carried if isinstance(carried, Marking) else Marking.from_json(carried)
    return {"marks": marks_of(whole, note), "further": list(further)}


@register.inclusion_tag("web/parts/timeline.html", takes_context=True)
def timeline(context: template.Context, entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Entries of a dossier in order.

    Each is a mapping with title, by, occurred_at, and where known id, recorded_at, icon, tone, marking, note, body,
    flags, delivery (steps as for ``delivery``).
    """
    return {"entries": list(entries), "request": context.get("request"), "now": context.get("now")}


@register.inclusion_tag("web/parts/delivery.html", takes_context=True)
def delivery(context: template.Context, steps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What is proven of the way to one partner: steps with label, at, state (done, waiting, failed), proof."""
    return {"steps": list(steps), "request": context.get("request"), "now": context.get("now")}


@register.inclusion_tag("web/parts/empty.html")
def empty(title: str, text: str = "", url: str = "", act: str = "", picture: str = "inbox") -> dict[str, Any]:
    """What stands where a list would be, when there is nothing to list."""
    return {"title": title, "text": text, "url": url, "act": act, "picture": picture}


@register.inclusion_tag("web/parts/paging.html", takes_context=True)
def paging(context: template.Context, page: Any) -> dict[str, Any]:
    """The way through the pages of a list (a Django ``Page``); the other parameters of the address are kept."""
    request = context.get("request")
    query = request.GET.copy() if request else None
    if query is not None:
        query.pop("page", None)
        query.pop("entry", None)  # it led to the page where it stands
    return {"page": page, "query": query.urlencode() if query else ""}


@register.inclusion_tag("web/parts/progress.html")
def progress(done: int, whole: int, label: str) -> dict[str, Any]:
    """How much of something is done, in words and as a bar."""
    return {"done": done, "whole": whole, "label": label}


@register.inclusion_tag("web/parts/confirm.html", takes_context=True)
def confirm(
    context: template.Context,
    url: str,
    label: str,
    question: str,
    act: str = "",
    tone: str = "plain",
    name: str = "",
    given: str = "",
) -> dict[str, Any]:
    """A button that asks once more before it posts; works without a script."""
    told = {"url": url, "label": label, "question": question, "act": act or label, "tone": tone}
    return told | {"csrf_token": context.get("csrf_token"), "name": name, "given": given}


@register.inclusion_tag("web/parts/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """A form field: its name, whether it is required, what it is for, the control, and what is wrong with it."""
    widget = bound.field.widget
    shape = "group" if isinstance(widget, RadioSelect | CheckboxSelectMultiple) else "line"
    if isinstance(widget, CheckboxInput):
        shape = "check"
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    described += [f"{bound.auto_id}_error"] if bound.errors else []
    attributes: dict[str, Any] = {} if shape == "group" else {"class": _control_class(widget)}
    if shape != "group" and described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors and shape != "group":
        attributes["aria-invalid"] = "true"
    if shape == "line" and "dir" not in widget.attrs and not isinstance(widget, Select):
        attributes["dir"] = "auto"
    return {
        "bound": bound,
        "shape": shape,
        "control": bound.as_widget(attrs=attributes),
        "described": " ".join(described),
        "is_needed": bound.field.required or getattr(bound.field, "is_needed", False),
        "in_columns": getattr(bound.field, "in_columns", False),
    }


def _control_class(widget: Any) -> str:
    if isinstance(widget, CheckboxInput):
        return "form-check-input"
    if isinstance(widget, Select):
        return "form-select"
    return "form-control form-text-area" if isinstance(widget, Textarea) else "form-control"


@register.simple_block_tag
def notice(content: str, tone: str = "info", title: str = "") -> SafeString:
    """Something the reader should know before going on; tone is info, good, careful or bad."""
    return format_html(
        '<div class="notice notice-{}" role="{}">{}<div>{}{}</div></div>',
        tone,
        "alert" if tone == "bad" else "note",
        icon(TONE_ICONS[tone]),
        format_html("<strong>{}</strong>", title) if title else "",
        content,
    )


@register.simple_block_tag
def sheet(content: str, title: str = "", name: str = "", level: int = 2) -> SafeString:
    """A part of a page with its own heading."""
    if not title:
        return format_html('<section class="sheet">{}</section>', content)
    heading = name or "part"
    return format_html(
        '<section class="sheet" aria-labelledby="{0}"><h{1} class="sheet-title" id="{0}">{2}</h{1}>{3}</section>',
        heading,
        level,
        title,
        content,
    )


@register.simple_block_tag
def table(
    content: str, caption: str, rows: Any = True, empty_text: str = "", hidden_caption: bool = False
) -> SafeString:
    """A table of rows (``thead`` and ``tbody`` inside the block) that scrolls by itself; without rows it says so."""
    if not rows:
        return SafeString(
            render_to_string("web/parts/empty.html", {"title": empty_text or _("Nothing to show."), "picture": "inbox"})
        )
    return format_html(
        '<div class="table-box" role="region" tabindex="0" aria-label="{}">'
        '<table class="table"><caption class="{}">{}</caption>{}</table></div>',
        caption,
        "visually-hidden" if hidden_caption else "",
        caption,
        content,
    )


@register.simple_block_tag(name="help")
def folded_help(content: str, about: str = "") -> SafeString:
    """An explanation that stays folded until it is wanted."""
    return format_html(
        '<details class="help"><summary>{}{}</summary><div>{}</div></details>',
        icon("question-circle"),
        about or _("What is this?"),
        content,
    )


@register.simple_tag
def kind_label(name: str) -> str:
    """What a kind of dossier is called."""
    return words.kind_label(name)


@register.simple_tag
def act_label(kind: str, act: str) -> str:
    """What an act is called."""
    return words.act_label(kind, act)


@register.simple_tag
def phase_label(kind: str, phase: str) -> str:
    """What a phase is called."""
    return words.phase_label(kind, phase)


@register.simple_tag
def phase_status(kind: str, phase: str) -> SafeString:
    """The phase of a dossier as a badge; its tone says whether something is under way, done, or wrong."""
    return status(words.phase_label(kind, phase), PHASE_TONES.get(phase, "plain"))


@register.simple_tag
def list_label(name: str, code: str) -> str:
    """What a code of a list is called."""
    return words.list_label(name, code) if code else ""


@register.simple_tag
def officer_role(role: str) -> str:
    """What a role of officers is called."""
    return words.officer_role(role)


@register.simple_tag(takes_context=True)
def node(context: template.Context, node_id: str) -> SafeString:
    """A node by its name, its id beside it."""
    names = context.get("names") or {}
    if node_id not in names:
        return code(node_id)
    return format_html("{} <span class='node-id'>{}</span>", value(names[node_id]), code(node_id))


_STEP = (
    '<span class="step step-{}"><span class="step-own">{}</span><span class="step-other" dir="auto">{}</span></span>'
)


@register.simple_tag
def letters(reading: Any) -> SafeString:
    """A name word by word, each letter over its counterpart. Fifty of them stand on a page: they are put together here, not by the template."""
    return format_html_join(
        "",
        '<span class="letters-word" dir="{}">{}</span>',
        (
            (direction, format_html_join("", _STEP, ((s.tone, s.own or "–", s.other or "–") for s in word)))
            for direction, word in reading.directed
        ),
    )


@register.simple_tag
def letters_said(reading: Any) -> SafeString:
    """The same as lists of words, for who does not see it."""
    said = (
        format_html_join(
            "",
            "<li>{} = {}: {}</li>",
            ((value(s.own) if s.own else "–", value(s.other) if s.other else "–", s.word) for s in word),
        )
        for word in reading.words
    )
    return format_html_join("", "<li><ul>{}</ul></li>", ((one,) for one in said))


@register.inclusion_tag("web/parts/comparison.html")
def comparison(explanation: Mapping[str, Any]) -> dict[str, Any]:
    """Why a match is one: the letters in both directions, and every reason with its weight."""
    from tansiq.node.web.pages.comparison import comparison_shown, letters_legend

    return {"shown": comparison_shown(explanation), "legend": letters_legend()}
