"""The catalogues of the pages: gather what pages say, see what is missing, write what Django reads.

    python tools/catalogues.py [--check]  complete, placeholders agree, .mo files fresh (exit 1 if not); also the words
                                          that stand elsewhere: sentences of errors, labels of kinds and code lists
    python tools/catalogues.py update     gather every message anew, keep translations, write .po and .mo; say what is missing
    python tools/catalogues.py missing    what has no translation yet, as JSON to be filled in (empty: nothing is missing)
    python tools/catalogues.py fill FILE  take the translations of such a JSON file into the catalogues

Written in Python over Babel, so that no gettext program is needed. Both the .po files (to translate) and the .mo files
(what Django reads) are committed: a fresh clone shows every opened language without a step in between. English is a
catalogue like the others, filled with the messages themselves.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src/tansiq/node"
LOCALES = ROOT / "src/tansiq/node/web/locale"
OPENED = ("ar", "en", "fa", "fr", "it")
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
IDLE_HEADERS = re.compile(rb'(?m)^"(?:Report-Msgid-Bugs-To|Last-Translator|Language-Team|Generated-By): [^\n]*\n')
COUNTS = {"count", "counter"}
# Babel numbers the last two Arabic forms the other way round than Django's own catalogues do; one numbering is enough.
ARABIC_PLURALS = (
    "Plural-Forms",
    (
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5)"
    ),
)
FIXED_DATE = datetime(2026, 11, 1, tzinfo=UTC)


def _python_of(path: Path) -> bytes:
    """The messages of a file as Python that Babel reads; a template becomes calls between words of X."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        from django.utils.translation.template import templatize

        text = re.sub(r"\n\s*", "\n", templatize(text, origin=str(path)))
    return text.encode()


def gathered() -> Catalog:
    """Every message of the pages and of the rooms' Python, with the files that say it."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)
    catalog = Catalog(project="Tansiq", creation_date=FIXED_DATE, revision_date=FIXED_DATE)
    for path in sorted([*SOURCES.rglob("*.py"), *SOURCES.rglob("*.html")]):
        place = path.relative_to(ROOT).as_posix()
        found = extract_python(io.BytesIO(_python_of(path)), KEYWORDS.keys(), [], {})
        for _line, keyword, said, _comments in found:
            _add(catalog, keyword or "_", said, place)
    return catalog


def _add(catalog: Catalog, keyword: str, said: object, place: str) -> None:
    parts = [said] if isinstance(said, str) else list(said) if isinstance(said, tuple) else []
    spec = KEYWORDS[keyword] or (1,)
    context = None
    if spec and isinstance(spec[0], tuple):
        context, parts = parts[0], parts[1:]
        spec = spec[1:]
    wanted = parts[: len(spec)]
    if not wanted or not all(isinstance(part, str) and part for part in wanted):
        return
    catalog.add(wanted[0] if len(wanted) == 1 else tuple(wanted), locations=[(place, 0)], context=context)


def po_path(language: str) -> Path:
    """Where the catalogue of ``language`` stands."""
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The catalogue of ``language`` as it stands, or an empty one."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Tansiq")
    return read_po(io.BytesIO(path.read_bytes()), locale=language)


def fresh(language: str, template: Catalog) -> Catalog:
    """The catalogue of ``language`` with exactly the messages of ``template`` and every translation that still fits."""
    old = read(language)
    new = Catalog(locale=language, project="Tansiq", creation_date=FIXED_DATE, revision_date=FIXED_DATE, fuzzy=False)
    if language == "ar":
        new.mime_headers = [ARABIC_PLURALS]
    for message in template:
        if not message.id:
            continue
        known = old.get(message.id, message.context)
        string = known.string if known else None
        if language == "en":
            string = message.id if isinstance(message.id, str) else tuple(message.id)
        new.add(message.id, string, locations=message.locations, context=message.context)
    return new


def po_bytes(catalog: Catalog) -> bytes:
    """The text form, the same for the same messages."""
    out = io.BytesIO()
    catalog.header_comment = "# What the pages of Tansiq say. Kept by tools/catalogues.py."
    write_po(out, catalog, width=118, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return IDLE_HEADERS.sub(b"", out.getvalue())


def mo_bytes(catalog: Catalog) -> bytes:
    """The form that Django reads, the same for the same messages."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update() -> None:
    """Gather, keep, write."""
    template = gathered()
    for language in OPENED:
        catalog = fresh(language, template)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po_bytes(catalog))
        path.with_suffix(".mo").write_bytes(mo_bytes(read(language)))


def missing() -> list[dict[str, object]]:
    """Every message that lacks a translation: what it says, who says it, and an empty place for each language that lacks it."""
    catalogs = {language: read(language) for language in OPENED}
    lacking = []
    for message in gathered():
        known = {language: catalog.get(message.id, message.context) for language, catalog in catalogs.items()}
        empty = [language for language in OPENED if language != "en" and not _is_whole(known[language])]
        if not message.id or not empty:
            continue
        plurals = {language: catalogs[language].num_plurals for language in empty}
        places = {one: "" if isinstance(message.id, str) else [""] * plurals[one] for one in empty}
        said_in = ", ".join(sorted({place for place, _line in message.locations}))
        lacking.append({"message": message.id, "context": message.context, "said_in": said_in, **places})
    return lacking


def _is_whole(message: Message | None) -> bool:
    strings = [] if message is None else [message.string] if isinstance(message.string, str) else list(message.string)
    return bool(strings) and all(strings)


