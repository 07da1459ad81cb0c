"""Find at once what came to nothing lately: what was refused, and not only what failed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("changes", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="change", name="change_failed"),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("state__in", ("refused", "failed"))),
                fields=["ended_at"],
                name="change_lost",
            ),
        ),
    ]
