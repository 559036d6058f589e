"""The documents: make the pages that are generated, and see whether every page tells the truth about this tree.

    python tools/docs.py            write the generated pages
    python tools/docs.py --check    exit 1 unless generated pages are up to date, links lead somewhere, names exist

Checked in every Markdown file of the repository: relative links and their anchors; and in backticks, whatever looks
like a path, a Python file, a test, ``make …`` or ``tansiq …``. A page may name a file from the place a reader stands at
(``flows/act.py``), as long as that leads to one.
"""

from __future__ import annotations

import ast
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tansiq.conformance.clauses import CLAUSES
from tansiq.engine.dossiers.acts import ActSpec
from tansiq.engine.dossiers.kind import Kind
from tansiq.engine.envelopes import sequences
from tansiq.engine.kinds.registry import kind, kinds

ROOT = Path(__file__).resolve().parent.parent
STATES = ROOT / "docs" / "states.md"
CLAUSES_PAGE = ROOT / "docs" / "protocol" / "clauses.md"
STANDPOINTS = ("", "src", "src/tansiq", "src/tansiq/node", "src/tansiq/engine", "src/tansiq/node/wording", "docs")
LEFT_OUT = {".venv", ".git", "node_modules", "var", ".hypothesis"}

_FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_FOREIGN = re.compile(r"^[a-z][a-z0-9+.-]*:")
_PATH = re.compile(r"[A-Za-z0-9_.*-]+(?:/[A-Za-z0-9_.*@-]+)+/?|[A-Za-z0-9_*-]+/")
_FILE_ENDINGS = (".py", ".md", ".json", ".toml", ".sh", ".html", ".yaml", ".css", ".lock")


def pages() -> list[Path]:
    """Every Markdown file that belongs to the repository."""
    return sorted(p for p in ROOT.rglob("*.md") if not LEFT_OUT & set(p.relative_to(ROOT).parts))


# -- links -----------------------------------------------------------------------------------------------------------


def link_problems(page: Path) -> Iterator[str]:
    """Links of ``page`` that lead nowhere."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for found in _LINK.finditer(_CODE.sub("", text)):
        target = unquote(found.group(1))
        if _FOREIGN.match(target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists():
            yield f"{_name(page)}: the link {target} leads nowhere"
        elif anchor and place.suffix == ".md" and anchor not in anchors(place):
            yield f"{_name(page)}: {_name(place)} has no heading #{anchor}"


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that a page's headings make, as the usual renderers make them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    seen: dict[str, int] = {}
    made = set()
    for found in _HEADING.finditer(text):
        slug = slug_of(found.group(1))
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        made.add(f"{slug}-{count}" if count else slug)
    return frozenset(made)


def slug_of(heading: str) -> str:
    """The anchor of one heading: small letters, marks dropped, spaces as hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.replace("`", ""))
    kept = (c for c in text.strip().lower() if c in " -_" or unicodedata.category(c)[0] in "LMN")
    return "".join(kept).replace(" ", "-")


# -- names -----------------------------------------------------------------------------------------------------------


