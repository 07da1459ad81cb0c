"""The tables as a test finds them: emptied, and filled again with what an earlier sync left.

Some milliseconds, where a flush and another first reading would take a second. Rows are deleted,
not truncated: a handful of rows is gone sooner that way.
"""

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

_DOMAINS = (
    "audit",
    "accounts",
    "notifications",
    "connections",
    "inventory",
    "facts",
    "changes",
    "sync",
    "rotations",
    "reports",
    "two_factor",
)
_KEPT = (
    *("audit_event", "audit_personal", "audit_head"),
    *("audit_checkpoint", "audit_witness", "audit_check"),
    *("two_factor_review", "two_factor_reviewed", "two_factor_decision"),
)


def _tables():
    return [
        model._meta.db_table
        for domain in _DOMAINS
        for model in apps.get_app_config(domain).get_models(include_auto_created=True)
        if model._meta.managed
    ]


def take():
    """Everything that the tables hold now, as `put` takes it."""
    with connection.cursor() as cursor:
        return {table: _copied(cursor, table) for table in _tables()}


def _copied(cursor, table):
    with cursor.copy(f"COPY {table} TO STDOUT") as copied:
        return b"".join(copied)


def put(rows):
    """Let the tables hold `rows` and nothing else. Sequences go on: they never go back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")  # the owner, who may lift what keeps the audit log
        for table in _KEPT:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in _tables():
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
        for table, copied in rows.items():
            if copied:
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(copied)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _guard_again(cursor)
        if settings.DATABASE_APPLICATION_ROLE:
            role = connection.ops.quote_name(settings.DATABASE_APPLICATION_ROLE)
            cursor.execute(f"SET ROLE {role}")


def _guard_again(cursor):
    cursor.execute(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)",
        [list(_KEPT)],
    )
    for table, trigger in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
