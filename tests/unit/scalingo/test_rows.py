"""One row: what may be missing, what must be there, what never enters."""

import json
from datetime import UTC, datetime

import pytest

from governance.scalingo import NotUnderstood, Problem

from .scripts import PARIS, collaborator


@pytest.fixture
def read_row(read):
    """The one row of an answer that has this row and, so that it is not alone, a good one."""

    def read_row(**changes):
        listing = read({"collaborators": [collaborator(id="good"), collaborator(**changes)]})
        assert not listing.problems
        return list(listing)[1]

    return read_row


@pytest.mark.parametrize(
    ("said", "meant"), [(True, True), (False, False), (None, None), (..., None), ("true", None)]
)
def test_2fa_is_on_off_or_unknown(read_row, said, meant):
    assert read_row(tfa_status=said).two_factor is meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        (None, None),
        (..., None),
        ("yes", None),
        (1, None),
        ([], None),
    ],
)
def test_the_role_is_limited_or_not_or_unknown(read_row, said, meant):
    assert read_row(is_limited=said).is_limited is meant


@pytest.mark.parametrize(
    ("said", "meant"), [("us-1", "us-1"), ("", None), (None, None), (..., None)]
)
def test_a_person_without_an_account_has_no_user_id(read_row, said, meant):
    assert read_row(user_id=said).user_id == meant


@pytest.mark.parametrize("said", ["pending", "user account deleted", "on holiday", ""])
def test_the_status_is_kept_word_for_word(read_row, said):
    assert read_row(status=said).status == said


@pytest.mark.parametrize(
    ("changes", "name", "meant"),
    [
        ({"username": None}, "username", ""),
        ({"username": ...}, "username", ""),
        ({"app_name": ...}, "app_name", ""),
        ({"status": ...}, "status", ""),
        ({"status": 3}, "status", ""),
    ],
)
def test_what_is_not_said_is_empty(read_row, changes, name, meant):
    assert getattr(read_row(**changes), name) == meant


@pytest.mark.parametrize("field", ["id", "email", "app_id"])
@pytest.mark.parametrize("value", [..., None, "", 7, ["x"], {}])
def test_a_row_that_cannot_be_placed_is_a_problem_of_its_app(read, field, value):
    good = collaborator(app_id="app2")

    listing = read({"collaborators": [good, collaborator(**{field: value}), good | {"id": "c9"}]})

    (problem,) = listing.problems
    assert problem.row == 1
    assert problem.field == field
    assert problem.app_id == (None if field == "app_id" else "app1")
    assert [row.id for row in listing] == ["c1", "c9"]
    assert listing.doubtful_apps == ({"app1"} if field != "app_id" else set())


@pytest.mark.parametrize("value", [7, True, ["us-1"], {"id": "us-1"}])
def test_who_it_is_is_never_guessed(read, value):
    listing = read({"collaborators": [collaborator(user_id=value)]})

    assert listing.problems == [Problem(0, "app1", "user_id", "is not a text")]


@pytest.mark.parametrize("row", [None, 1, "x", [], [collaborator()], True])
def test_a_row_that_is_no_object_is_a_problem(read, row):
    listing = read({"collaborators": [collaborator(), row]})

    assert listing.problems == [Problem(1, None, "", "is not an object")]
    assert len(listing) == 1


@pytest.mark.parametrize("changes", [{}, {"username": "other", "is_limited": True}])
def test_an_id_that_comes_twice_in_an_app_puts_the_app_in_doubt(read, changes):
    rows = [collaborator(), collaborator(app_id="app2"), collaborator(**changes)]

    listing = read({"collaborators": rows})

    assert [problem.app_id for problem in listing.problems] == ["app1"]
    assert listing.problems[0].field == "id"


def test_the_same_id_in_two_apps_is_no_problem(read):
    rows = [collaborator(), collaborator(app_id="app2")]

    assert not read({"collaborators": rows}).problems


def test_a_row_of_another_app_puts_the_app_that_was_asked_for_in_doubt(client, script):
    rows = [collaborator(), collaborator(id="c2", app_id="app2")]
    script.body("/v1/apps/app1/collaborators", json.dumps({"collaborators": rows}).encode())

    listing = client.collaborators_of(PARIS, "app1")

    assert [row.id for row in listing] == ["c1"]
    assert [(p.row, p.app_id, p.field) for p in listing.problems] == [(1, "app1", "app_id")]


def test_fields_that_we_do_not_know_are_accepted_and_named_once(read):
    rows = [collaborator(id=f"c{n}", expires_at=None, sso=True) for n in range(50)]

    listing = read({"collaborators": rows, "etag": "x"})

    assert listing.unknown_fields == {"expires_at", "sso"}
    assert len(listing) == 50


