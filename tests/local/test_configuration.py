"""What the code reads from the environment is what the documentation says it reads."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _calls_of_env():
    for path in (ROOT / "governance").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "env"
            ):
                yield node


def _read_by_the_code():
    return {node.args[0].value for node in _calls_of_env()}


def _defaults():
    """The default that the code gives, as one writes it in a file; None where there is none."""
    found = {}
    for node in _calls_of_env():
        given = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
        if given and isinstance(given[0], ast.Constant):
            value = given[0].value
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found.setdefault(node.args[0].value, set()).add(text)
    return found


def _documented():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([A-Z_]+)` \|", text, flags=re.MULTILINE)


def _in_the_example():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, flags=re.MULTILINE))


def test_every_variable_is_documented_once_and_no_other():
    assert sorted(_documented()) == sorted(_read_by_the_code())


def test_the_example_names_every_variable_and_no_other():
    assert set(_in_the_example()) == _read_by_the_code()


def test_no_module_reads_a_setting_of_ours_past_env():
    """`os.environ` is for tools that pass an environment on, not for reading settings."""
    names = _read_by_the_code()
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "governance").rglob("*.py")
        for name in re.findall(
            r"environ(?:\.get\(|\[)\s*[\"']([A-Z_]+)", path.read_text(encoding="utf-8")
        )
        if name in names
    ]

    assert offenders == []


def test_the_example_and_the_page_show_the_defaults_of_the_code():
    shown, page = (
        _in_the_example(),
        (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8"),
    )
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^|`]*)`? \|", page, flags=re.MULTILINE))
    given = {name: found for name, found in _defaults().items() if found != {""}}

    for name, found in given.items():
        assert found == {shown[name]}, name
        assert found == {rows[name].strip()}, name
    assert given["SYNC_EVERY"] == {"10m"}


def test_secrets_have_no_default():
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        assert _defaults().get(name, set()) <= {""}
