from django.db import migrations


class Migration(migrations.Migration):
    """Numbers for observations: fencing refuses to apply one that began before the last applied."""

    dependencies = [("sync", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE sync_observation", "DROP SEQUENCE sync_observation")
    ]
