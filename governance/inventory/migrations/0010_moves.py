"""A row that moves with whatever is written to a table that is counted; see `queries/newest.py`.

A trigger, because nothing that writes can then forget it. Which row: the first that no other
transaction holds, and a new one where all are held; so nobody waits for anybody, and there are as
many rows as ever wrote at once. The number comes from a sequence, which never goes back: what a
transaction saw and took back is never seen again under the same number.
"""

from django.db import migrations, models

SQL = """
CREATE SEQUENCE public.inventory_move_number;

CREATE FUNCTION public.inventory_moves() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.inventory_move SET number = nextval('public.inventory_move_number')
     WHERE id = (SELECT id FROM public.inventory_move ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
        INSERT INTO public.inventory_move (number)
        VALUES (nextval('public.inventory_move_number'));
    END IF;
    RETURN NULL;
END $$;
"""
# Of an app, not how it was read: a sync notes that where nothing else is otherwise.
APP = """
    region_id, scalingo_id, name, kind, parent_name, project_id, owner_id, health_data, gone_at,
    first_seen_at"""
COUNTED = (
    "inventory_app",
    "inventory_appperiod",
    "inventory_collaboration",
    "inventory_person",
    "inventory_project",
    "inventory_region",
    "inventory_twofactorperiod",
)
TRIGGER = """
CREATE TRIGGER moves AFTER INSERT OR UPDATE{of} OR DELETE ON public.{table}
FOR EACH STATEMENT EXECUTE FUNCTION public.inventory_moves();
"""


def triggers() -> str:
    return "".join(
        TRIGGER.format(table=table, of=f" OF {APP}" if table == "inventory_app" else "")
        for table in COUNTED
    )


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0009_scm_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="Move",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            SQL + triggers(),
            "".join(f"DROP TRIGGER moves ON public.{table};" for table in COUNTED)
            + "DROP FUNCTION public.inventory_moves(); DROP SEQUENCE public.inventory_move_number;",
        ),
    ]
