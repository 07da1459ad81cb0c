"""What each process can know from its environment."""

import pytest

from governance.local.environments import Environments
from governance.local.keys import Keys


@pytest.fixture
def environments(monkeypatch):
    secrets = ("SCALINGO_API_TOKEN", "MIGRATION_DATABASE_URL", "SEALING_PRIVATE_KEY")
    for name in (*secrets, "AUDIT_SIGNING_KEY"):
        monkeypatch.setenv(name, f"from the shell: {name}")
        monkeypatch.setenv(f"{name}_FILE", "/from/the/shell")
    keys = Keys("signs cookies", "seals", sealing_private="opens", audit_signing="witnesses")
    return Environments(
        keys=keys,
        database_url="postgresql://app@/x",
        migration_database_url="postgresql://owner@/x",
        redis_url="redis://x",
        extra={"SCALINGO_HOSTS": "127.0.0.1"},
    )


def test_the_web_process_can_seal_and_knows_no_other_secret(environments):
    web = environments.web()

    assert web["SEALING_PUBLIC_KEY"] == "seals"
    assert not {"opens", "witnesses"} & set(web.values())
    assert "postgresql://owner@/x" not in web.values()
    assert not [value for value in web.values() if "from the shell" in value]
    assert not [value for value in web.values() if value == "/from/the/shell"]


def test_a_worker_opens_tokens_and_owns_no_table(environments):
    worker = environments.worker()

    assert worker["SEALING_PRIVATE_KEY"] == "opens"
    assert worker["AUDIT_SIGNING_KEY"] == "witnesses"
    assert "MIGRATION_DATABASE_URL" not in worker
    assert "SCALINGO_API_TOKEN" not in worker


def test_a_migration_owns_the_tables_and_opens_no_token(environments):
    migration = environments.migration()

    assert migration["MIGRATION_DATABASE_URL"] == "postgresql://owner@/x"
    assert not {"SEALING_PRIVATE_KEY", "AUDIT_SIGNING_KEY"} & set(migration)


def test_with_one_role_nobody_is_told_of_another(environments):
    alone = Environments(environments.keys, "postgresql://only@/x", "", "redis://x")

    assert "MIGRATION_DATABASE_URL" not in alone.migration()


def test_what_a_person_chose_stays(environments, monkeypatch):
    monkeypatch.setenv("HTTPS", "true")
    monkeypatch.setenv("SITE_NAME", "Ours")

    assert environments.web()["HTTPS"] == "true"
    assert environments.web()["SITE_NAME"] == "Ours"


def test_secrets_are_not_in_the_repr(environments):
    assert "owner" not in repr(environments)
    assert "opens" not in repr(environments)
