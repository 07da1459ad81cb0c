"""Triggers that note whose standing moved, in the transaction that moved it.

Statement by statement where many rows come at once; row by row, and only where the column that
counts is written at all, for people and apps: a digest that a sync writes there fires nothing.
They add rows and lock none, so that a sync never waits for the report, nor somebody who describes
an app for a sync.
"""

from django.db import migrations

SQL = """
CREATE FUNCTION two_factor_note_these() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO two_factor_moved (person_id) SELECT DISTINCT person_id FROM these;
    RETURN NULL;
END
$$;
CREATE FUNCTION two_factor_note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO two_factor_moved (person_id)
    SELECT DISTINCT unnest(ARRAY[before.person_id, these.person_id])
    FROM before JOIN these USING (id)
    WHERE before.ended_at IS DISTINCT FROM these.ended_at
       OR before.person_id <> these.person_id OR before.app_id <> these.app_id
       OR before.role <> these.role OR before.status <> these.status;
    RETURN NULL;
END
$$;
CREATE FUNCTION two_factor_note_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO two_factor_moved (person_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE FUNCTION two_factor_note_app() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO two_factor_moved (app_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE FUNCTION two_factor_note_class() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO two_factor_moved (app_id) VALUES (coalesce(NEW.app_id, OLD.app_id));
    RETURN NULL;
END
$$;

CREATE TRIGGER two_factor_added AFTER INSERT ON inventory_collaboration
    REFERENCING NEW TABLE AS these
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_note_these();
CREATE TRIGGER two_factor_removed AFTER DELETE ON inventory_collaboration
    REFERENCING OLD TABLE AS these
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_note_these();
CREATE TRIGGER two_factor_changed AFTER UPDATE ON inventory_collaboration
    REFERENCING OLD TABLE AS before NEW TABLE AS these
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_note_changed();
CREATE TRIGGER two_factor_of_person AFTER UPDATE OF two_factor, first_seen_at ON inventory_person
    FOR EACH ROW WHEN (OLD.two_factor <> NEW.two_factor OR OLD.first_seen_at <> NEW.first_seen_at)
    EXECUTE FUNCTION two_factor_note_person();
CREATE TRIGGER two_factor_began AFTER INSERT ON inventory_twofactorperiod
    REFERENCING NEW TABLE AS these
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_note_these();
CREATE TRIGGER two_factor_of_app AFTER UPDATE OF health_data ON inventory_app
    FOR EACH ROW WHEN (OLD.health_data IS DISTINCT FROM NEW.health_data)
    EXECUTE FUNCTION two_factor_note_app();
CREATE TRIGGER two_factor_class AFTER INSERT OR DELETE OR UPDATE OF app_class, current, app_id
    ON facts_appfact
    FOR EACH ROW EXECUTE FUNCTION two_factor_note_class();

-- Its rows live for a minute: what they leave is swept before it can slow a look.
ALTER TABLE two_factor_moved
    SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Whoever is here already.
INSERT INTO two_factor_moved (person_id)
SELECT DISTINCT person_id FROM inventory_collaboration WHERE ended_at IS NULL;
"""
BACK = """
DROP TRIGGER two_factor_added ON inventory_collaboration;
DROP TRIGGER two_factor_removed ON inventory_collaboration;
DROP TRIGGER two_factor_changed ON inventory_collaboration;
DROP TRIGGER two_factor_of_person ON inventory_person;
DROP TRIGGER two_factor_began ON inventory_twofactorperiod;
DROP TRIGGER two_factor_of_app ON inventory_app;
DROP TRIGGER two_factor_class ON facts_appfact;
DROP FUNCTION two_factor_note_these();
DROP FUNCTION two_factor_note_changed();
DROP FUNCTION two_factor_note_person();
DROP FUNCTION two_factor_note_app();
DROP FUNCTION two_factor_note_class();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("two_factor", "0001_initial"),
        ("facts", "0002_vouching"),
    ]

    operations = [migrations.RunSQL(SQL, BACK)]