def fill(path: Path) -> None:
    """Take the translations that stand in the file into the catalogues; raises SystemExit for a message nobody says."""
    update()
    catalogs = {language: read(language) for language in OPENED}
    for asked in json.loads(path.read_bytes()):
        said = asked["message"] if isinstance(asked["message"], str) else tuple(asked["message"])
        for language in OPENED:
            if given := asked.get(language):
                message = catalogs[language].get(said, asked.get("context"))
                if message is None:
                    raise SystemExit(f"no page says {said!r} (context: {asked.get('context')})")
                message.string = given if isinstance(given, str) else tuple(given)
    for language, catalog in catalogs.items():
        po_path(language).write_bytes(po_bytes(catalog))
    update()


def problems() -> Iterator[str]:
    """What is missing or disagrees, one sentence each."""
    template = gathered()
    wanted = {(m.id, m.context) for m in template if m.id}
    for language in OPENED:
        catalog = read(language)
        have = {(m.id, m.context): m for m in catalog if m.id}
        yield from (f"{language}: not gathered yet (run update): {key[0]!r}" for key in wanted - have.keys())
        yield from (f"{language}: no longer said (run update): {key[0]!r}" for key in have.keys() - wanted)
        for key in wanted & have.keys():
            yield from (f"{language}: {what}: {key[0]!r}" for what in _wrong(have[key], catalog.num_plurals))
        mo = po_path(language).with_suffix(".mo")
        if not mo.exists() or _said(mo.read_bytes()) != _said(mo_bytes(catalog)):
            yield f"{language}: django.mo is not what django.po says (run update)"


def _said(compiled: bytes) -> dict[object, str]:
    """What a .mo file says, without its header (which names the version of the tool that wrote it)."""
    said = dict(GNUTranslations(io.BytesIO(compiled))._catalog)
    said.pop("", None)
    return said


def _wrong(message: Message, plurals: int) -> Iterator[str]:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    if message.fuzzy:
        yield "marked fuzzy"
    if len(ids) > 1 and len(strings) != plurals:
        yield f"{len(strings)} of {plurals} plural forms"
    asked = {name for text in ids for name in PLACEHOLDER.findall(text)}
    for string in strings:
        if not string:
            yield "not translated"
            continue
        given = set(PLACEHOLDER.findall(string))
        # A dual or a singular may say the number by its form alone.
        owed = asked - COUNTS if len(ids) > 1 else asked
        if not owed <= given <= asked:
            yield f"placeholders {sorted(given)} instead of {sorted(asked)}"


# -- words that stand elsewhere ---------------------------------------------------------------------------------------


def word_problems() -> Iterator[str]:
    """Sentences, kinds and code lists that are not in every language, or do not exist for what can be said."""
    yield from sentence_problems()
    yield from kind_problems()
    yield from list_problems()


def sentence_problems() -> Iterator[str]:
    """Codes that the source can raise and that have no sentence, and sentences without a language."""
    sys.path.insert(0, str(ROOT))
    from tests.node.wording.raised import raises_in

    known = set()
    for path in sorted((SOURCES / "wording" / "sentences").glob("*.json")):
        for what, texts in json.loads(path.read_bytes()).items():
            known.add(f"{path.stem}.{what}")
            yield from _lacking(f"sentences/{path.name}: {what}", texts)
    raised = {one.code for one in raises_in(ROOT / "src" / "tansiq")} | set(_titles())
    yield from (f"sentences: no sentence for {code}" for code in sorted(raised - known))


def _titles() -> Iterator[str]:
    """The titles of tasks, which rooms name when they put them on a desk."""
    for path in SOURCES.rglob("*.py"):
        yield from re.findall(r"\"(desk\.[a-z_]+)\"", path.read_text(encoding="utf-8"))


def kind_problems() -> Iterator[str]:
    """Roles, phases and acts of kinds without a label, and labels without a language."""
    from tansiq.engine.kinds.registry import kind, kinds

    for name, version in kinds():
        try:
            rules = kind(name, version)
        except ModuleNotFoundError:
            yield f"kind {name}: named in the registry, but there is no module"
            continue
        labels = rules.labels
        wanted = {"kind": [name], "roles": rules.ROLES, "phases": rules.phases, "acts": rules.acts}
        for section, keys in wanted.items():
            yield from (
                f"kind {name}: {section}: {key} has no label" for key in keys if key not in labels.get(section, {})
            )
        for section, entries in labels.items():
            for key, texts in entries.items():
                yield from _lacking(f"kind {name}: {section}: {key}", texts)


def list_problems() -> Iterator[str]:
    """Codes of the field's lists without a label in a language."""
    from tansiq.engine.formats.codes import LIST_NAMES, code_list

    for name in LIST_NAMES:
        for entry in code_list(name).entries:
            yield from _lacking(f"code list {name}: {entry.code}", entry.labels)


def _lacking(what: str, texts: Mapping[str, str]) -> Iterator[str]:
    from tansiq.engine.formats.ids import LANGUAGES

    missing = [language for language in LANGUAGES if not str(texts.get(language, "")).strip()]
    if missing:
        yield f"{what}: nothing in {', '.join(missing)}"


def main() -> None:
    """Check, update, say what is missing, or fill it in."""
    if sys.argv[1:] == ["missing"]:
        print(json.dumps(missing(), ensure_ascii=False, indent=2))
        return
    if sys.argv[1:] == ["update"]:
        update()
    elif sys.argv[1:2] == ["fill"]:
        fill(Path(sys.argv[2]))
    found = sorted([*problems(), *word_problems()])
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
