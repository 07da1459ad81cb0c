from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0002_find_and_order"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="collaboration",
            name="one_open_collaboration",
        ),
        migrations.AddField(
            model_name="collaboration",
            name="digest",
            field=models.BinaryField(max_length=16, null=True),
        ),
        migrations.AddConstraint(
            model_name="collaboration",
            constraint=models.UniqueConstraint(
                models.F("app"),
                models.F("collaborator_id"),
                condition=models.Q(("ended_at", None)),
                include=("digest", "missing_at"),
                name="one_open_collaboration",
            ),
        ),
    ]
