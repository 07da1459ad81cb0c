import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("connection_id", models.UUIDField(null=True)),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("schedule", "Schedule"),
                            ("page", "Page"),
                            ("terminal", "Terminal"),
                        ],
                        max_length=10,
                    ),
                ),
                ("requested_by", models.UUIDField(null=True)),
                ("requested_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("complete", "Complete"),
                            ("partial", "Partial"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("beat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("seconds", models.FloatField(null=True)),
                ("requests", models.JSONField(default=dict)),
                ("retries", models.PositiveIntegerField(default=0)),
                ("waited", models.FloatField(default=0)),
                ("found", models.JSONField(default=dict)),
                ("coverage", models.JSONField(default=dict)),
            ],
            options={
                "indexes": [models.Index(fields=["-requested_at"], name="run_by_time")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("connection_id"),
                        condition=models.Q(("state", "waiting")),
                        name="one_waiting_run",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        models.F("state"),
                        condition=models.Q(("state", "running")),
                        name="one_running_run",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldRemoval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            (
                                "too_many",
                                "More would end at once than the larger of 10 and 5 % of all.",
                            ),
                            ("one_app", "More than half of the people of an app would be gone."),
                        ],
                        max_length=20,
                    ),
                ),
                ("plan", models.JSONField()),
                ("total", models.PositiveIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for a decision"),
                            ("approved", "Approved"),
                            ("discarded", "Kept as it was"),
                            ("applied", "Applied"),
                            ("void", "Void"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("held_at", models.DateTimeField()),
                ("decided_by", models.UUIDField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="held",
                        to="sync.run",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("state"),
                        condition=models.Q(("state", "waiting")),
                        name="one_waiting_held_removal",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["waiting", "void"]),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="held_removal_decided_together",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("connection_id", models.UUIDField()),
                ("connection_name", models.CharField(max_length=80)),
                ("region_name", models.CharField(blank=True, max_length=60)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("reading", "Reading"),
                            ("applying", "Writing"),
                            ("complete", "Read"),
                            ("partial", "Partly read"),
                            ("failed", "Not read"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("waits_until", models.DateTimeField(null=True)),
                ("problems", models.JSONField(default=list)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="sync.run",
                    ),
                ),
            ],
            options={
                "ordering": ["connection_name", "region_name"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("run"),
                        models.F("connection_id"),
                        models.F("region_name"),
                        name="one_step_per_connection_and_region",
                    )
                ],
            },
        ),
    ]
