"""The chain lives in the database: functions that append and erase, triggers that refuse the rest.

Plain SQL, because whatever the application could switch off would protect nothing from it. There is
no way back: a log that a migration can take away is none.
"""

from django.db import migrations

SQL = """
-- The record of what was done: appended through one function, refused to everybody else.
-- docs/audit-chain.md describes the bytes; governance/audit/verify/ checks them.

INSERT INTO public.audit_head (id, sequence, hash)
VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- The text of an instant: RFC 3339, UTC, six decimals.
CREATE FUNCTION public.audit_instant(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

CREATE FUNCTION public.audit_id(id uuid) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce('"' || id::text || '"', 'null');

-- A line is `audit_before`, the data, `audit_after`: the keys in order, nothing between them.
CREATE FUNCTION public.audit_before(
    actor_id uuid, actor_kind text, app_id uuid, commitment bytea
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{"event":{"actor_id":' || public.audit_id(actor_id)
    || ',"actor_kind":"' || actor_kind
    || '","app_id":' || public.audit_id(app_id)
    || ',"commitment":' || coalesce('"' || encode(commitment, 'hex') || '"', 'null')
    || ',"data":';

CREATE FUNCTION public.audit_after(
    kind text, occurred text, person_id uuid, source text, target_id uuid, target_kind text,
    previous bytea, recorded text, sequence bigint
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ',"kind":"' || kind
    || '","occurred_at":"' || occurred
    || '","person_id":' || public.audit_id(person_id)
    || ',"source":"' || source
    || '","target_id":' || public.audit_id(target_id)
    || ',"target_kind":"' || target_kind
    || '","version":1},"previous":"' || encode(previous, 'hex')
    || '","recorded_at":"' || recorded
    || '","sequence":' || sequence::text || '}';

-- Append one or many events, in order; the sequences they were given.
--
-- Each entry is an object with the columns of an event. `data` is its canonical text; `fields`, if
-- not null, the canonical text of its personal part. Sequence, instant of recording, salt and
-- hash are given here, under the lock of the head, so that no caller can choose them.
CREATE FUNCTION public.audit_append(entries jsonb) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entry record;
    made public.audit_event[] := '{}';
    one public.audit_event;
    tip_sequence bigint;
    tip_hash bytea;
    salt bytea;
    written bigint[] := '{}';
    recorded text;
BEGIN
    SELECT sequence, hash INTO STRICT tip_sequence, tip_hash
    FROM public.audit_head WHERE id = 1 FOR UPDATE;
    one.recorded_at := clock_timestamp();
    recorded := public.audit_instant(one.recorded_at);

    FOR entry IN
        SELECT * FROM jsonb_to_recordset(entries) AS (
            kind text, source text, actor_kind text, actor_id uuid, target_kind text,
            target_id uuid, app_id uuid, person_id uuid, occurred_at timestamptz, data text,
            fields text
        )
    LOOP
        IF jsonb_typeof(entry.data::jsonb) IS DISTINCT FROM 'object' THEN
            RAISE EXCEPTION 'The data of an event must be an object.' USING ERRCODE = '22023';
        END IF;
        tip_sequence := tip_sequence + 1;
        one.commitment := NULL;
        IF entry.fields IS NOT NULL THEN
            -- 244 bits of the server's strong randomness.
            salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
            one.commitment := sha256(salt || convert_to(entry.fields, 'UTF8'));
            INSERT INTO public.audit_personal (sequence, salt, fields)
            VALUES (tip_sequence, salt, entry.fields);
        END IF;
        one.sequence := tip_sequence;
        one.kind := entry.kind;
        one.source := entry.source;
        one.actor_kind := entry.actor_kind;
        one.actor_id := entry.actor_id;
        one.target_kind := entry.target_kind;
        one.target_id := entry.target_id;
        one.app_id := entry.app_id;
        one.person_id := entry.person_id;
        one.occurred_at := entry.occurred_at;
        one.line := public.audit_before(
                entry.actor_id, entry.actor_kind, entry.app_id, one.commitment)
            || entry.data
            || public.audit_after(
                entry.kind, public.audit_instant(entry.occurred_at), entry.person_id,
                entry.source, entry.target_id, entry.target_kind, tip_hash, recorded,
                tip_sequence);
        tip_hash := sha256(convert_to(one.line, 'UTF8'));
        one.hash := tip_hash;
        made := made || one;
        written := written || tip_sequence;
    END LOOP;

    INSERT INTO public.audit_event SELECT * FROM unnest(made);
    UPDATE public.audit_head SET sequence = tip_sequence, hash = tip_hash WHERE id = 1;
    RETURN written;
END
$$;

-- Erase the personal part of every event about one of `ids`, and append the event that says so.
-- The sequences erased; none when there was nothing left to erase.
CREATE FUNCTION public.audit_erase(ids uuid[], entry jsonb) RETURNS bigint[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    erased bigint[];
BEGIN
    WITH gone AS (
        UPDATE public.audit_personal AS personal SET salt = NULL, fields = NULL
        FROM public.audit_event AS event
        WHERE event.sequence = personal.sequence
          AND personal.fields IS NOT NULL
          AND (event.actor_id = ANY (ids) OR event.target_id = ANY (ids)
               OR event.person_id = ANY (ids))
        RETURNING personal.sequence
    )
    SELECT coalesce(array_agg(sequence ORDER BY sequence), '{}') INTO erased FROM gone;
    IF erased <> '{}' THEN
        PERFORM public.audit_append(jsonb_build_array(
            entry->0 || jsonb_build_object(
                'kind', 'personal.erased',
                'data', '{"count":' || cardinality(erased) || ',"sequences":[' || array_to_string(erased, ',') || ']}',
                'fields', NULL
            )
        ));
    END IF;
    RETURN erased;
END
$$;

CREATE FUNCTION public.audit_refuse() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the audit log keeps what was written.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- The lock row only moves forward.
CREATE FUNCTION public.audit_refuse_going_back() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.sequence < OLD.sequence
       OR (NEW.sequence = OLD.sequence AND NEW.hash <> OLD.hash) THEN
        RAISE EXCEPTION 'The head of the audit log only moves forward.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_event_is_kept BEFORE UPDATE OR DELETE ON public.audit_event
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_event_is_not_emptied BEFORE TRUNCATE ON public.audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_personal_is_kept BEFORE DELETE ON public.audit_personal
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_personal_is_only_erased BEFORE UPDATE ON public.audit_personal
    FOR EACH ROW
    WHEN (NEW.sequence <> OLD.sequence OR NEW.salt IS NOT NULL OR NEW.fields IS NOT NULL)
    EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_personal_is_not_emptied BEFORE TRUNCATE ON public.audit_personal
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_head_is_kept BEFORE DELETE ON public.audit_head
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse();
CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON public.audit_head
    FOR EACH ROW EXECUTE FUNCTION public.audit_refuse_going_back();
CREATE TRIGGER audit_head_is_not_emptied BEFORE TRUNCATE ON public.audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse();

-- ALWAYS: a session that calls itself a replica does not get around them.
ALTER TABLE public.audit_event
    ENABLE ALWAYS TRIGGER audit_event_is_kept,
    ENABLE ALWAYS TRIGGER audit_event_is_not_emptied;
ALTER TABLE public.audit_personal
    ENABLE ALWAYS TRIGGER audit_personal_is_kept,
    ENABLE ALWAYS TRIGGER audit_personal_is_only_erased,
    ENABLE ALWAYS TRIGGER audit_personal_is_not_emptied;
ALTER TABLE public.audit_head
    ENABLE ALWAYS TRIGGER audit_head_is_kept,
    ENABLE ALWAYS TRIGGER audit_head_moves_forward,
    ENABLE ALWAYS TRIGGER audit_head_is_not_emptied;

-- `migrate` grants the application's role what it needs and no more.
REVOKE ALL ON public.audit_event, public.audit_personal, public.audit_head FROM PUBLIC;
REVOKE ALL ON FUNCTION public.audit_append(jsonb), public.audit_erase(uuid[], jsonb) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(SQL)]
