from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0002_observation_numbers"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="pauses",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
