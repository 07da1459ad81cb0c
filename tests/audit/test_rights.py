"""Who the database lets do what to the log: nobody but its two functions."""

import contextlib

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from governance.audit import actions, rights
from governance.audit.events import Source
from governance.audit.models import Event, Head, Personal
from governance.audit.verify import verify

from .conftest import as_owner

EVENT, PERSONAL, HEAD = "audit_event", "audit_personal", "audit_head"
REFUSED = [
    "UPDATE audit_event SET kind = 'platform.left'",
    "UPDATE audit_event SET hash = hash WHERE sequence = 6",
    "DELETE FROM audit_event",
    "DELETE FROM audit_event WHERE sequence = 12",
    "TRUNCATE audit_event",
    "TRUNCATE audit_event, audit_personal, audit_head",
    "MERGE INTO audit_event USING (VALUES (6)) v (n) ON sequence = n WHEN MATCHED THEN DELETE",
    "UPDATE audit_personal SET fields = '{}'",
    "UPDATE audit_personal SET sequence = 99 WHERE sequence = 1",
    "DELETE FROM audit_personal",
    "TRUNCATE audit_personal",
    "UPDATE audit_head SET sequence = 3",
    "UPDATE audit_head SET hash = sha256('x')",
    "DELETE FROM audit_head",
    "TRUNCATE audit_head",
]
REFUSED_TO_THE_APPLICATION = [
    *REFUSED,
    "INSERT INTO audit_event SELECT * FROM audit_event",
    "INSERT INTO audit_personal (sequence) VALUES (99)",
    "UPDATE audit_personal SET fields = NULL, salt = NULL",
    "UPDATE audit_head SET sequence = 99",
    "INSERT INTO audit_head VALUES (1, 0, 'x')",
    "SELECT * FROM audit_head FOR UPDATE",
    "LOCK audit_event IN EXCLUSIVE MODE",
    "ALTER TABLE audit_event DISABLE TRIGGER USER",
    "ALTER TABLE audit_event DROP COLUMN line",
    "DROP TRIGGER audit_event_is_kept ON audit_event",
    "DROP TABLE audit_event",
    "DROP FUNCTION audit_append(jsonb)",
    "CREATE TRIGGER x BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE RULE x AS ON INSERT TO audit_event DO INSTEAD NOTHING",
    "CREATE TABLE public.mine ()",
    "COPY audit_event FROM STDIN",
    "SET session_replication_role = replica",
    "DELETE FROM django_migrations",
]


def state():
    return (
        list(Event.objects.order_by("sequence").values()),
        list(Personal.objects.order_by("sequence").values()),
        list(Head.objects.values()),
    )


def refuses(statement):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.skipif(not settings.DATABASE_APPLICATION_ROLE, reason="one database role only")
@pytest.mark.parametrize("statement", REFUSED_TO_THE_APPLICATION)
def test_the_application_is_refused(log, statement):
    before = state()

    refuses(statement)

    assert state() == before


@pytest.mark.parametrize("statement", REFUSED)
def test_the_triggers_refuse_the_owner_too(log, statement):
    before = state()

    with as_owner():
        refuses(statement)

    assert state() == before


def _changed(rows, name, value):
    for row in rows:
        setattr(row, name, value)
    return rows


THROUGH_THE_ORM = {
    "update": lambda: Event.objects.filter(sequence=6).update(kind="platform.left"),
    "bulk_update": lambda: Event.objects.bulk_update(
        _changed(list(Event.objects.all()), "kind", "platform.left"), ["kind"]
    ),
    "save": lambda: _changed([Event.objects.get(sequence=6)], "line", "{}")[0].save(),
    "QuerySet.delete": lambda: Event.objects.filter(sequence=12).delete(),
    "_raw_delete": lambda: Event.objects.all()._raw_delete("default"),
    "delete": lambda: Event.objects.get(sequence=12).delete(),
    "personal": lambda: Personal.objects.update(fields="{}"),
    "head": lambda: Head.objects.update(sequence=3),
}


@pytest.mark.parametrize("how", THROUGH_THE_ORM)
@pytest.mark.parametrize("role", ["application", "owner"])
def test_what_django_offers_is_refused_too(log, role, how):
    before = state()

    as_whom = as_owner() if role == "owner" else contextlib.nullcontext()
    with as_whom, pytest.raises(DatabaseError), transaction.atomic():
        THROUGH_THE_ORM[how]()

    assert state() == before


