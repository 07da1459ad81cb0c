from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0006_without_two_factor"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="scope",
            index=models.Index(
                models.F("app_scalingo_id"),
                condition=models.Q(("kind", "app")),
                name="scope_of_one_app",
            ),
        ),
    ]
