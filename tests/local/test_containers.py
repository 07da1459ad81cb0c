"""docker-compose.yml, as far as it can be judged without Docker: who is given which secret.

The SQL of its `roles` is run, on the PostgreSQL of the tests.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from governance.local import servers
from governance.local.temporary import Temporary

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
RUNS_FOR_GOOD = {"web", "worker-interactive", "worker-sweep", "beat"}


def _volumes(name):
    return {volume.partition(":")[0] for volume in SERVICES[name].get("volumes", [])}


def _environment(name):
    return set(SERVICES[name].get("environment", {}))


def test_only_workers_hold_the_key_that_opens_tokens():
    holders = {name for name in SERVICES if "keys-workers" in _volumes(name)}

    assert holders == {"worker-interactive", "worker-sweep", "demo", "keys"}
    for name in RUNS_FOR_GOOD - holders:
        assert not any("PRIVATE" in variable for variable in _environment(name))


def test_only_the_migration_owns_the_tables():
    holders = {name for name in SERVICES if "keys-owner" in _volumes(name)}

    assert holders == {"migrate", "keys"}


def test_nothing_can_write_the_keys_but_what_makes_them():
    for name in set(SERVICES) - {"keys"}:
        for volume in SERVICES[name].get("volumes", []):
            assert not volume.startswith("keys-") or volume.endswith(":ro"), (name, volume)


def test_the_pages_are_on_this_machine_alone():
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert published == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_the_emulator_is_there_only_when_asked_for():
    assert {name for name, one in SERVICES.items() if one.get("profiles")} == {"demo", "emulator"}


@pytest.mark.parametrize("name", sorted(RUNS_FOR_GOOD))
def test_what_runs_for_good_has_no_rights_it_does_not_need(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["restart"] == "unless-stopped"


def test_every_variable_is_one_that_the_code_reads():
    documented = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    names = {
        variable.removesuffix("_FILE")
        for service in ("web", "worker-sweep", "beat", "migrate", "demo")
        for variable in _environment(service)
    }

    assert names <= set(re.findall(r"^\| `([A-Z_]+)` \|", documented, flags=re.MULTILINE))


# Mail is sent by workers, and the address of its server holds a password.
_FOR_WORKERS = {"CHECKPOINT_MAIL", "MAIL_FROM", "MAIL_URL"}


def _for_compose():
    """What `.env.example` says may be put into a file `.env` beside docker-compose.yml."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    sections = re.split(r"^# --- (.*) ---$", text, flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    others = {name for name in found if re.match(r"must be set|not for compose|`make run`", name)}
    assert len(others) == 3
    return {
        name
        for section in found.keys() - others
        for name in re.findall(r"^#([A-Z_]+)=", found[section], flags=re.MULTILINE)
    }


@pytest.mark.parametrize("service", sorted(RUNS_FOR_GOOD))
def test_what_may_be_set_is_passed_on(service):
    passed = {
        name
        for name, value in SERVICES[service]["environment"].items()
        if str(value).startswith(f"${{{name}:-")
    }
    missing = _for_compose() - passed

    assert len(passed) > 20
    assert missing == (set() if service.startswith("worker") else _FOR_WORKERS)


def test_web_is_told_that_there_is_a_mail_server_and_not_which():
    web = SERVICES["web"]["environment"]

    assert web["MAIL_IS_SET"] == "${MAIL_URL:+true}"
    assert "MAIL_URL" not in web


def test_the_image_installs_by_hash_and_runs_as_nobody_special():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert "--require-hashes -r /tmp/requirements.lock" in dockerfile
    last = re.findall(r"^USER (\S+)", dockerfile, flags=re.MULTILINE)[-1]
    assert int(last.partition(":")[0]) > 0


def test_secrets_and_data_stay_out_of_the_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "*" in ignored  # everything, but for:
    assert {line for line in ignored if line.startswith("!")} == {
        *("!governance", "!templates", "!static"),
        *("!manage.py", "!pyproject.toml", "!requirements.lock"),
    }


# --- the two roles --------------------------------------------------------------------------------

# A first reading by the application's role: what it finds is copied into temporary tables.
_SYNC = """
import django
django.setup()
from tests.sync.company import unread_company
company = unread_company()
run = company.sync()
assert run.state == "complete", company.problems()
assert company.known() == company.truth()
"""


@pytest.fixture
def roles():
    """A PostgreSQL on which the script of `roles` was run; the addresses of its two roles."""
    temporary = Temporary()
    try:
        temporary.postgres.start()
        _run_roles(temporary.postgres)
        yield {
            "DATABASE_URL": temporary.postgres.url("governance_app", "governance"),
            "MIGRATION_DATABASE_URL": temporary.postgres.url("governance_owner", "governance"),
        }
    finally:
        temporary.stop()


def _run_roles(postgres):
    (script,) = SERVICES["roles"]["command"]
    found = re.search(r"<<'SQL'\n(.*)^SQL$", script, flags=re.DOTALL | re.MULTILINE)
    psql = [servers.postgres_binaries() / "psql", "--quiet", "--no-psqlrc"]
    variables = ["-v", "ON_ERROR_STOP=1", "-v", "owner=one", "-v", "application=two"]
    subprocess.run(
        [*psql, *variables, postgres.url("postgres", "postgres")],
        input=found[1].replace("$$", "$"),
        text=True,
        check=True,
        timeout=60,
    )


@pytest.mark.long
def test_the_application_of_compose_can_write_what_a_sync_finds(roles):
    for command in (["manage.py", "migrate", "--verbosity=0"], ["-c", _SYNC]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **roles},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
