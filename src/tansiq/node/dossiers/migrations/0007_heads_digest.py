"""The digest of a dossier's heads, kept beside its state; of those that are here it is made from the state."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import migrations, models


def fill(apps: Any, _schema: Any) -> None:
    """Go through all dossiers, some at a time."""
    dossiers = apps.get_model("dossiers", "Dossier").objects
    batch = []
    for row in dossiers.only("dossier_id", "folded").iterator(chunk_size=500):
        heads = sorted(str(tip[0]) for tip in row.folded.get("heads", []))
        row.heads_digest = hashlib.sha256("".join(heads).encode()).hexdigest()
        batch.append(row)
        if len(batch) == 500:
            dossiers.bulk_update(batch, ["heads_digest"])
            batch = []
    dossiers.bulk_update(batch, ["heads_digest"])


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0006_erased")]

    operations = [
        migrations.AddField(
            "dossier",
            "heads_digest",
            models.CharField(blank=True, default="", max_length=64, help_text="of its heads, so that partners can compare many at once"),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
