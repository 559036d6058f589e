"""Indexes from which lists of dossiers are counted and put in order, and successors found."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0008_counted")]

    operations = [
        migrations.RemoveIndex("dossier", "dossiers_do_circle_9981e2_idx"),
        migrations.AddIndex(
            "dossier",
            models.Index(
                fields=["circle", "is_closed", "exercise", "-changed_at", "dossier_id"], name="dossiers_listed"
            ),
        ),
        migrations.AddIndex("dossier", models.Index(fields=["continues"], name="dossiers_continued")),
    ]
