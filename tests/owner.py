"""Hands that can do to the audit log what only the owner of its tables can."""

import contextlib

from django.conf import settings
from django.db import connection

TABLES = (
    *("audit_event", "audit_personal", "audit_head"),
    *("audit_checkpoint", "audit_witness", "audit_check"),
)


@contextlib.contextmanager
def as_owner():
    """Speak as the role that owns the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        yield cursor
        if settings.DATABASE_APPLICATION_ROLE:
            cursor.execute(f"SET ROLE {settings.DATABASE_APPLICATION_ROLE}")


def tamper(*statements):
    """Run these with the triggers lifted for as long."""
    with as_owner() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        for table in TABLES:
            cursor.execute(
                "SELECT quote_ident(tgname) FROM pg_trigger"
                " WHERE tgrelid = %s::regclass AND NOT tgisinternal",
                [table],
            )
            for (trigger,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
