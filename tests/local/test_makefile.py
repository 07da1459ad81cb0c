"""The commands that a person and the build type are there, and `make` says what they do."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))


def _texts():
    yield from ROOT.glob("*.md")
    yield from (ROOT / "docs").rglob("*.md")
    yield from [ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml"]
    yield from (ROOT / "governance").rglob("*.py")


def test_every_command_that_is_written_down_exists():
    """In running text a command stands in backticks or on a line of its own."""
    named = {
        (path.name, target)
        for path in _texts()
        for target in re.findall(
            r"(?:`|^\s*|entry: |with: )make ([a-z][a-z-]+)\b",
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    }

    assert {one for one in named if one[1] not in TARGETS} == set()
    assert ("run", "test") in named


def test_make_alone_says_what_there_is():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"^  make (\S+)", said, flags=re.MULTILINE)) == TARGETS


def test_no_file_can_take_the_place_of_a_command():
    assert set(re.findall(r"^\.PHONY: (\S+)", MAKEFILE, flags=re.MULTILINE)) == TARGETS
