"""docker-compose.yml, as far as it can be judged without Docker: who is given which secret."""

import re
from pathlib import Path

import pytest
import yaml

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
