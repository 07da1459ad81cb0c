"""The servers that we start ourselves: also after kill -9, deep down, as root and not."""

import os
import signal
import subprocess
import sys
import textwrap

import psycopg
import pytest
import redis

from governance.local import processes, servers
from governance.local.servers import CannotStart, Postgres, Valkey


@pytest.fixture
def sockets():
    folder = servers.private_folder()
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture
def make_postgres(tmp_path, sockets):
    """A PostgreSQL in a folder of this test; stopped at its end."""
    made = []

    def make(data=None):
        made.append(Postgres(data or tmp_path / "pg", sockets, tmp_path / "pg.log", fast=True))
        return made[-1]

    yield make
    for postgres in made:
        postgres.clear_leftovers()
        postgres.stop()


@pytest.fixture
def make_valkey(tmp_path, sockets):
    made = []

    def make():
        made.append(Valkey(sockets, tmp_path / "valkey.pid", tmp_path / "valkey.log"))
        return made[-1]

    yield make
    for valkey in made:
        valkey.clear_leftovers()
        valkey.stop()


def _ask(postgres, role, statement):
    with psycopg.connect(postgres.url(role), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def test_the_application_cannot_make_tables_and_the_owner_can(make_postgres):
    postgres = make_postgres()
    postgres.start()
    postgres.prepare()

    _ask(postgres, servers.OWNER, "CREATE TABLE kept (word text)")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _ask(postgres, servers.APPLICATION, "CREATE TABLE mine (word text)")


def test_preparing_twice_changes_nothing(make_postgres):
    postgres = make_postgres()
    postgres.start()
    postgres.prepare()
    _ask(postgres, servers.OWNER, "CREATE TABLE kept (word text)")

    postgres.prepare()

    assert _ask(postgres, servers.OWNER, "SELECT count(*) FROM kept") == (0,)


def test_it_works_below_a_very_long_path_that_only_its_owner_may_enter(make_postgres, tmp_path):
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    deep.parent.chmod(0o700)
    postgres = make_postgres(deep / "pg")

    postgres.start()

    assert len(str(postgres.sockets / ".s.PGSQL.5432")) < 100
    postgres.prepare()
    assert _ask(postgres, servers.APPLICATION, "SELECT 1") == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_as_root_it_works_where_the_kernel_refuses_user_namespaces(
    make_postgres, tmp_path, monkeypatch
):
    works = servers._works
    monkeypatch.setattr(
        servers, "_works", lambda command: command[0] != "unshare" and works(command)
    )
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    postgres = make_postgres(hidden / "pg")

    postgres.start()

    assert servers.as_somebody_else(postgres.data, servers.postgres_binaries())[0] == "setpriv"
    assert postgres.data.stat().st_uid != 0
    postgres.prepare()
    assert _ask(postgres, servers.APPLICATION, "SELECT 1") == (1,)


def test_data_of_another_version_are_not_touched(make_postgres):
    postgres = make_postgres()
    postgres.start()
    postgres.stop()
    (postgres.data / "PG_VERSION").write_text("14\n", encoding="utf-8")

    with pytest.raises(CannotStart, match="was made by PostgreSQL 14"):
        postgres.start()


def test_what_keeps_it_from_starting_is_said(make_postgres):
    postgres = make_postgres()
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = 1\n", encoding="utf-8")

    with pytest.raises(CannotStart, match="no_such_setting"):
        postgres.start()
    assert postgres.process is None


def test_a_folder_without_postgresql_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))

    with pytest.raises(CannotStart, match="POSTGRES_BIN names"):
        servers.postgres_binaries()


_KILLED = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, {root!r})
    from governance.local.servers import Postgres, Valkey
    folder, sockets = Path({folder!r}), Path({sockets!r})
    postgres = Postgres(folder / "pg", sockets, folder / "pg.log", fast=True)
    postgres.start()
    postgres.prepare()
    valkey = Valkey(sockets, folder / "valkey.pid", folder / "valkey.log")
    valkey.start()
    import psycopg
    with psycopg.connect(postgres.url("governance_owner"), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'yes' AS word")
    print(postgres.process.pid, valkey.process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_after_kill_9_the_next_start_ends_what_was_left_and_keeps_the_data(
    make_postgres, make_valkey, tmp_path, sockets
):
    root = str(servers.Path(__file__).resolve().parents[2])
    code = textwrap.dedent(_KILLED).format(root=root, folder=str(tmp_path), sockets=str(sockets))
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = [int(pid) for pid in killed.stdout.split()]
    assert all(processes.began(pid) for pid in left)  # nobody stopped them

    postgres, valkey = make_postgres(), make_valkey()
    postgres.start()
    valkey.start()

    assert not any(processes.began(pid) for pid in left)
    assert _ask(postgres, servers.OWNER, "SELECT word FROM kept") == ("yes",)
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        assert client.ping()


def test_the_server_itself_may_be_killed(make_postgres):
    postgres = make_postgres()
    postgres.start()
    postgres.process.kill()
    postgres.process.wait()
    assert postgres.exit_code() == -signal.SIGKILL

    postgres.ended()
    postgres.start()

    postgres.prepare()
    assert _ask(postgres, servers.APPLICATION, "SELECT 1") == (1,)


def test_a_second_valkey_on_the_same_path_ends_the_first(make_valkey):
    first, second = make_valkey(), make_valkey()
    first.start()

    second.start()

    assert first.exit_code() is not None
    assert second.exit_code() is None


def test_nobody_else_may_use_the_sockets(make_valkey):
    valkey = make_valkey()

    valkey.start()

    assert valkey.sockets.stat().st_mode & 0o077 == 0
