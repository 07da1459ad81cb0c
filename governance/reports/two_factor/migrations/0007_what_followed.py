from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("two_factor", "0006_decisions_say_why")]

    operations = [
        migrations.AddField(
            model_name="review",
            name="nothing_followed",
            field=models.JSONField(default=dict),
        ),
    ]
