import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_row_digests"),
    ]

    operations = [
        migrations.CreateModel(
            name="LastChange",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="last_change",
                        serialize=False,
                        to="inventory.person",
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="person",
            name="person_by_change",
        ),
        migrations.RemoveField(
            model_name="person",
            name="changed_at",
        ),
        migrations.AddIndex(
            model_name="lastchange",
            index=models.Index(models.F("at"), models.F("person"), name="person_by_change"),
        ),
    ]
