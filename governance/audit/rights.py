"""What the application's database role may do, and whether the database really keeps the log.

The owner's role migrates; the application's role owns nothing. Of the log it may read the three
tables and call the two functions. Checkpoints, their witnesses and the checks of the log it may
read and add.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

TABLES = ("audit_event", "audit_personal", "audit_head")
ADDED_TO = ("audit_checkpoint", "audit_witness", "audit_check")

# A sync copies what differs into temporary tables. Who does not own the database cannot grant them:
# PostgreSQL then warns, and what PUBLIC may is as it was.
_GRANTS = """
GRANT TEMPORARY ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
"""
# `django_migrations` is among them: who could edit it could make a migration be forgotten.
_NARROWED = """
REVOKE INSERT, UPDATE, DELETE ON public.django_migrations FROM {role};
REVOKE ALL ON public.audit_event, public.audit_personal, public.audit_head FROM PUBLIC, {role};
REVOKE ALL ON FUNCTION public.audit_append(jsonb), public.audit_erase(uuid[], jsonb) FROM PUBLIC;
GRANT SELECT ON public.audit_event, public.audit_personal, public.audit_head TO {role};
GRANT EXECUTE ON FUNCTION public.audit_append(jsonb), public.audit_erase(uuid[], jsonb) TO {role};
"""
_ADDED_TO = """
REVOKE ALL ON public.audit_checkpoint, public.audit_witness, public.audit_check FROM PUBLIC, {role};
GRANT SELECT, INSERT ON public.audit_checkpoint, public.audit_witness, public.audit_check TO {role};
"""


def grant(role: str, *, on: BaseDatabaseWrapper) -> None:
    """Give `role` everything but the log, where it may read and append. Run as the owner.

    Repeating it changes nothing, and takes back what somebody gave beyond it.
    """
    with on.cursor() as cursor:
        cursor.execute(
            "SELECT current_database(), to_regclass('public.audit_event') IS NOT NULL,"
            " to_regclass('public.audit_check') IS NOT NULL"
        )
        database, has_log, has_checks = cursor.fetchone()
        statements = _GRANTS + (_NARROWED if has_log else "") + (_ADDED_TO if has_checks else "")
        names = {"role": sql.Identifier(role), "database": sql.Identifier(database)}
        cursor.execute(sql.SQL(statements).format(**names).as_string(None))
