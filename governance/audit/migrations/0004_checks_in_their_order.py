from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_checkpoints")]

    operations = [
        migrations.RemoveIndex(model_name="check", name="check_by_time"),
    ]
