from django.db import migrations

COUNTED = ("facts_appfact", "facts_personfact")
TRIGGER = """
CREATE TRIGGER moves AFTER INSERT OR UPDATE OR DELETE ON public.{table}
FOR EACH STATEMENT EXECUTE FUNCTION public.inventory_moves();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("facts", "0002_vouching"),
        ("inventory", "0010_moves"),
    ]

    operations = [
        migrations.RunSQL(
            "".join(TRIGGER.format(table=table) for table in COUNTED),
            "".join(f"DROP TRIGGER moves ON public.{table};" for table in COUNTED),
        ),
    ]
