"""Manifests say which version made them."""

import tomllib
from pathlib import Path

from governance import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_version_in_manifests_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION
