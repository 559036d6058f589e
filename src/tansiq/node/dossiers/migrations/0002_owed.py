import django.db.models.deletion
from django.db import migrations, models


def fill(apps, schema_editor):  # noqa: ARG001 - the shape of a migration's step
    """What is owed today in the dossiers that are here already."""
    from tansiq.engine.dossiers.folds import Folded
    from tansiq.engine.kinds.registry import kind

    dossier_model, owed_model = apps.get_model("dossiers", "Dossier"), apps.get_model("dossiers", "Owed")
    for dossier in dossier_model.objects.iterator(chunk_size=500):
        counted = {}
        for d in kind(dossier.kind, dossier.kind_version).deadlines(Folded.from_json(dossier.folded).state):
            key = (d.owner, d.name, d.clause, d.due_at)
            counted[key] = counted.get(key, 0) + 1
        owed_model.objects.bulk_create(
            owed_model(dossier=dossier, owner=owner, name=name, clause=clause, due_at=due_at, times=times)
            for (owner, name, clause, due_at), times in counted.items()
        )


class Migration(migrations.Migration):
    dependencies = [("dossiers", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Owed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.CharField(max_length=160)),
                ("name", models.CharField(max_length=60)),
                ("clause", models.CharField(max_length=130)),
                ("due_at", models.DateTimeField()),
                (
                    "times",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="how many of the same, as two parts recalled at once"
                    ),
                ),
                (
                    "dossier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="owed", to="dossiers.dossier"
                    ),
                ),
            ],
            options={
                "ordering": ["due_at", "id"],
                "indexes": [models.Index(fields=["owner", "due_at"], name="dossiers_owed_by")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("dossier", "owner", "name", "clause", "due_at"), name="one_row_per_owed"
                    )
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
