import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="App",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("scalingo_id", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[("app", "App"), ("database", "Dedicated database")],
                        default="app",
                        max_length=10,
                    ),
                ),
                ("parent_name", models.CharField(blank=True, max_length=200)),
                ("health_data", models.BooleanField(null=True)),
                ("scm_read_at", models.DateTimeField(null=True)),
                ("authority_id", models.UUIDField(null=True)),
                ("digest", models.BinaryField(max_length=32, null=True)),
                ("stale_since", models.DateTimeField(null=True)),
                ("stale_reason", models.CharField(blank=True, max_length=40)),
                ("suspect_since", models.DateTimeField(null=True)),
                ("suspect_readings", models.PositiveSmallIntegerField(default=0)),
                ("suspect_read_at", models.DateTimeField(null=True)),
                ("gone_at", models.DateTimeField(null=True)),
                ("first_seen_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("scalingo_id", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Region",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=60, unique=True)),
                ("display_name", models.CharField(blank=True, max_length=120)),
                ("first_seen_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("username", models.CharField(blank=True, max_length=200)),
                (
                    "two_factor",
                    models.CharField(
                        choices=[("on", "On"), ("off", "Off"), ("unknown", "Unknown")],
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("two_factor_read_at", models.DateTimeField(null=True)),
                ("first_seen_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "merged_into",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.person",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Identity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("user_id", "Scalingo user id"),
                            ("email", "Address"),
                            ("contact", "Address of the account"),
                            ("username", "Username"),
                        ],
                        max_length=10,
                    ),
                ),
                ("value", models.CharField(max_length=254)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="identities",
                        to="inventory.person",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Collaboration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("collaborator_id", models.CharField(max_length=80)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("collaborator", "Collaborator"),
                            ("limited", "Limited"),
                            ("unknown", "Role unknown"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("pending", "Pending"),
                            ("deleted", "Account deleted"),
                            ("unknown", "Status unknown"),
                        ],
                        max_length=20,
                    ),
                ),
                ("status_said", models.CharField(blank=True, max_length=60)),
                ("since_after", models.DateTimeField(null=True)),
                ("since_at", models.DateTimeField()),
                ("started_after", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("ended_after", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("missing_after", models.DateTimeField(null=True)),
                ("missing_at", models.DateTimeField(null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="collaborations",
                        to="inventory.app",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="collaborations",
                        to="inventory.person",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Attribution",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "edge",
                    models.CharField(choices=[("start", "Start"), ("end", "End")], max_length=5),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("ours", "Ours"),
                            ("event", "Scalingo"),
                            ("unexplained", "Unexplained"),
                        ],
                        max_length=12,
                    ),
                ),
                ("happened_at", models.DateTimeField(null=True)),
                ("event_id", models.CharField(blank=True, max_length=80)),
                ("actor_name", models.CharField(blank=True, max_length=254)),
                ("change_id", models.UUIDField(null=True)),
                (
                    "collaboration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attributions",
                        to="inventory.collaboration",
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="inventory.person",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="app",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="owned",
                to="inventory.person",
            ),
        ),
        migrations.AddField(
            model_name="app",
            name="scm_linker",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="inventory.person",
            ),
        ),
        migrations.CreateModel(
            name="AppPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("started_after", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("ended_after", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="periods",
                        to="inventory.app",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.project",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="app",
            name="project",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="apps",
                to="inventory.project",
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="projects",
                to="inventory.region",
            ),
        ),
        migrations.AddField(
            model_name="app",
            name="region",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="apps",
                to="inventory.region",
            ),
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("connection_id", models.UUIDField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("apps", "Apps"),
                            ("collaborators", "Collaborators of owned apps"),
                            ("databases", "Dedicated databases"),
                            ("app", "Collaborators of one app"),
                        ],
                        max_length=20,
                    ),
                ),
                ("app_scalingo_id", models.CharField(blank=True, max_length=80)),
                ("doubted_app", models.CharField(blank=True, max_length=80)),
                ("one_by_one_since", models.DateTimeField(null=True)),
                ("stale_since", models.DateTimeField(null=True)),
                ("stale_reason", models.CharField(blank=True, max_length=40)),
                ("stale_detail", models.CharField(blank=True, max_length=500)),
                ("applied", models.BigIntegerField(default=0)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "region",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scopes",
                        to="inventory.region",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Coverage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("readings", models.PositiveIntegerField(default=1)),
                ("digest", models.BinaryField(max_length=32)),
                ("latest", models.BooleanField(default=True)),
                (
                    "scope",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="coverage",
                        to="inventory.scope",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="app",
            name="scope",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="apps",
                to="inventory.scope",
            ),
        ),
        migrations.CreateModel(
            name="TwoFactorPeriod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "value",
                    models.CharField(
                        choices=[("on", "On"), ("off", "Off"), ("unknown", "Unknown")],
                        max_length=10,
                    ),
                ),
                ("started_after", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("ended_after", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="two_factor_periods",
                        to="inventory.person",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(models.F("email"), models.F("id"), name="person_by_email"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                models.F("two_factor"),
                models.F("email"),
                models.F("id"),
                name="person_by_two_factor",
            ),
        ),
        migrations.AddConstraint(
            model_name="identity",
            constraint=models.UniqueConstraint(
                models.F("kind"),
                models.F("value"),
                condition=models.Q(("ended_at", None), ("kind__in", ["user_id", "email"])),
                name="one_person_per_key",
            ),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(
                models.F("person"),
                models.F("app"),
                condition=models.Q(("ended_at", None)),
                name="open_by_person",
            ),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(
                models.F("app"),
                models.F("role"),
                models.F("status"),
                condition=models.Q(("ended_at", None)),
                name="open_by_app",
            ),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(fields=["person", "-started_at"], name="collaboration_of_person"),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(fields=["app", "-started_at"], name="collaboration_of_app"),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(fields=["-started_at"], name="collaboration_by_start"),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(
                fields=["-ended_at"],
                condition=models.Q(("ended_at__isnull", False)),
                name="ended_by_end",
            ),
        ),
        migrations.AddIndex(
            model_name="collaboration",
            index=models.Index(
                models.F("app"),
                condition=models.Q(("missing_at__isnull", False)),
                name="missing_by_app",
            ),
        ),
        migrations.AddConstraint(
            model_name="collaboration",
            constraint=models.UniqueConstraint(
                models.F("app"),
                models.F("collaborator_id"),
                condition=models.Q(("ended_at", None)),
                name="one_open_collaboration",
            ),
        ),
        migrations.AddConstraint(
            model_name="collaboration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at", None), ("ended_at__gt", models.F("started_at")), _connector="OR"
                ),
                name="a_collaboration_ends_after_it_started",
            ),
        ),
        migrations.AddConstraint(
            model_name="collaboration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("started_after", None),
                        ("started_after__lte", models.F("started_at")),
                        _connector="OR",
                    ),
                    models.Q(
                        ("ended_after", None),
                        ("ended_after__lte", models.F("ended_at")),
                        _connector="OR",
                    ),
                ),
                name="collaboration_edges_are_ordered",
            ),
        ),
        migrations.AddConstraint(
            model_name="attribution",
            constraint=models.UniqueConstraint(
                models.F("collaboration"), models.F("edge"), name="one_attribution_per_edge"
            ),
        ),
        migrations.AddConstraint(
            model_name="appperiod",
            constraint=models.UniqueConstraint(
                models.F("app"), condition=models.Q(("ended_at", None)), name="one_open_app_period"
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                models.F("region"), models.F("scalingo_id"), name="one_project_per_region_and_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="scope",
            constraint=models.UniqueConstraint(
                models.F("connection_id"),
                models.F("region"),
                models.F("kind"),
                models.F("app_scalingo_id"),
                name="one_scope",
            ),
        ),
        migrations.AddIndex(
            model_name="coverage",
            index=models.Index(fields=["scope", "-until"], name="coverage_by_end"),
        ),
        migrations.AddConstraint(
            model_name="coverage",
            constraint=models.UniqueConstraint(
                models.F("scope"), condition=models.Q(("latest", True)), name="one_latest_coverage"
            ),
        ),
        migrations.AddIndex(
            model_name="app",
            index=models.Index(
                models.F("name"),
                models.F("id"),
                condition=models.Q(("gone_at", None)),
                name="app_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="app",
            index=models.Index(
                models.F("project"),
                models.F("name"),
                models.F("id"),
                condition=models.Q(("gone_at", None)),
                name="app_by_project",
            ),
        ),
        migrations.AddConstraint(
            model_name="app",
            constraint=models.UniqueConstraint(
                models.F("region"), models.F("scalingo_id"), name="one_app_per_region_and_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="twofactorperiod",
            constraint=models.UniqueConstraint(
                models.F("person"),
                condition=models.Q(("ended_at", None)),
                name="one_open_two_factor_period",
            ),
        ),
    ]