def name_problems(page: Path) -> Iterator[str]:
    """Files and commands that ``page`` names in backticks and that do not exist."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for token in sorted({found.group(1).strip() for found in _CODE.finditer(text)}):
        if (wrong := _wrong(token, page)) is not None:
            yield f"{_name(page)}: `{token}`: {wrong}"


def _wrong(token: str, page: Path) -> str | None:
    words = token.split()
    if len(words) > 1 and words[0] == "make" and re.fullmatch(r"[a-z-]+", words[1]):
        return None if words[1] in targets() else "no such target"
    if len(words) > 1 and words[0] == "tansiq" and re.fullmatch(r"[a-z-]+", words[1]):
        return None if words[1] in commands() else "no such command"
    path = words[0].removeprefix("./") if words and words[0].startswith(("tools/", "./")) else token
    path = re.sub(r":\d+$", "", path)
    if _PATH.fullmatch(path) and (path.endswith("/") or path.endswith(_FILE_ENDINGS)):
        return None if _exists(path, page) else "no such file"
    if re.fullmatch(r"[a-z0-9_]+\.py", path):
        return None if path in python_files() else "no such file"
    if re.fullmatch(r"test_[a-z0-9_]+", path):
        return None if path in tests() else "no such test"
    return None


def _exists(path: str, page: Path) -> bool:
    places = [page.parent, *(ROOT / point for point in STANDPOINTS)]
    if "*" in path:
        return any(next(place.glob(path.rstrip("/")), None) for place in places)
    # A path written from inside a room (`exchange/pulling.py`) is one if any room of any storey has it.
    return any((place / path).exists() for place in places)


@cache
def python_files() -> frozenset[str]:
    """The names of all Python files."""
    return frozenset(p.name for top in ("src", "tests", "tools", "bench") for p in (ROOT / top).rglob("*.py"))


@cache
def tests() -> frozenset[str]:
    """The names of all test functions."""
    found = re.compile(r"^ *def (test_[a-z0-9_]+)", re.MULTILINE)
    return frozenset(
        name for p in (ROOT / "tests").rglob("*.py") for name in found.findall(p.read_text(encoding="utf-8"))
    )


@cache
def targets() -> frozenset[str]:
    """What ``make`` can make."""
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@cache
def commands() -> frozenset[str]:
    """The commands of the command line, read from its source."""
    tree = ast.parse((ROOT / "src/tansiq/node/cli/__init__.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "GROUPS" for t in node.targets):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


# -- generated pages -------------------------------------------------------------------------------------------------


def generated() -> dict[Path, str]:
    """Every generated page with what should stand in it."""
    return {STATES: states_page(), CLAUSES_PAGE: clauses_page()}


def clauses_page() -> str:
    """The clauses that the conformance kit judges, each with the place where it stands in full."""
    lines = [
        "# Clauses",
        "",
        "Generated by `tools/docs.py` from the table of the conformance kit (`src/tansiq/conformance/clauses.py`); do not edit.",
        "",
        "What a node under test keeps or breaks, as far as it shows from outside. `tansiq conformance` has one check for each",
        "([how to](../how-to/conformance.md)). The section says the clause in full; where the two differ, the section counts.",
        "",
        "| Clause | In full | In short |",
        "| --- | --- | --- |",
    ]
    for clause in CLAUSES.values():
        place = f"[{clause.page} {_section(clause.section)}]({clause.page}.md#{_anchor(clause.page, clause.section)})"
        lines.append(f"| {clause.number} | {place} | {clause.text} |")
    return "\n".join([*lines, ""])


def _anchor(page: str, section: str) -> str:
    """The anchor of the section of that number, or of that name."""
    found = anchors(CLAUSES_PAGE.parent / f"{page}.md")
    return next((one for one in sorted(found) if re.match(rf"{re.escape(section.replace('.', ''))}-", one)), section)


def _section(section: str) -> str:
    return f"§{section}" if section[0].isdigit() else section.replace("-", " ")


def states_page() -> str:
    """The state machines, drawn and tabled from the same data that the engine judges by."""
    lines = [
        "# State machines",
        "",
        "Generated by `tools/docs.py` from the tables that the engine itself judges by; do not edit.",
        "",
        "A diagram shows what an act does to the *phase*. Acts that leave the phase as it is are listed under it. Acts",
        "of several parties who did not know of each other are settled by the table of concurrent acts, not by who",
        "came first.",
        "",
    ]
    for rules in _kinds():
        lines += [*_kind(rules), ""]
    lines += [
        "## An envelope's place in the sequence",
        "",
        "What a receiver knows of one number of a partner's sequence (`engine/envelopes/sequences.py`).",
        "",
        "```mermaid",
        *sequences.drawing(),
        "```",
        "",
    ]
    return "\n".join(lines)


def _kinds() -> Iterator[Kind]:
    for name, version in kinds():
        try:
            yield kind(name, version)
        except ModuleNotFoundError:
            continue


def _kind(rules: Kind) -> Iterator[str]:
    labels = rules.labels
    yield f"## {rules.name}, version {rules.version}"
    yield ""
    roles = " and ".join(f"*{role}*" for role in rules.ROLES)
    resolver = " or ".join(f"*{role}*" for role in sorted(rules.RESOLVER))
    yield f"{labels['kind'][rules.name]['en']}. Roles: {roles}; conflicts are resolved by {resolver}."
    yield ""
    if type(rules).derived_phase is not Kind.derived_phase:
        yield f"The phase that is shown is derived from what each party did; it may be: {', '.join(rules.phases)}."
        yield ""
    yield from ["```mermaid", *_drawing(rules), "```", ""]
    yield from _staying(rules)
    yield from ["| Act | In words | Who | Codes | Parts needed | |", "|---|---|---|---|---|---|"]
    for act, spec in rules.acts.items():
        yield _act_row(act, spec, labels)
    yield ""
    yield from _concurrent(rules)


def _drawing(rules: Kind) -> Iterator[str]:
    yield "stateDiagram-v2"
    for (before, act), after in rules.TRANSITIONS.items():
        if before != after:
            yield f"    {'[*]' if before == 'new' else before} --> {after}: {act}"


def _staying(rules: Kind) -> Iterator[str]:
    staying: dict[str, list[str]] = {}
    for (before, act), after in rules.TRANSITIONS.items():
        if before == after:
            staying.setdefault(before, []).append(act)
    for phase, acts in staying.items():
        yield f"- *{phase}* stays with: {', '.join(acts)}"
    if staying:
        yield ""


def _act_row(act: str, spec: ActSpec, labels: dict[str, dict[str, dict[str, str]]]) -> str:
    codes = ", ".join(f"{name}{'' if field.is_required() else '?'}" for name, field in spec.codes.model_fields.items())
    marks = [
        name for name, is_so in (("opens", spec.opening), ("machine", spec.machine), ("closing", spec.closing)) if is_so
    ]
    who = "any" if spec.by == frozenset({"*"}) else ", ".join(sorted(spec.by))
    said = labels["acts"].get(act, {}).get("en", "")
    cells = [f"`{act}`", said, who, codes, ", ".join(sorted(spec.parts.required)), ", ".join(marks)]
    return f"| {' | '.join(cells)} |"


def _concurrent(rules: Kind) -> Iterator[str]:
    prevails: dict[str, list[str]] = {}
    conflicts: list[str] = []
    for acts, outcome in rules.CONCURRENT.items():
        pair = sorted(acts) * 2 if len(acts) == 1 else sorted(acts)
        if outcome in acts:
            prevails.setdefault(outcome, []).append(next(act for act in pair[:2] if act != outcome))
        else:
            conflicts.append(" ∥ ".join(pair[:2]))
    yield "Concurrent acts:"
    yield ""
    for act, others in sorted(prevails.items()):
        yield f"- `{act}` prevails over {', '.join(f'`{other}`' for other in sorted(others))}"
    if conflicts:
        yield f"- in conflict until resolved, unless both lead to the same: {', '.join(sorted(conflicts))}"


def stale() -> Iterator[str]:
    """Generated pages that do not say what they would say now."""
    for path, text in generated().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield f"{_name(path)}: not up to date (run python tools/docs.py)"


# -- all of it -------------------------------------------------------------------------------------------------------


def problems() -> list[str]:
    """Everything that is wrong with the documents."""
    found: list[str] = list(stale())
    for page in pages():
        found += [*link_problems(page), *name_problems(page)]
    return found


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def write(texts: Iterable[tuple[Path, str]]) -> None:
    """Write generated pages."""
    for path, text in texts:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Write, or check."""
    if sys.argv[1:] != ["--check"]:
        write(generated().items())
        return
    found = problems()
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
