"""Which codes the source can raise, and which facts stand beside each: read from the syntax trees, nothing is imported.

Three kinds of place are understood:
- ``Rejected("room.what", at=…)`` and its four sisters, also through a constant of the module or ``a if b else c``;
- a function that takes the code as a parameter and raises it: its callers in the same module name the code;
- in the engine, any other text of the form of a code in a room whose codes are raised elsewhere by variable
  (``decide`` and the judges of ``dossiers`` return codes): it gets the facts of the places that raise by variable.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLASSES = {"Rejected", "Refused", "Conflict", "Unavailable", "Corrupt"}
CODE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
RAISED_FOR = {"kinds": "dossiers"}
"""Engine rooms whose codes another room raises."""


@dataclass(frozen=True)
class Raise:
    """One place that can raise ``code``; ``facts`` is None where they cannot be known from the text."""

    code: str
    facts: frozenset[str] | None
    place: str


def raises_in(source: Path) -> list[Raise]:
    """Every place under ``source`` (the folder of the package ``tansiq``)."""
    found: list[Raise] = []
    by_variable: dict[str, list[frozenset[str] | None]] = {}
    modules = [_Module(path, source) for path in sorted(source.rglob("*.py"))]
    for module in modules:
        for site in module.sites():
            found.extend(site.raises)
            if site.is_open_ended:
                by_variable.setdefault(module.room, []).append(site.facts)
    segments = {one.code.partition(".")[0] for one in found}
    for module in modules:
        if module.room and (facts := by_variable.get(RAISED_FOR.get(module.room, module.room))):
            known = [one for one in facts if one is not None]
            given = frozenset.intersection(*known) if known else None
            taken = {one.place for one in found}
            texts = ((text, line) for text, line in module.texts() if text.partition(".")[0] in segments)
            found.extend(
                Raise(text, given, place) for text, line in texts if (place := module.place(line)) not in taken
            )
    return found


@dataclass
class _Site:
    raises: list[Raise]
    facts: frozenset[str] | None
    is_open_ended: bool


class _Module:
    def __init__(self, path: Path, source: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.name = path.relative_to(source).as_posix()
        steps = self.name.split("/")
        self.room = steps[1] if steps[0] == "engine" and len(steps) > 2 else ""
        self.constants = dict(_constants(self.tree))
        self.around = {child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)}

    def place(self, line: int) -> str:
        return f"{self.name}:{line}"

    def sites(self) -> Iterator[_Site]:
        for call in ast.walk(self.tree):
            if isinstance(call, ast.Call) and _called(call) in CLASSES and call.args:
                facts = _facts(call)
                codes = self.codes(call.args[0])
                if codes:
                    yield _Site([Raise(code, facts, self.place(call.lineno)) for code in codes], facts, False)
                else:
                    yield _Site(list(self.through_callers(call)), facts, True)

    def codes(self, argument: ast.expr) -> list[str]:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return [argument.value]
        if isinstance(argument, ast.Name) and argument.id in self.constants:
            return [self.constants[argument.id]]
        if isinstance(argument, ast.IfExp):
            return self.codes(argument.body) + self.codes(argument.orelse)
        return []

    def through_callers(self, call: ast.Call) -> Iterator[Raise]:
        """The raises of a helper whose parameter is the code."""
        helper = self.function_around(call)
        if helper is None or not isinstance(call.args[0], ast.Name):
            return
        names = [argument.arg for argument in helper.args.args]
        is_method = bool(names) and names[0] in ("self", "cls")
        if call.args[0].id not in names:
            return
        position = names.index(call.args[0].id) - is_method
        forwards_all = any(keyword.arg is None for keyword in call.keywords)
        own = frozenset(keyword.arg for keyword in call.keywords if keyword.arg)
        for caller in ast.walk(self.tree):
            if isinstance(caller, ast.Call) and _called(caller) == helper.name and len(caller.args) > position:
                passed = _facts(caller)
                facts = own if not forwards_all else None if passed is None else own | passed
                for code in self.codes(caller.args[position]):
                    yield Raise(code, facts, self.place(caller.lineno))

    def function_around(self, node: ast.AST) -> ast.FunctionDef | None:
        while node in self.around:
            node = self.around[node]
            if isinstance(node, ast.FunctionDef):
                return node
        return None

    def texts(self) -> Iterator[tuple[str, int]]:
        """Texts of the form of a code that are not alone on their line as a docstring is."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                is_docstring = isinstance(self.around.get(node), ast.Expr)
                yield from () if is_docstring else ((node.value, node.lineno),)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _facts(call: ast.Call) -> frozenset[str] | None:
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    return frozenset(keyword.arg for keyword in call.keywords if keyword.arg)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value.value
