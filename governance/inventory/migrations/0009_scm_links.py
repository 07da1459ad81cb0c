from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0008_find_in_the_past"),
    ]

    operations = [
        migrations.AddField(
            model_name="app",
            name="scm_asked_at",
            field=models.DateTimeField(null=True),
        ),
    ]
