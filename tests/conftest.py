"""What every test may ask for: two servers of our own, the cast, and a pretend Scalingo.

The servers belong to this session: nothing of the machine is used, unless DATABASE_URL (a server
where a test database may be made) or POSTGRES_BIN says so. The tables are made by the owner; the
tests then speak as the application's role, so that a forgotten right fails here and not on a
hosted database.
"""

import atexit
import contextlib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN_SERVER = not os.environ.get("DATABASE_URL")
GIVEN = dict(os.environ)


def _names_read_from_the_environment():
    for path in (ROOT / "governance").rglob("*.py"):
        yield from re.findall(r"env\.\w+\(\s*[\"']([A-Z_]+)", path.read_text(encoding="utf-8"))


_HONOURED = {"DATABASE_URL", "MIGRATION_DATABASE_URL", "POSTGRES_BIN"}
# What this shell happens to have set must not decide whether tests pass.
for _name in set(_names_read_from_the_environment()) - _HONOURED:
    os.environ.pop(_name, None)
    os.environ.pop(f"{_name}_FILE", None)

from governance.local import servers  # noqa: E402
from governance.local.temporary import Temporary  # noqa: E402

temporary = Temporary(
    settings={"autovacuum": "off", "max_connections": "60"},
)
atexit.register(temporary.stop)  # also when a module of tests cannot be imported
os.environ.update(
    DJANGO_SETTINGS_MODULE="governance.settings",
    SECRET_KEY=secrets.token_urlsafe(50),
    HTTPS="false",
    STATIC_FROM_SOURCE="true",
    LOG_LEVEL="WARNING",
    REDIS_URL=temporary.valkey.url,
)
if OWN_SERVER:
    os.environ["DATABASE_URL"] = temporary.postgres.url(servers.APPLICATION)
    os.environ["MIGRATION_DATABASE_URL"] = temporary.postgres.url(servers.OWNER)

from governance.audit import signing  # noqa: E402  It needs no settings.
from governance.connections import sealing  # noqa: E402  Nor does this.

os.environ["SEALING_PUBLIC_KEY"], os.environ["SEALING_PRIVATE_KEY"] = sealing.make_keys()
os.environ["AUDIT_SIGNING_KEY"] = signing.make_key()
# Where a test wants files, it names a folder of its own.
os.environ["CHECKPOINTS_DIR"] = "none"

import django  # noqa: E402

django.setup()

import pytest  # noqa: E402
from django.conf import settings as django_settings  # noqa: E402
from django.core.management.commands import flush  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.backends.postgresql.operations import DatabaseOperations  # noqa: E402

# A password is hashed for each person of the cast; tests prove no hasher.
django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# --- the servers ----------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    """With `-n`, let each of the processes that run the tests make its own settings."""
    for name in set(os.environ) - set(GIVEN):
        del os.environ[name]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with what takes long: with `-n`, the rest is shared out while it runs."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_sessionstart(session):
    # With `-n`, the first process runs none.
    runs_none = session.config.option.dist != "no" and not hasattr(session.config, "workerinput")
    if not session.config.option.collectonly and not runs_none:
        temporary.valkey.start()


@pytest.fixture(scope="session")
def django_db_keepdb():
    """The database goes with its server: whoever is still connected is in nobody's way."""
    return OWN_SERVER


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """Start the database, and let the owner make the tables."""
    if OWN_SERVER:
        temporary.postgres.start()
        temporary.postgres.prepare()
    _become(os.environ.get("MIGRATION_DATABASE_URL") or os.environ["DATABASE_URL"])


