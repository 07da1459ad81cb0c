import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_checkpoints"),
        ("reports", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="checkpoint",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="audit.checkpoint",
            ),
        ),
    ]
