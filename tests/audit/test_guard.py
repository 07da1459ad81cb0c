"""What should have refused it: triggers and functions as the migrations made them, or it shows."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from governance.audit import actions
from governance.audit.events import Source
from governance.audit.models import Event
from governance.audit.verify import FaultKind, guard, verify

from .conftest import as_owner

ROLE = settings.DATABASE_APPLICATION_ROLE
ANOTHER = "CREATE OR REPLACE FUNCTION public.{} LANGUAGE plpgsql AS $$ BEGIN RETURN {}; END $$"
WHEN = (
    "DROP TRIGGER audit_event_is_kept ON audit_event",
    (
        "CREATE TRIGGER audit_event_is_kept BEFORE UPDATE OR DELETE ON audit_event"
        " FOR EACH ROW {} EXECUTE FUNCTION {}()"
    ),
    "ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_is_kept",
)


def when(condition, function="public.audit_refuse"):
    return tuple(statement.format(condition, function) for statement in WHEN)


def unguarded():
    found = verify().faults
    assert {fault.kind for fault in found} <= {FaultKind.UNGUARDED}
    return [fault.words for fault in found]


def as_the_owner(*statements):
    with as_owner() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_database_that_was_just_migrated_is_guarded(log):
    assert unguarded() == []


def test_every_trigger_and_function_of_the_chain_is_compared(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
            " WHERE relname LIKE 'audit\\_%' AND NOT tgisinternal"
        )
        assert {name for (name,) in cursor.fetchall()} == set(guard.TRIGGERS)
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname LIKE 'audit\\_%'"
            " AND pronamespace = 'public'::regnamespace"
        )
        compared = {name.removeprefix("public.").partition("(")[0] for name in guard.FUNCTIONS}
        assert {name for (name,) in cursor.fetchall()} == compared


@pytest.mark.parametrize(
    ("statements", "name"),
    [
        ((ANOTHER.format("audit_refuse() RETURNS trigger", "NEW"),), "public.audit_refuse()"),
        (
            (ANOTHER.format("audit_refuse_going_back() RETURNS trigger", "NEW"),),
            "public.audit_refuse_going_back()",
        ),
        (
            (
                (
                    "CREATE OR REPLACE FUNCTION public.audit_id(id uuid) RETURNS text"
                    " LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 'null'"
                ),
            ),
            "public.audit_id(uuid)",
        ),
        (
            ("ALTER FUNCTION public.audit_append(jsonb) SECURITY INVOKER",),
            "public.audit_append(jsonb)",
        ),
        (
            ("ALTER FUNCTION public.audit_append(jsonb) RESET search_path",),
            "public.audit_append(jsonb)",
        ),
        (
            ("ALTER FUNCTION public.audit_erase(uuid[], jsonb) SET search_path = pg_temp, public",),
            "public.audit_erase(uuid[],jsonb)",
        ),
        (
            ("ALTER FUNCTION public.audit_erase(uuid[], jsonb) RENAME TO audit_erased",),
            "public.audit_erase(uuid[],jsonb)",
        ),
        (("DROP TRIGGER audit_event_is_kept ON audit_event",), "audit_event_is_kept"),
        (("ALTER TABLE audit_event ENABLE TRIGGER audit_event_is_kept",), "audit_event_is_kept"),
        (when("WHEN (OLD.sequence > 5)"), "audit_event_is_kept"),
        (
            (
                ANOTHER.format("lenient() RETURNS trigger", "coalesce(NEW, OLD)"),
                *when("", "public.lenient"),
            ),
            "audit_event_is_kept",
        ),
    ],
)
def test_what_was_replaced_is_named(log, statements, name):
    as_the_owner(*statements)

    (words,) = unguarded()
    assert name in words


def test_a_function_of_the_same_name_elsewhere_is_not_taken_for_it(log):
    """Also where it is found first by whoever asks."""
    role = ROLE or connection.settings_dict["USER"]
    as_the_owner(
        f'CREATE SCHEMA "{role}"',
        ANOTHER.format("lenient() RETURNS trigger", "coalesce(NEW, OLD)"),
        f'ALTER FUNCTION public.lenient() SET SCHEMA "{role}"',
        f'ALTER FUNCTION "{role}".lenient() RENAME TO audit_refuse',
        f'GRANT USAGE ON SCHEMA "{role}" TO PUBLIC',
        *when("", f'"{role}".audit_refuse'),
    )

    (words,) = unguarded()
    assert "The trigger audit_event_is_kept is not as it was made" in words


@pytest.mark.skipif(not ROLE, reason="one database role only")
def test_a_function_that_belongs_to_somebody_else_is_named(log):
    as_the_owner(
        f"GRANT CREATE ON SCHEMA public TO {ROLE}",
        f"ALTER FUNCTION public.audit_refuse() OWNER TO {ROLE}",
    )

    assert unguarded() == [
        "The function public.audit_refuse() does not belong to the owner of the log."
    ]


def test_asking_leaves_the_connection_as_it_was(log, now):
    def path():
        with connection.cursor() as cursor:
            cursor.execute("SHOW search_path")
            return cursor.fetchone()

    before = path()
    verify()

    assert path() == before
    actions.record("user.signed_in", by=None, source=Source.PAGE, at=now)
    assert Event.objects.count() == 13


def test_the_command_says_so(log, capsys):
    as_the_owner(ANOTHER.format("audit_refuse() RETURNS trigger", "NEW"))

    with pytest.raises(SystemExit):
        call_command("verify_audit")

    assert "Not guarded: The function public.audit_refuse() is not as it" in capsys.readouterr().out
