import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models

import governance.inventory.words

# Immutable, since an index rests on it: it reads nothing but its argument.
TEXT_PIECES = """
CREATE FUNCTION text_pieces(words text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(lower(words), place, 3)), '{}')
    FROM generate_series(1, length(words) - 2) place
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(TEXT_PIECES, "DROP FUNCTION text_pieces(text)"),
        migrations.AddIndex(
            model_name="app",
            index=django.contrib.postgres.indexes.GinIndex(
                governance.inventory.words.Pieces(models.F("name")), name="app_by_words"
            ),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                django.db.models.functions.text.Lower(
                    django.db.models.functions.comparison.Coalesce(
                        django.db.models.functions.comparison.NullIf(
                            "username", models.Value(""), output_field=models.CharField()
                        ),
                        "email",
                    ),
                    output_field=models.CharField(),
                ),
                models.F("id"),
                name="person_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                models.F("first_seen_at"), models.F("id"), name="person_by_first_seen"
            ),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(models.F("changed_at"), models.F("id"), name="person_by_change"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=django.contrib.postgres.indexes.GinIndex(
                governance.inventory.words.Pieces(
                    governance.inventory.words.Joined(models.F("username"), models.F("email"))
                ),
                name="person_by_words",
            ),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(models.F("name"), models.F("id"), name="project_by_name"),
        ),
    ]
