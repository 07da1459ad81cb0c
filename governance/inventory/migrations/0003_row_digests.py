from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0002_find_and_order'),
    ]

    operations = [
        migrations.AddField(
            model_name='collaboration',
            name='digest',
            field=models.BinaryField(max_length=16, null=True),
        ),
    ]
