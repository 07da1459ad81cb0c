"""Whether the database would have refused: its triggers, and the role that we speak as."""

from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _

from governance.audit.verify.faults import Fault, FaultKind

TRIGGERS = {
    "audit_event_is_kept",
    "audit_event_is_not_emptied",
    "audit_personal_is_kept",
    "audit_personal_is_only_erased",
    "audit_personal_is_not_emptied",
    "audit_head_is_kept",
    "audit_head_moves_forward",
    "audit_head_is_not_emptied",
}


def faults() -> Iterator[Fault]:
    """Triggers that are gone, or can be got around."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A' AND tgrelid IN ("
            " 'public.audit_event'::regclass, 'public.audit_personal'::regclass,"
            " 'public.audit_head'::regclass)"
        )
        in_force = {name for (name,) in cursor.fetchall()}
    for name in sorted(TRIGGERS - in_force):
        words = _("The trigger {name} is not in force: what it refuses could be done.")
        yield Fault(FaultKind.UNGUARDED, 0, 0, words.format(name=name))


def weaknesses() -> Iterator[str]:
    """What this installation does not keep anybody from doing; full sentences."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(pg_has_role(current_user, relowner, 'MEMBER')),"
            " bool_or(has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'))"
            " FROM pg_class WHERE oid IN ('public.audit_event'::regclass,"
            " 'public.audit_personal'::regclass, 'public.audit_head'::regclass)"
        )
        owns, writes = cursor.fetchone()
    if owns:
        yield _(
            "The application signs in to the database as the owner of the log and could lift its"
            " triggers. Give it a role of its own: set MIGRATION_DATABASE_URL to the owner and"
            " DATABASE_URL to the application, then migrate."
        )
    elif writes:
        yield _(
            "The application's database role may write to the log beside its functions. Run migrate"
            " as the owner to take that back."
        )
    yield _(
        "Nothing outside of this database witnesses the log: its owner could rewrite all of it, or"
        " cut off its end and set the head back, unseen."
    )
