"""The ground of refusals and deviations beside their act, and the indexes from which the yearly figures are counted."""

from __future__ import annotations

import json
from typing import Any

from django.db import migrations, models


def fill(apps: Any, _schema: Any) -> None:
    """Read the ground from the headers of what refuses or deviates, some at a time."""
    entries = apps.get_model("dossiers", "Entry").objects
    batch = []
    for row in entries.filter(act__in=["deviate", "refuse"]).only("entry_id", "header").iterator(chunk_size=500):
        try:
            codes = json.loads(bytes(row.header))["codes"]
            row.ground = str(codes["ground"])[:60]
        except (ValueError, LookupError, TypeError, AttributeError):
            continue  # a damaged header is the doctor's
        batch.append(row)
        if len(batch) == 500:
            entries.bulk_update(batch, ["ground"])
            batch = []
    entries.bulk_update(batch, ["ground"])


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0007_heads_digest")]

    operations = [
        migrations.AddField(
            "entry",
            "ground",
            models.CharField(max_length=60, null=True, help_text="the code by which it refuses or deviates"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            "entry",
            models.Index(
                condition=models.Q(("ground__isnull", False)),
                fields=["act", "is_effective", "dossier", "ground"],
                name="entries_with_ground",
            ),
        ),
        migrations.AddIndex(
            "dossier",
            models.Index(
                fields=[
                    "opened_at",
                    "exercise",
                    "kind",
                    "circle",
                    "opened_by",
                    "phase",
                    "urgent",
                    "is_closed",
                    "due_at",
                    "participants",
                    "dossier_id",
                ],
                name="dossiers_counted",
            ),
        ),
    ]