def _become(url):
    """Let the one connection of these tests speak as the role that `url` names."""
    from governance import settings as module

    found = module._database(url)
    for name in ("USER", "PASSWORD", "HOST", "PORT"):
        connection.settings_dict[name] = found[name]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Migrate as the owner, then speak as the application, which may act on what it was granted."""
    role = django_settings.DATABASE_APPLICATION_ROLE
    options = connection.settings_dict["OPTIONS"]
    before = options["options"]
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            _remember_rows(cursor)
        connection.close()
        if role:
            options["options"] = f"{before} -c role={role}"

        yield

        connection.close()
        options["options"] = before


@contextlib.contextmanager
def as_the_owner(cursor):
    """For the length of a block, do what the application may not."""
    role = django_settings.DATABASE_APPLICATION_ROLE
    cursor.execute("SET ROLE NONE")
    try:
        yield
    finally:
        if role:
            cursor.execute(f"SET ROLE {connection.ops.quote_name(role)}")


_ENABLED = {"A": "ENABLE ALWAYS", "O": "ENABLE", "R": "ENABLE REPLICA"}
_rows_of_the_migrations = {}


def _remember_rows(cursor):
    """Keep what the migrations themselves wrote: an emptied database must be a migrated one."""
    for table in sorted(connection.introspection.table_names(cursor)):
        name = connection.ops.quote_name(table)
        with cursor.copy(f"COPY {name} TO STDOUT") as copied:
            rows = b"".join(copied)
        if rows and table != "django_migrations":
            _rows_of_the_migrations[name] = rows


def _flush_as_the_owner(operations, sql_list):
    """Empty the tables after a transactional test, past the triggers that refuse to.

    They answer TRUNCATE too, whatever `session_replication_role` says: so they are lifted by the
    owner for the length of this one transaction.
    """
    using = operations.connection.alias
    with (
        transaction.atomic(using=using),
        operations.connection.cursor() as cursor,
        as_the_owner(cursor),
    ):
        cursor.execute(
            "SELECT tgrelid::regclass::text, quote_ident(tgname), tgenabled::text"
            " FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 = 32 AND tgenabled <> 'D'"
        )
        refusing = cursor.fetchall()
        for table, trigger, _ in refusing:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        for statement in sql_list:
            cursor.execute(statement)
        for table, rows in _rows_of_the_migrations.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copied:
                copied.write(rows)
        for table, trigger, enabled in refusing:
            cursor.execute(f"ALTER TABLE {table} {_ENABLED[enabled]} TRIGGER {trigger}")


DatabaseOperations.execute_sql_flush = _flush_as_the_owner
# The rows it would make again are restored above, and it would run as the application.
flush.emit_post_migrate_signal = lambda *_, **__: None


@pytest.fixture(autouse=True)
def _empty_broker():
    """No test finds what another left in the broker, the cache or the budget."""
    import redis

    from governance.core import nudges

    with redis.Redis(unix_socket_path=str(temporary.valkey.socket)) as client:
        client.flushall()
    nudges.listen_again()


@pytest.fixture
def redis_url():
    """The session's Valkey, emptied before each test; `redis+socket://`, as Celery writes it."""
    return temporary.valkey.url


# --- time and the cast ----------------------------------------------------------------------------


@pytest.fixture
def now():
    """An instant for tests that need one and do not care which."""
    return datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def make_user(db):
    """Somebody who signs in here: `make_user("erin", "viewer", scoped=True)`."""
    from governance.accounts.models import User

    def make(name, *roles, **fields):
        return User.objects.create_user(
            f"{name}@example.com",
            password=f"{name}-pass-phrase",
            name=name.title(),
            roles=list(roles),
            **fields,
        )

    return make


@pytest.fixture
def alice(make_user):
    """Admin."""
    return make_user("alice", "admin")


@pytest.fixture
def bob(make_user):
    """Viewer of everything."""
    return make_user("bob", "viewer")


@pytest.fixture
def carol(make_user):
    """Auditor."""
    return make_user("carol", "auditor")


@pytest.fixture
def olga(make_user):
    """Operator."""
    return make_user("olga", "operator")


@pytest.fixture
def dave(make_user):
    """Viewer of some projects only; none, until a test names them in `dave.projects`."""
    return make_user("dave", "viewer", scoped=True)


@pytest.fixture
def mallory(make_user):
    """Signs in, and may do nothing."""
    return make_user("mallory")


@pytest.fixture
def client_of():
    """A signed-in browser: `client_of(bob).get("/people/")`."""
    from django.test import Client

    def signed_in(user, **settings):
        client = Client(**settings)
        client.force_login(user)
        return client

    return signed_in


# --- what pages and actions do --------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch):
    """The nudges sent so far, as (task name, kwargs); the broker hears none of them."""
    from governance.celery import app

    nudges = []
    monkeypatch.setattr(
        app, "send_task", lambda name, kwargs=None, **_: nudges.append((name, kwargs or {}))
    )
    return nudges


@pytest.fixture
def queries_of(db):
    """The SQL that a call runs: `queries_of(lambda: client.get("/people/"))`."""
    from django.test.utils import CaptureQueriesContext

    def run(call):
        with CaptureQueriesContext(connection) as captured:
            call()
        return [query["sql"] for query in captured.captured_queries]

    return run


@pytest.fixture
def assert_same_cost(queries_of):
    """`assert_same_cost(grow, call)`: `call` takes as many queries with more data as with less."""
    from governance.inventory.queries.newest import memory

    def check(grow, call):
        call()  # first-time costs: sessions, content types
        memory.forget()  # nothing is counted already, before or after
        little = queries_of(call)
        grow()
        memory.forget()
        much = queries_of(call)
        assert len(much) == len(little), "\n".join(much)

    return check


# --- a pretend Scalingo ---------------------------------------------------------------------------


@pytest.fixture
def world():
    """The demo company as a pretend Scalingo, at the end of its year."""
    from governance.emulator import World

    return World(company="demo", anchor=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def transport(world):
    """What a `scalingo.Client` takes to speak to `world` without a socket."""
    import httpx

    from governance.emulator import wsgi

    return httpx.WSGITransport(app=wsgi(world))
