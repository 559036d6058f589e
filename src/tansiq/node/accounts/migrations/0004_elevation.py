"""Roles that are an officer's own, and roles lent for a while."""

import django.db.models.deletion
from django.db import migrations, models

import tansiq.node.vault.columns


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_digits")]
    operations = [
        migrations.RenameField(model_name="officer", old_name="roles", new_name="own_roles"),
        migrations.AlterField(
            model_name="officer",
            name="own_roles",
            field=models.JSONField(default=list, help_text="but for a role that was lent for a while"),
        ),
        migrations.AddField(
            "officer",
            "lent_until",
            models.DateTimeField(help_text="where a role is lent: asked for no longer than that", null=True),
        ),
        migrations.CreateModel(
            name="Elevation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(max_length=20)),
                ("reason", tansiq.node.vault.columns.SealedTextField()),
                ("minutes", models.PositiveSmallIntegerField(help_text="for how long it was asked")),
                ("asked_at", models.DateTimeField()),
                ("decided_by", models.CharField(blank=True, max_length=64)),
                ("decided_at", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(help_text="set when it is granted", null=True)),
                ("ended_at", models.DateTimeField(help_text="refused, taken back, ended or run out", null=True)),
                ("ended_by", models.CharField(blank=True, max_length=64)),
                (
                    "officer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="elevations", to="accounts.officer"
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("officer",), name="one_elevation_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minutes__gte", 1), ("minutes__lte", 720)), name="elevation_at_most_12_h"
                    ),
                ],
            },
        ),
    ]
