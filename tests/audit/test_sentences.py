"""Every kind that is recorded has a sentence, and every sentence can be said."""

import ast
import re
import uuid
from pathlib import Path

import pytest
from django.urls import URLResolver, get_resolver

from governance.accounts import models as accounts
from governance.audit import actions, words
from governance.audit.events import Entry, Source
from governance.audit.models import Event
from governance.audit.sentences import SENTENCES, sentence
from governance.celery import app as queue
from governance.changes import models as changes
from governance.connections import models as connections
from governance.dashboard.audit import asked, lines
from governance.inventory import models as inventory
from governance.reports import models as reports
from governance.reports.naming import PACK, title_of
from governance.reports.registers import REPORTS
from governance.reports.two_factor import models as two_factor
from governance.sync import models as sync

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
        "The role of Ana on billing-api changed from limited collaborator to collaborator."
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


# --- codes as words -------------------------------------------------------------------------------

ADMIN, APP, PERSON = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
NAMES = {ADMIN: "Ada Admin", APP: "billing-api", PERSON: "lim"}


@pytest.fixture
def said(db, now):
    """`said("change.placed", what="remove")`: the sentence of such an event of Ada's."""

    def say(kind, *, personal=None, erased=False, by="user", **data):
        event = Entry(
            kind=kind,
            at=now,
            source=Source.PAGE,
            actor_id=ADMIN if by == "user" else None,
            actor_kind=by,
            app_id=APP,
            person_id=PERSON,
            data=data,
        )
        (sequence,) = actions.record_many([event])
        return sentence(
            Event.objects.get(pk=sequence), names=NAMES, personal=personal, erased=erased
        )

    return say


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (
            "change.placed",
            {"what": "change_role", "role": "collaborator"},
            "Ada Admin decided: lim becomes collaborator on billing-api.",
        ),
        (
            "change.placed",
            {"what": "invite", "role": "limited"},
            "Ada Admin decided: lim is invited to billing-api as limited collaborator.",
        ),
        (
            "change.cancelled",
            {"what": "cancel"},
            "Ada Admin cancelled this: the invitation of lim to billing-api is cancelled.",
        ),
        (
            "change.cancelled",
            {"what": "invite", "role": "limited", "code": "first_came_to_nothing"},
            (
                "This is not done any more: lim is invited to billing-api as limited collaborator."
                " What had to be true first did not come true."
            ),
        ),
        (
            "change.failed",
            {"what": "remove", "code": "not_seen"},
            (
                "This did not happen: lim is removed from billing-api. Scalingo said yes, but three"
                " readings since do not show it."
            ),
        ),
        (
            "change.batch_placed",
            {"purpose": "invite_again", "changes": 2},
            "Ada Admin decided on 2 changes (invitations again), saying “(not known)”.",
        ),
        (
            "change.batch_placed",
            {"purpose": "offboard", "changes": 1},
            "Ada Admin decided on 1 change (an offboarding), saying “(not known)”.",
        ),
        (
            "connection.tested",
            {"state": "working"},
            "The connection (not known) was tested: it works.",
        ),
        (
            "two_factor.review_decided",
            {"decision": "step_down"},
            (
                "Ada Admin decided in the review of 2FA about lim: to step down to limited"
                " collaborator."
            ),
        ),
        (
            "report.downloaded",
            {"report": "access-by-app", "format": "csv", "rows": 3},
            "Ada Admin downloaded the report Access register, by app as CSV, 3 rows.",
        ),
        # A name that looks like a code stays a name, and so does a code of a later version.
        (
            "platform.app_renamed",
            {"before": "limited", "after": "owner"},
            "billing-api was renamed from limited to owner.",
        ),
        (
            "platform.two_factor_changed",
            {"before": "on", "after": "passkey"},
            "The two-factor authentication of lim changed from on to passkey.",
        ),
    ],
)
def test_codes_are_said_in_words(said, kind, data, expected):
    assert said(kind, **data) == expected


@pytest.mark.parametrize(
    ("code", "expected", "personal"),
    [
        (
            "refused",
            "This was refused: lim is removed from billing-api. Scalingo refused: “is the owner”.",
            {"said": "Scalingo refused: “is the owner”."},
        ),
        ("refused", "This was refused: lim is removed from billing-api. Scalingo refused.", {}),
        (
            "no_right",
            "This was refused: lim is removed from billing-api. The account has no right here.",
            {"said": "The account has no right here."},
        ),
        (
            "no_right",
            (
                "Scalingo was not told this: lim is removed from billing-api. No connection has the"
                " right to change who is on this app."
            ),
            {},
        ),
        (
            "under_way",
            (
                "Scalingo was not told this: lim is removed from billing-api. Zoe decided about the"
                " same person and app first."
            ),
            {"said": "Zoe"},
        ),
        (
            "under_way",
            (
                "Scalingo was not told this: lim is removed from billing-api. Somebody decided"
                " about the same person and app first."
            ),
            {},
        ),
        (
            "not_allowed",
            (
                "Scalingo was not told this: lim is removed from billing-api. Whoever decided it"
                " may not any more."
            ),
            {},
        ),
    ],
)
def test_a_refusal_says_who_refused_and_why(said, code, expected, personal):
    data = {"what": "remove", "code": code, "before": "waiting"}

    assert said("change.refused", personal=personal, by="system", **data) == expected


