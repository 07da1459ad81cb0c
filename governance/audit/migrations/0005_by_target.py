from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_checks_in_their_order")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("target_id__isnull", False)),
                fields=["target_id", "occurred_at", "sequence"],
                name="audit_target_in_time",
            ),
        ),
    ]