def test_a_number_beyond_all_measure_in_a_field_that_we_do_not_know_does_no_harm(read):
    rows = [collaborator(weight="@"), collaborator(id="c2", username=None)]
    body = json.dumps({"collaborators": rows}).replace('"@"', "1e999").encode()

    listing = read(body)

    assert [row.id for row in listing] == ["c1", "c2"]
    assert not listing.problems


def test_values_that_were_read_as_unknown_are_counted(read):
    rows = [collaborator(id="c1", tfa_status="true"), collaborator(id="c2", tfa_status=1)]

    assert read({"collaborators": rows}).odd_values == {"tfa_status": 2}


HOSTILE = [
    "},{",
    '"},{"',
    '\\"}],"collaborators":[{',
    "]}",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a\u0000b",
    "line\nbreak\ttab\r",
    "\u202eevil\u2028",
    "\uff21\uff44\uff41 İı ﷺ 👩‍👩‍👧",
    "DEV@EXAMPLE.ORG",
    " padded ",
    "'; drop table person; --",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_hostile_texts_are_kept_as_they_are(read, text, ascii_only):
    row = collaborator(email=text, username=text, app_name=text, status=text, user_id=text)
    body = json.dumps({"collaborators": [row] * 1}, ensure_ascii=ascii_only).encode()

    (kept,) = read(body)

    assert (kept.email, kept.username, kept.app_name, kept.status) == (text,) * 4
    assert kept.user_id == text


def test_the_invitation_link_has_nowhere_to_go(read):
    link = "https://my.scalingo.com/apps/collaboration?token=" + "ab" * 20
    rows = [
        collaborator(invitation_link=link),
        collaborator(id="c2", invitation_link=link, is_limited="true"),
        collaborator(id="c3", invitation_link=link, email=None),
    ]

    listing = read({"collaborators": rows})

    everything = repr(list(listing)) + repr(listing.problems) + repr(vars(listing))
    assert "token" not in everything
    assert "ab" * 20 not in everything
    listing._file.seek(0)
    assert b"ab" * 20 not in listing._file.read()


def app(**changes):
    row = {
        "id": "app1",
        "name": "billing",
        "owner": {"id": "us-1", "email": "olivia@example.org", "username": "olivia", "flags": {}},
        "project": {"id": "prj-1", "name": "default"},
        "parent_app_name": "",
        "hds_resource": False,
        "created_at": "2020-05-29T15:50:37.066Z",
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


@pytest.fixture
def read_apps(client, script):
    def read_apps(*rows):
        script.body("/v1/apps", json.dumps({"apps": rows}).encode())
        return client.apps(PARIS)

    return read_apps


@pytest.mark.parametrize(
    ("changes", "name", "meant"),
    [
        ({"project": ...}, "project_id", None),
        ({"project": None}, "project_name", None),
        ({"project": "default"}, "project_name", None),
        ({"hds_resource": ...}, "health_data", None),
        ({"hds_resource": True}, "health_data", True),
        ({"hds_resource": "yes"}, "health_data", None),
        ({"parent_app_name": None}, "parent_name", ""),
        ({"parent_app_name": "billing"}, "parent_name", "billing"),
        ({"created_at": "yesterday"}, "created_at", None),
        ({"created_at": 5}, "created_at", None),
        ({"owner": {"id": "us-9"}}, "owner_email", ""),
    ],
)
def test_of_an_app_only_its_id_name_and_owner_are_needed(read_apps, changes, name, meant):
    listing = read_apps(app(**changes))

    (found,) = listing
    assert getattr(found, name) == meant
    assert not listing.problems


@pytest.mark.parametrize(
    "said",
    [
        "2020-05-29T15:50:37.066Z",
        "2020-05-29T17:50:37.066+02:00",
        "2020-05-29T15:50:37.066",
        "2020-05-29 15:50:37.066+00:00",
    ],
)
def test_times_of_any_zone_are_the_same_instant(read_apps, said):
    (found,) = read_apps(app(created_at=said))

    assert found.created_at == datetime(2020, 5, 29, 15, 50, 37, 66_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "field", "app_id"),
    [
        ({"id": ...}, "id", None),
        ({"name": None}, "name", "app1"),
        ({"owner": ...}, "owner", "app1"),
        ({"owner": {"email": "x@y"}}, "owner", "app1"),
        ({"owner": "us-1"}, "owner", "app1"),
    ],
)
def test_an_app_that_cannot_be_placed_is_a_problem(read_apps, changes, field, app_id):
    listing = read_apps(app(id="app0"), app(**changes))

    (problem,) = listing.problems
    assert (problem.row, problem.field, problem.app_id) == (1, field, app_id)


def test_an_app_listed_twice_is_in_doubt(read_apps):
    listing = read_apps(app(), app(id="app2"), app(name="renamed"))

    assert listing.doubtful_apps == {"app1"}


def test_a_listing_that_is_all_nonsense_is_not_a_listing(read):
    with pytest.raises(NotUnderstood):
        read({"collaborators": [{}] * 10_001})


def event(**changes):
    row = {
        "id": "e1",
        "created_at": "2026-03-02T09:14:05.120Z",
        "type": "change_collaborator_role",
        "app_id": "app1",
        "app_name": "billing",
        "user": {"id": "us-1", "username": "jane", "email": "jane@example.org"},
        "type_data": {"collaborator": {"id": "c1", "email": "dev@example.org", "is_limited": True}},
    }
    row.update(changes)
    return {name: value for name, value in row.items() if value is not ...}


@pytest.fixture
def read_events(client, script):
    def read_events(*rows):
        script.body("/v1/apps/app1/events", json.dumps({"events": rows}).encode())
        return client.events(PARIS, "app1")

    return read_events


def test_events_of_types_not_let_in_stay_out(read_events):
    listing = read_events(event(), event(id="e2", type="deployment", type_data={"secret": "s"}))

    assert [one.id for one in listing] == ["e1"]
    assert listing.left_out == 1


@pytest.mark.parametrize("type_", ["edit_collaborator", "delete_collaborator"])
def test_events_with_the_type_that_the_documentation_prints_are_read(read_events, type_):
    (one,) = read_events(event(type=type_))

    assert (one.type, one.collaborator_email, one.is_limited) == (type_, "dev@example.org", True)


@pytest.mark.parametrize(
    ("type_", "what"),
    [
        ("new_variable", "variables_added"),
        ("edit_variable", "variables_changed"),
        ("delete_variable", "variables_removed"),
    ],
)
def test_an_event_of_a_variable_says_who_when_and_its_name_and_no_more(read_events, type_, what):
    value = "hunter2-" * 3
    data = {"name": "KEY", "value": value, "old_value": value, "collaborator": {"email": value}}

    (one,) = read_events(event(type=type_, type_data=data))

    assert one.actor_email == "jane@example.org"
    names = (one.variables_added, one.variables_changed, one.variables_removed)
    assert sorted(names) == [(), (), ("KEY",)]
    assert getattr(one, what) == ("KEY",)
    assert value not in repr(one)


def test_an_event_of_several_variables_says_their_names_and_no_more(read_events):
    value = "hunter2-" * 3
    data = {
        "new_vars": [{"name": "NEW", "value": value}],
        "updated_vars": [{"name": "ONE", "value": value, "old_value": value}, {"name": "TWO"}],
        "deleted_vars": [{"name": "GONE", "value": value}],
        "name": value,
    }

    (one,) = read_events(event(type="edit_variables", type_data=data))

    assert one.variables_changed == ("ONE", "TWO")
    assert (one.variables_removed, one.variables_added) == (("GONE",), ("NEW",))
    assert value not in repr(one)


@pytest.mark.parametrize(
    "data", [None, "KEY", [], {"name": 7}, {"name": ""}, {"updated_vars": "KEY"}, {"new_vars": [7]}]
)
@pytest.mark.parametrize("type_", ["edit_variable", "edit_variables"])
def test_an_event_of_a_variable_without_a_name_is_still_one(read_events, type_, data):
    (one,) = read_events(event(type=type_, type_data=data))

    assert one.variables_changed == one.variables_removed == one.variables_added == ()


@pytest.mark.parametrize(
    ("changes", "name", "meant"),
    [
        ({"user": ...}, "actor_id", None),
        ({"user": None}, "actor_email", ""),
        ({"type_data": ...}, "collaborator_email", ""),
        ({"type_data": {"collaborator": None}}, "collaborator_id", None),
        ({"type_data": {"collaborator": {"is_limited": "false"}}}, "is_limited", False),
    ],
)
def test_events_may_say_little(read_events, changes, name, meant):
    (one,) = read_events(event(**changes))

    assert getattr(one, name) == meant


@pytest.mark.parametrize("changes", [{"id": ...}, {"type": 3}, {"created_at": "soon"}])
def test_an_event_without_its_kind_or_time_is_a_problem(read_events, changes):
    listing = read_events(event(**changes))

    assert len(listing) == 0
    assert len(listing.problems) == 1
