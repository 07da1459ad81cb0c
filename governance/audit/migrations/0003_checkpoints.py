"""Signed checkpoints, where copies of them are, and what checks have found.

Rows that the application adds; triggers refuse to change or to remove them. The indexes of the log
follow the order of time, in which it is read.
"""

import django.db.models.deletion
from django.db import migrations, models

SQL = """
CREATE TRIGGER audit_checkpoint_is_kept BEFORE UPDATE OR DELETE ON public.audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_checkpoint_is_not_emptied BEFORE TRUNCATE ON public.audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_witness_is_kept BEFORE UPDATE OR DELETE ON public.audit_witness
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_witness_is_not_emptied BEFORE TRUNCATE ON public.audit_witness
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_check_is_kept BEFORE UPDATE OR DELETE ON public.audit_check
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_check_is_not_emptied BEFORE TRUNCATE ON public.audit_check
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();

-- ALWAYS: a session that calls itself a replica does not get around them.
ALTER TABLE public.audit_checkpoint
    ENABLE ALWAYS TRIGGER audit_checkpoint_is_kept,
    ENABLE ALWAYS TRIGGER audit_checkpoint_is_not_emptied;
ALTER TABLE public.audit_witness
    ENABLE ALWAYS TRIGGER audit_witness_is_kept,
    ENABLE ALWAYS TRIGGER audit_witness_is_not_emptied;
ALTER TABLE public.audit_check
    ENABLE ALWAYS TRIGGER audit_check_is_kept,
    ENABLE ALWAYS TRIGGER audit_check_is_not_emptied;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="Check",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("checked", models.BigIntegerField()),
                ("checkpoints", models.IntegerField()),
                ("fault_count", models.IntegerField()),
                ("faults", models.JSONField(default=list)),
            ],
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=8)),
                ("note", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("file", "File"), ("mail", "Mail"), ("export", "Export")],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="audit_by_kind",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="audit_by_actor",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="audit_by_app",
        ),
        migrations.RemoveIndex(
            model_name="event",
            name="audit_by_person",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["occurred_at", "sequence"], name="audit_in_time"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["kind", "occurred_at", "sequence"], name="audit_kind_in_time"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["source", "occurred_at", "sequence"], name="audit_source_in_time"
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("actor_id__isnull", False)),
                fields=["actor_id", "occurred_at", "sequence"],
                name="audit_actor_in_time",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("app_id__isnull", False)),
                fields=["app_id", "occurred_at", "sequence"],
                name="audit_app_in_time",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("person_id__isnull", False)),
                fields=["person_id", "occurred_at", "sequence"],
                name="audit_person_in_time",
            ),
        ),
        migrations.AddIndex(
            model_name="check",
            index=models.Index(fields=["at", "id"], name="check_by_time"),
        ),
        migrations.AddIndex(
            model_name="checkpoint",
            index=models.Index(fields=["size", "id"], name="checkpoint_by_size"),
        ),
        migrations.AddIndex(
            model_name="checkpoint",
            index=models.Index(fields=["at", "id"], name="checkpoint_by_time"),
        ),
        migrations.AddField(
            model_name="witness",
            name="checkpoint",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="witnesses",
                to="audit.checkpoint",
            ),
        ),
        migrations.AddConstraint(
            model_name="witness",
            constraint=models.UniqueConstraint(
                models.F("checkpoint"), models.F("kind"), name="one_witness_of_each_kind"
            ),
        ),
        migrations.RunSQL(SQL),
    ]
