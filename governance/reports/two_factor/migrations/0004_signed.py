"""What a review has decided stays: triggers refuse to change or to remove it.

A review can be signed and nothing else; a signed one takes no further decision; the people of a
review are as they were, and only their name and address can be emptied.
"""

from django.db import migrations

SQL = """
-- One at a time: nobody signs the older of two.
CREATE UNIQUE INDEX one_open_review ON two_factor_review ((true)) WHERE signed_at IS NULL;

CREATE FUNCTION two_factor_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: a review keeps what was written.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION two_factor_refuse_when_signed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_review uuid;
BEGIN
    IF TG_TABLE_NAME = 'two_factor_decision' THEN
        SELECT review_id INTO of_review FROM two_factor_reviewed WHERE id = NEW.reviewed_id;
    ELSE
        of_review := NEW.review_id;
    END IF;
    -- Waits for whoever signs it at this moment.
    PERFORM FROM two_factor_review WHERE id = of_review AND signed_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The review is signed: nothing is added to it.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER two_factor_review_is_kept BEFORE DELETE ON two_factor_review
    FOR EACH ROW EXECUTE FUNCTION two_factor_refuse();
CREATE TRIGGER two_factor_review_is_only_signed BEFORE UPDATE ON two_factor_review
    FOR EACH ROW WHEN (OLD.signed_at IS NOT NULL OR NEW.signed_at IS NULL
        OR (OLD.id, OLD.started_by_id, OLD.as_of, OLD.due_at, OLD.numbers, OLD.rows)
           IS DISTINCT FROM
           (NEW.id, NEW.started_by_id, NEW.as_of, NEW.due_at, NEW.numbers, NEW.rows))
    EXECUTE FUNCTION two_factor_refuse();
CREATE TRIGGER two_factor_review_is_not_emptied BEFORE TRUNCATE ON two_factor_review
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_refuse();

CREATE TRIGGER two_factor_reviewed_is_added_before BEFORE INSERT ON two_factor_reviewed
    FOR EACH ROW EXECUTE FUNCTION two_factor_refuse_when_signed();
CREATE TRIGGER two_factor_reviewed_is_kept BEFORE DELETE ON two_factor_reviewed
    FOR EACH ROW EXECUTE FUNCTION two_factor_refuse();
CREATE TRIGGER two_factor_reviewed_is_only_forgotten BEFORE UPDATE ON two_factor_reviewed
    FOR EACH ROW WHEN (NEW.email <> '' OR NEW.username <> ''
        OR (to_jsonb(OLD) - 'email' - 'username') <> (to_jsonb(NEW) - 'email' - 'username'))
    EXECUTE FUNCTION two_factor_refuse();
CREATE TRIGGER two_factor_reviewed_is_not_emptied BEFORE TRUNCATE ON two_factor_reviewed
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_refuse();

CREATE TRIGGER two_factor_decision_is_added_before BEFORE INSERT ON two_factor_decision
    FOR EACH ROW EXECUTE FUNCTION two_factor_refuse_when_signed();
CREATE TRIGGER two_factor_decision_is_kept BEFORE UPDATE OR DELETE ON two_factor_decision
    FOR EACH ROW EXECUTE FUNCTION two_factor_refuse();
CREATE TRIGGER two_factor_decision_is_not_emptied BEFORE TRUNCATE ON two_factor_decision
    FOR EACH STATEMENT EXECUTE FUNCTION two_factor_refuse();

-- ALWAYS: a session that calls itself a replica does not get around them.
ALTER TABLE two_factor_review
    ENABLE ALWAYS TRIGGER two_factor_review_is_kept,
    ENABLE ALWAYS TRIGGER two_factor_review_is_only_signed,
    ENABLE ALWAYS TRIGGER two_factor_review_is_not_emptied;
ALTER TABLE two_factor_reviewed
    ENABLE ALWAYS TRIGGER two_factor_reviewed_is_added_before,
    ENABLE ALWAYS TRIGGER two_factor_reviewed_is_kept,
    ENABLE ALWAYS TRIGGER two_factor_reviewed_is_only_forgotten,
    ENABLE ALWAYS TRIGGER two_factor_reviewed_is_not_emptied;
ALTER TABLE two_factor_decision
    ENABLE ALWAYS TRIGGER two_factor_decision_is_added_before,
    ENABLE ALWAYS TRIGGER two_factor_decision_is_kept,
    ENABLE ALWAYS TRIGGER two_factor_decision_is_not_emptied;
"""


class Migration(migrations.Migration):
    dependencies = [("two_factor", "0003_review")]

    operations = [migrations.RunSQL(SQL)]
