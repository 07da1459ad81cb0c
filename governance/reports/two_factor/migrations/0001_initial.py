import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("inventory", "0007_as_of"),
        ("notifications", "0002_attachments_of_bytes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Moved",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person_id", models.UUIDField(null=True)),
                ("app_id", models.UUIDField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("app_id__isnull", False), ("person_id", None)),
                            models.Q(("app_id", None), ("person_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="moved_is_one_of_the_two",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="inventory.person",
                    ),
                ),
                (
                    "belongs",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("owner", "Owner alone"),
                            ("pending", "Invited alone"),
                            ("deleted", "Account deleted"),
                            ("unknown", "Status unknown"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "two_factor",
                    models.CharField(
                        choices=[("on", "On"), ("off", "Off"), ("unknown", "Unknown")],
                        max_length=10,
                    ),
                ),
                ("since", models.DateTimeField()),
                (
                    "risk",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Without 2FA, full role on a sensitive app"),
                            (2, "Without 2FA, full role"),
                            (3, "Without 2FA"),
                            (4, "Unknown, full role on a sensitive app"),
                            (5, "Unknown, full role"),
                            (6, "Unknown"),
                            (7, "Unknown until the invitation is accepted"),
                            (8, "2FA on"),
                        ]
                    ),
                ),
                ("apps", models.PositiveIntegerField()),
                ("full_role", models.PositiveIntegerField()),
                ("limited", models.PositiveIntegerField()),
                ("owned", models.PositiveIntegerField()),
                ("pending", models.PositiveIntegerField()),
                ("production", models.PositiveIntegerField()),
                ("health_data", models.PositiveIntegerField()),
                ("sensitive", models.PositiveIntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["risk", "since", "person"], name="standing_by_risk"),
                    models.Index(fields=["since", "person"], name="standing_by_age"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "belongs",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("owner", "Owner alone"),
                            ("pending", "Invited alone"),
                            ("deleted", "Account deleted"),
                            ("unknown", "Status unknown"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "two_factor",
                    models.CharField(
                        choices=[("on", "On"), ("off", "Off"), ("unknown", "Unknown")],
                        max_length=10,
                    ),
                ),
                (
                    "risk",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (1, "Without 2FA, full role on a sensitive app"),
                            (2, "Without 2FA, full role"),
                            (3, "Without 2FA"),
                            (4, "Unknown, full role on a sensitive app"),
                            (5, "Unknown, full role"),
                            (6, "Unknown"),
                            (7, "Unknown until the invitation is accepted"),
                            (8, "2FA on"),
                        ]
                    ),
                ),
                ("people", models.IntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("belongs"),
                        models.F("two_factor"),
                        models.F("risk"),
                        name="one_tally_of_each",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "delivery",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="notifications.delivery",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reminders",
                        to="inventory.person",
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["person", "-at"], name="reminders_of_person")],
            },
        ),
    ]
