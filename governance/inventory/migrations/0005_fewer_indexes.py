import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_last_changes"),
    ]

    operations = [
        # Room on each page: a sync rewrites an app's digest, and its indexes stay as they are.
        migrations.RunSQL(
            "ALTER TABLE inventory_app SET (fillfactor = 70)",
            "ALTER TABLE inventory_app RESET (fillfactor)",
        ),
        migrations.AlterField(
            model_name="collaboration",
            name="app",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="collaborations",
                to="inventory.app",
            ),
        ),
        migrations.AlterField(
            model_name="collaboration",
            name="person",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="collaborations",
                to="inventory.person",
            ),
        ),
    ]
