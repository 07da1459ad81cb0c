import django.contrib.postgres.indexes
from django.db import migrations, models

import governance.inventory.words


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0007_as_of"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="appperiod",
            index=django.contrib.postgres.indexes.GinIndex(
                governance.inventory.words.Pieces(models.F("name")), name="app_period_by_words"
            ),
        ),
    ]