@pytest.mark.django_db(transaction=True)
def test_the_triggers_refuse_a_superuser_that_calls_itself_a_replica(now):
    for number in range(12):
        actions.record(
            "user.signed_in", by=None, source=Source.PAGE, at=now, personal={"name": str(number)}
        )
    before = state()
    of = connection.settings_dict

    try:
        superuser = psycopg.connect(host=of["HOST"], dbname=of["NAME"], user="postgres")
    except psycopg.OperationalError:
        pytest.skip("this server lets no superuser in")
    with superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.commit()
        for statement in REFUSED:
            with pytest.raises(psycopg.errors.RestrictViolation):
                superuser.execute(statement)
            superuser.rollback()

    assert state() == before


@pytest.mark.skipif(not settings.DATABASE_APPLICATION_ROLE, reason="one database role only")
def test_everything_else_is_the_application_s(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND NOT has_table_privilege(oid, 'SELECT') "
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND NOT (has_table_privilege(oid, 'INSERT')"
            " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))"
        )
        narrow = {name for (name,) in cursor.fetchall()}
    assert narrow == {EVENT, PERSONAL, HEAD, "django_migrations", *rights.ADDED_TO}


@pytest.mark.skipif(not settings.DATABASE_APPLICATION_ROLE, reason="one database role only")
def test_tables_that_the_owner_makes_later_are_the_application_s_too(db):
    with as_owner() as cursor:
        cursor.execute("CREATE TABLE later (id bigint GENERATED BY DEFAULT AS IDENTITY, word text)")
        cursor.execute("CREATE SEQUENCE counted")

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO later (word) VALUES ('x')")
        cursor.execute("UPDATE later SET word = 'y'")
        cursor.execute("SELECT nextval('counted')")
        cursor.execute("DELETE FROM later")


@pytest.mark.skipif(not settings.DATABASE_APPLICATION_ROLE, reason="one database role only")
def test_migrating_again_takes_back_what_was_given_beyond(log):
    role = settings.DATABASE_APPLICATION_ROLE
    with as_owner() as cursor:
        cursor.execute(f"GRANT ALL ON audit_event TO {role}")
        cursor.execute("GRANT UPDATE ON audit_event TO PUBLIC")
    assert any("beside its functions" in sentence for sentence in verify().weaknesses)

    with as_owner():
        rights.grant(role, on=connection)

    refuses("INSERT INTO audit_event SELECT * FROM audit_event")
    assert not any("beside its functions" in sentence for sentence in verify().weaknesses)


@pytest.mark.skipif(not settings.DATABASE_APPLICATION_ROLE, reason="one database role only")
def test_temporary_tables_are_the_application_s_also_where_the_public_has_none(db):
    role, database = settings.DATABASE_APPLICATION_ROLE, connection.settings_dict["NAME"]
    with as_owner() as cursor:
        cursor.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC, {role}')
    refuses("CREATE TEMPORARY TABLE copied (id bigint)")

    with as_owner():
        rights.grant(role, on=connection)

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (id bigint)")


def test_migrate_grants_only_when_it_migrated(db, monkeypatch):
    granted = []
    monkeypatch.setattr(rights, "grant", lambda role, *, on: granted.append(role))
    if not settings.DATABASE_APPLICATION_ROLE:
        pytest.skip("one database role only")

    with as_owner():
        call_command("migrate", plan=True, verbosity=0)
        assert granted == []
        call_command("migrate", verbosity=0)

    assert granted == [settings.DATABASE_APPLICATION_ROLE]


@pytest.mark.parametrize("function", ["audit_append", "audit_erase"])
def test_the_functions_look_for_nothing_on_the_caller_s_path(db, function):
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosecdef, proconfig FROM pg_proc WHERE proname = %s", [function])
        assert cursor.fetchall() == [(True, ["search_path=pg_catalog, pg_temp"])]


def test_a_table_of_the_caller_s_does_not_take_the_place_of_the_log(db, now):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE audit_head AS SELECT * FROM public.audit_head")
        cursor.execute("CREATE TEMPORARY TABLE audit_event AS SELECT * FROM public.audit_event")
        actions.record("user.signed_in", by=None, source=Source.PAGE, at=now)
        cursor.execute("SELECT count(*) FROM pg_temp.audit_event")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT count(*) FROM public.audit_event")
        assert cursor.fetchone() == (1,)
