from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0005_fewer_indexes"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                models.F("id"),
                condition=models.Q(("two_factor", "on"), _negated=True),
                include=("two_factor",),
                name="person_without_two_factor",
            ),
        ),
    ]
