"""Every migration, one after another, over a store with rows: ``python -m tests.system.migrated`` in a fresh home.

Prints {migrations, models, wrong}.

After each migration every table of ours that has no row is given one, made by the models as they were at that time; after the next, all of them
must be there with the values they had.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def fitting(label: str) -> dict[str, Any]:
    """What a table's own rules ask for, and what migrations that fill in columns read."""
    from tansiq.engine.dossiers.folds import Folded
    from tansiq.engine.dossiers.states import State

    dossier = "0" * 64
    folded = Folded("request", 1, State(dossier, "fr", ("fr", "ma"))).to_json()
    return {
        "accounts.absence": {"replacement": None},
        "accounts.shift": {"rank": 2},
        "dossiers.dossier": {"dossier_id": dossier, "kind": "request", "folded": folded},
        "register.subject": {"review_at": None, "origin": "own", "entry": None, "part": None, "source_token": None},
    }.get(label, {})


def main() -> int:
    """Migrate step by step, and tell."""
    from tansiq.node.cli.session import start_django

    start_django(Path(os.environ["TANSIQ_HOME"]))
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from tansiq.node.vault import keys

    keys.install(keys.generate(NOW))
    executor = MigrationExecutor(connection)
    executor.recorder.ensure_schema()
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    state = executor._create_project_state(with_applied_migrations=True)
    store = Store()
    for migration, _ in plan:
        before = store.seen(state)
        state = executor.apply_migration(state, migration)
        store.compare(state, before, str(migration))
        store.fill(state)
    print(json.dumps({"migrations": len(plan), "models": len(store.rows), "wrong": store.wrong}, ensure_ascii=False))
    return 1 if store.wrong else 0


class Store:
    """One row of each table of ours."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.wrong: list[str] = []

    def ours(self, state: Any) -> list[Any]:
        """The models of this node's rooms, as they are at this step."""
        return [
            model
            for (app, _), known in state.models.items()
            if _is_ours(app) and not known.options.get("proxy")
            for model in [state.apps.get_model(app, known.name)]
            if model._meta.managed
        ]

    def seen(self, state: Any) -> dict[str, dict[str, Any]]:
        """The values of every row."""
        return {
            model._meta.label_lower: model.objects.filter(pk=self.rows[model._meta.label_lower]).values().first()
            for model in self.ours(state)
            if model._meta.label_lower in self.rows
        }

    def compare(self, state: Any, before: dict[str, Any], step: str) -> None:
        """What stood there stands there still, but for columns and tables that are gone."""
        after = self.seen(state)
        for label, values in before.items():
            if label not in after:
                self.rows.pop(label)
            elif after[label] is None:
                self.wrong.append(f"{step}: the row of {label} is gone")
                self.rows.pop(label)
            else:
                changed = [n for n, v in values.items() if n in after[label] and v not in (None, after[label][n])]
                self.wrong += [f"{step}: {label}.{name} is another" for name in changed]

    def fill(self, state: Any) -> None:
        """A row for every table that has none."""
        for model in self.ours(state):
            self.make(state, model)

    def make(self, state: Any, model: Any) -> Any:
        """The row of a model, made if need be together with those it leans on."""
        label = model._meta.label_lower
        if label not in self.rows:
            told = {field.name: self.value(state, field) for field in model._meta.fields if not _by_itself(field)}
            self.rows[label] = model.objects.create(**told | fitting(label)).pk
        return model.objects.get(pk=self.rows[label])

    def value(self, state: Any, field: Any) -> Any:
        """Something that fits a field."""
        if field.is_relation:
            target = field.related_model
            if field.null or target is field.model:
                return None
            row = self.make(state, target)
            if field.name == "right":  # of a pair, which is two rows in order
                row.pk = uuid.UUID(int=8, version=4)
                row.save(force_insert=True)
            return row
        kind = field.get_internal_type()
        if "JSON" in type(field).__name__:
            return {"kept": ["ش", 1]}
        made: dict[str, Any] = {
            "DateTimeField": NOW + timedelta(hours=1 if field.name.startswith("ends") else 0),
            "DateField": date(2026, 11, 27),
            "UUIDField": uuid.UUID(int=7, version=4),
            "BooleanField": True,
            "BinaryField": b"\x00kept",
            "FloatField": 1.5,
            "GenericIPAddressField": "127.0.0.1",
        }
        if kind in made:
            return made[kind]
        if "Integer" in kind:
            return 1
        return f"kept {field.name} ش"[: field.max_length or 60] if kind != "SlugField" else "kept"


def _is_ours(app: str) -> bool:
    from django.apps import apps

    return apps.get_app_config(app).name.startswith("tansiq.")


def _by_itself(field: Any) -> bool:
    return "AutoField" in field.get_internal_type()


if __name__ == "__main__":
    sys.exit(main())
