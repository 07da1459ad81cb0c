"""Whether the database would have refused: triggers, their functions, the role we speak as."""

from collections.abc import Iterator
from hashlib import sha256

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.audit.verify.faults import Fault, FaultKind

_TABLES = ("event", "personal", "head", "checkpoint", "witness", "check")
# As the migrations make them, in the database's own words, which PostgreSQL 15 to 18 share.
_WHEN = {
    "audit_check_is_kept": "BEFORE DELETE OR UPDATE ON public.audit_check FOR EACH ROW",
    "audit_check_is_not_emptied": "BEFORE TRUNCATE ON public.audit_check FOR EACH STATEMENT",
    "audit_checkpoint_is_kept": "BEFORE DELETE OR UPDATE ON public.audit_checkpoint FOR EACH ROW",
    "audit_checkpoint_is_not_emptied": (
        "BEFORE TRUNCATE ON public.audit_checkpoint FOR EACH STATEMENT"
    ),
    "audit_event_is_kept": "BEFORE DELETE OR UPDATE ON public.audit_event FOR EACH ROW",
    "audit_event_is_not_emptied": "BEFORE TRUNCATE ON public.audit_event FOR EACH STATEMENT",
    "audit_head_is_kept": "BEFORE DELETE ON public.audit_head FOR EACH ROW",
    "audit_head_is_not_emptied": "BEFORE TRUNCATE ON public.audit_head FOR EACH STATEMENT",
    "audit_head_moves_forward": "BEFORE UPDATE ON public.audit_head FOR EACH ROW",
    "audit_personal_is_kept": "BEFORE DELETE ON public.audit_personal FOR EACH ROW",
    "audit_personal_is_not_emptied": "BEFORE TRUNCATE ON public.audit_personal FOR EACH STATEMENT",
    "audit_personal_is_only_erased": (
        "BEFORE UPDATE ON public.audit_personal FOR EACH ROW WHEN (((new.sequence <> old.sequence)"
        " OR (new.salt IS NOT NULL) OR (new.fields IS NOT NULL)))"
    ),
    "audit_witness_is_kept": "BEFORE DELETE OR UPDATE ON public.audit_witness FOR EACH ROW",
    "audit_witness_is_not_emptied": "BEFORE TRUNCATE ON public.audit_witness FOR EACH STATEMENT",
}
_BY = {"audit_head_moves_forward": "audit_refuse_going_back"}
TRIGGERS = {
    name: f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION public.{_BY.get(name, 'audit_refuse')}()"
    for name, when in _WHEN.items()
}
# SHA-256 of what each function of the chain is: see `_digest`.
FUNCTIONS = {
    "public.audit_after(text,text,uuid,text,uuid,text,bytea,text,bigint)": (
        "fb4613d443a5bc61a260428658599586f3ca48720be3428bcc9a6f99e09ea2ea"
    ),
    "public.audit_append(jsonb)": (
        "970a54693c000484c062bd52feda55147069936de30667bf1f2d70ccd9aefc3d"
    ),
    "public.audit_before(uuid,text,uuid,bytea)": (
        "44b1ef03737eccc6537f214f7dcf27df9595865a423349c2d13919cca3ce5251"
    ),
    "public.audit_erase(uuid[],jsonb)": (
        "23aff86d25a4028bf4ea28da8cbe591967276b39bf81f9c63d92ef5122bdd998"
    ),
    "public.audit_id(uuid)": ("c98c32ad333b07bab53add0c8e030bef90ca8bd9a42da410cee0e8aa8a556f46"),
    "public.audit_instant(timestamp with time zone)": (
        "3a0c446e6c2870ad978d4ad06ab84b6341710b4bfa7965d2b44c30e6758a4f22"
    ),
    "public.audit_refuse()": ("18a9ee74ed2a52dcabe9c40708be7fc3406e664d9db969dd6ab4a1c4e014c7a5"),
    "public.audit_refuse_going_back()": (
        "5925709d4d196048119451f8a662f27445b052ac52d92f8e27858b55fa646211"
    ),
}


def faults() -> Iterator[Fault]:
    """Triggers and functions that are gone, lifted, or not what the migrations made."""
    triggers, functions, strange = _as_they_are()
    for name, definition in TRIGGERS.items():
        if name not in triggers:
            words = _("The trigger {name} is not in force: what it refuses could be done.")
        elif triggers[name] != definition:
            words = _("The trigger {name} is not as it was made: what it refuses could be done.")
        else:
            continue
        yield _fault(words, name)
    for name, digest in FUNCTIONS.items():
        if functions.get(name) != digest:
            yield _fault(_("The function {name} is not as it was made: it may do anything."), name)
        elif name in strange:
            yield _fault(_("The function {name} does not belong to the owner of the log."), name)


def _fault(words: str, name: str) -> Fault:
    return Fault(FaultKind.UNGUARDED, 0, 0, words.format(name=name))


def _as_they_are() -> tuple[dict[str, str], dict[str, str], set[str]]:
    """Triggers in force with what they are, digests of functions, and those of another owner."""
    tables = [f"public.audit_{table}" for table in _TABLES]
    with transaction.atomic(), connection.cursor() as cursor:
        # With no path every name is written with its schema, so that none stands for another.
        cursor.execute("SELECT current_setting('search_path')")
        (path,) = cursor.fetchone()
        cursor.execute("SELECT set_config('search_path', 'pg_catalog', true)")
        cursor.execute(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgenabled = 'A' AND tgrelid = ANY(%s::regclass[])",
            [tables],
        )
        triggers = dict(cursor.fetchall())
        cursor.execute(
            "SELECT function.oid::regprocedure::text, proowner <> relowner, lanname,"
            " prorettype::regtype::text, CASE WHEN prosecdef THEN 'definer' ELSE 'invoker' END,"
            " proconfig, coalesce(pg_get_function_sqlbody(function.oid), prosrc)"
            " FROM pg_proc AS function JOIN pg_language AS language ON language.oid = prolang,"
            " pg_class AS log"
            " WHERE log.oid = 'public.audit_event'::regclass AND function.oid"
            " = ANY(ARRAY(SELECT to_regprocedure(name)::oid FROM unnest(%s::text[]) AS name))",
            [list(FUNCTIONS)],
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT set_config('search_path', %s, true)", [path])
    functions = {name: _digest(*rest) for name, _is_strange, *rest in rows}
    return triggers, functions, {name for name, is_strange, *_rest in rows if is_strange}


def _digest(language: str, returns: str, rights: str, config: list[str] | None, body: str) -> str:
    """What a function does and as whom: its body, whose rights it has, and its settings."""
    text = "\n".join([language, returns, rights, *(config or []), body])
    return sha256(text.encode()).hexdigest()


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
