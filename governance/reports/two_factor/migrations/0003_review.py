import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("two_factor", "0002_counters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("as_of", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("numbers", models.JSONField()),
                ("rows", models.PositiveIntegerField()),
                ("signed_at", models.DateTimeField(null=True)),
                ("statement", models.CharField(blank=True, max_length=1000)),
                (
                    "signed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reviewed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("person_id", models.UUIDField()),
                ("email", models.CharField(blank=True, max_length=254)),
                ("username", models.CharField(blank=True, max_length=200)),
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
                ("since", models.DateTimeField()),
                ("days", models.PositiveIntegerField()),
                ("apps", models.PositiveIntegerField()),
                ("full_role", models.PositiveIntegerField()),
                ("owned", models.PositiveIntegerField()),
                ("production", models.PositiveIntegerField()),
                ("health_data", models.PositiveIntegerField()),
                ("reminders", models.PositiveIntegerField()),
                ("exception_until", models.DateTimeField(null=True)),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="people",
                        to="two_factor.review",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("remind", "Remind"),
                            ("except", "Exception until a day"),
                            ("step_down", "Step down to limited"),
                            ("remove", "Remove"),
                        ],
                        max_length=10,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
                ("until", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="two_factor.reviewed",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["-as_of"], name="review_by_time"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("signed_at", None), ("signed_by", None), ("statement", "")),
                    models.Q(
                        ("signed_at__isnull", False),
                        ("signed_by__isnull", False),
                        models.Q(("statement", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="signed_by_somebody_with_a_statement",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewed",
            constraint=models.UniqueConstraint(
                models.F("review"), models.F("number"), name="one_reviewed_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewed",
            constraint=models.UniqueConstraint(
                models.F("review"), models.F("person_id"), name="one_reviewed_per_person"
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["reviewed", "-id"], name="decisions_newest_first"),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("until__isnull", False),
                        ("what", "except"),
                        models.Q(("note", ""), _negated=True),
                    ),
                    models.Q(models.Q(("what", "except"), _negated=True), ("until", None)),
                    _connector="OR",
                ),
                name="exceptions_of_reviews_end",
            ),
        ),
    ]
