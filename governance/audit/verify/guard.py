"""Whether the database would have refused: its triggers, and the role that we speak as."""

from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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
    "audit_checkpoint_is_kept",
    "audit_checkpoint_is_not_emptied",
    "audit_witness_is_kept",
    "audit_witness_is_not_emptied",
    "audit_check_is_kept",
    "audit_check_is_not_emptied",
}


def faults() -> Iterator[Fault]:
    """Triggers that are gone, or can be got around."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A' AND tgrelid IN ("
            " 'public.audit_event'::regclass, 'public.audit_personal'::regclass,"
            " 'public.audit_head'::regclass, 'public.audit_checkpoint'::regclass,"
            " 'public.audit_witness'::regclass, 'public.audit_check'::regclass)"
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
    unseen = unwitnessed()
    if unseen:
        words = ngettext(
            "No checkpoint that left this database covers the newest event: the owner of the"
            " database could cut it off or rewrite it unseen.",
            "No checkpoint that left this database covers the newest {n} events: the owner of the"
            " database could cut them off or rewrite them unseen.",
            unseen,
        )
        yield words.format(n=unseen)


def unwitnessed() -> int:
    """How many events are newer than the newest checkpoint of which there is a copy outside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(0, head.sequence - coalesce(("
            "  SELECT max(size) FROM audit_checkpoint AS checkpoint"
            "  WHERE EXISTS (SELECT FROM audit_witness WHERE checkpoint_id = checkpoint.id)), 0))"
            " FROM audit_head AS head"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0
