"""Every kind that is recorded has a sentence, and every sentence can be said."""

import ast
import uuid
from pathlib import Path

import pytest

from governance.audit import actions
from governance.audit.events import Source
from governance.audit.models import Event
from governance.audit.sentences import SENTENCES, sentence
from governance.celery import app as queue

ROOT = Path(__file__).resolve().parents[2]
RECORDING = {"record", "record_refusal", "Entry"}


def _name(function):
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(node):
    """The literal texts that an expression may be: `a if … else b` is two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return set()


def recorded_kinds():
    """Every literal kind, by where it is recorded: "governance/…/actions.py:12"."""
    for path in (ROOT / "governance").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if _name(call.func) not in RECORDING:
                continue
            given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "kind")]
            for node in given[:1]:
                for text in _texts(node):
                    yield text, f"{path.relative_to(ROOT)}:{call.lineno}"


def words_like_kinds():
    """Every text in the code with the look of a kind, such as those that SQL or a variable holds.

    The names of tasks look alike; they are not kinds.
    """
    queue.loader.import_default_modules()
    families = {kind.partition(".")[0] for kind in SENTENCES}
    for path in (ROOT / "governance").rglob("*.py"):
        if {"emulator", "scalingo", "local", "migrations"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                family, dot, verb = node.value.partition(".")
                is_kind = dot and family in families and verb.isidentifier()
                if is_kind and node.value not in queue.tasks:
                    yield node.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_kind_that_is_recorded_has_a_sentence():
    found = list(recorded_kinds())

    assert {kind for kind, _ in found} >= {"user.created", "user.roles_changed", "user.signed_out"}
    assert [(kind, where) for kind, where in found if kind not in SENTENCES] == []


def test_no_kind_hides_in_a_variable_without_a_sentence():
    found = list(words_like_kinds())

    assert {kind for kind, _ in found} >= {"user.activated", "personal.erased"}
    assert [(kind, where) for kind, where in found if kind not in SENTENCES] == []


@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_every_sentence_can_be_said_and_ends_like_one(log, kind):
    event = Event.objects.first()
    event.kind = kind

    said = sentence(event, names={})

    assert said.endswith(".")
    assert "{" not in said


def test_it_names_whom_it_can_and_says_what_is_not_known(alice, now):
    app, person = uuid.uuid4(), uuid.uuid4()
    for data in ({"before": "limited", "after": "collaborator"}, {}):
        actions.record(
            "platform.role_changed", by=None, source=Source.PLATFORM, at=now, app_id=app,
            person_id=person, data=data,
        )  # fmt: skip
    known, unknown = Event.objects.order_by("sequence")
    names = {app: "billing-api", person: "Ana"}

    assert sentence(known, names=names) == (
        "The role of Ana on billing-api changed from limited to collaborator."
    )
    assert sentence(unknown, names=names) == (
        "The role of Ana on billing-api changed from (not known) to (not known)."
    )


def test_data_cannot_speak_for_the_ids(alice, now):
    actions.record(
        "user.signed_in", by=alice, source=Source.PAGE, at=now, data={"actor": "{person}"}
    )

    assert sentence(Event.objects.get(), names={alice.pk: "Alice {app}"}) == (
        "Alice {app} signed in."
    )


def test_a_kind_of_a_later_version_is_shown_as_it_is(log):
    event = Event.objects.first()
    event.kind = "review.item.decided"

    assert sentence(event, names={}) == "review.item.decided"