def test_what_scalingo_said_can_be_erased(said):
    data = {"what": "remove", "code": "refused"}

    assert said("change.refused", by="system", erased=True, **data) == (
        "This was refused: lim is removed from billing-api. (erased)"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"method": "POST", "route": "changes:offboard"}, "offboard lim"),
        ({"method": "GET", "route": "dashboard:app"}, "see the page of billing-api"),
        ({"method": "POST", "route": "dashboard:app"}, "describe billing-api"),
        ({"command": "offboard"}, "offboard lim"),
        ({"command": "of_a_later_version"}, "run the command of_a_later_version"),
    ],
)
def test_whoever_was_refused_is_said_with_what_they_tried(said, data, expected):
    assert said("user.refused", **data) == f"Ada Admin tried to {expected}, and was refused."


def test_a_page_of_another_version_is_named_as_it_is(said):
    assert said("user.refused", method="POST", route="moon:land") == (
        "Ada Admin was refused: POST moon:land."
    )


def routes(resolver, space=""):
    """The names of all pages for which one must be signed in."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(
                pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space
            )
        elif getattr(pattern.callback, "login_required", True):
            yield f"{space}{pattern.name}"


def test_every_page_has_words_for_what_was_tried_there():
    named = {route.partition(" ")[2] or route for route in words.TRIED}

    assert set(routes(get_resolver())) == {one for one in named if ":" in one}


def test_every_command_that_somebody_may_be_refused_has_words():
    refusing = {
        path.stem
        for path in (ROOT / "governance").rglob("management/commands/*.py")
        if re.search(r'"--by"|\badd_by\(|\(Acting\)', path.read_text(encoding="utf-8"))
    }
    named = {one.partition(" ")[2] for one in words.TRIED if one.startswith("command ")}

    # What plan_access shows, anybody may see who signs in here.
    assert named == refusing - {"plan_access"}


def _codes_of_changes():
    """Every code that a change may come to, as they stand in the code that moves changes."""
    for path in (ROOT / "governance" / "changes" / "actions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = _name(node.func)
                given = [k.value for k in node.keywords if k.arg in ("code", "otherwise")]
                given += node.args[1:2] if name == "Outcome" else []
                given += node.args[2:3] if name == "_end" else []
            elif isinstance(node, ast.Return) and path.name == "leasing.py" and node.value:
                given = [node.value, *getattr(node.value, "values", [])]
            else:
                continue
            for one in given:
                yield from _texts(one) - {""}


def test_every_code_of_a_change_has_a_sentence():
    found = set(_codes_of_changes())

    assert found >= {"refused", "not_seen", "under_way", "worker_lost", "not_allowed", "no_token"}
    assert found - set(words.WHY) == set()


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        (words.ROLES, inventory.Role.values),
        (words.STATUSES, inventory.Status.values),
        (words.TWO_FACTOR, inventory.TwoFactor.values),
        (words.USER_ROLES, accounts.Role.values),
        (words.CONNECTIONS, connections.State.values),
        (words.SYNCS, sync.Run.State.values),
        (words.DECISIONS, two_factor.Decision.What.values),
        (words.CHANGES, changes.Kind.values),
        (words.PURPOSES, changes.Purpose.values),
        (words.EVERY, reports.Every.values),
        (words.FORMATS, reports.Format.values),
        (words.REPORTS, [*REPORTS, PACK]),
    ],
)
def test_every_code_has_a_word(table, codes):
    assert set(table) == set(codes)


def test_reports_are_called_here_as_on_their_page():
    assert {name: str(title) for name, title in words.REPORTS.items()} == {
        name: title_of(name) for name in words.REPORTS
    }


def test_every_group_of_kinds_has_a_word_and_an_icon():
    groups = {kind.partition(".")[0] for kind, _where in recorded_kinds()}
    groups |= {kind.partition(".")[0] for kind in SENTENCES}

    assert groups - set(asked._GROUPS) == set()
    assert groups - set(lines._ICONS) == set()
