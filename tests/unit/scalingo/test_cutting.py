"""However an answer comes in parts, and whatever it holds, the same is read of it."""

import contextlib
import json

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings

from governance.scalingo import NotUnderstood, ScalingoError
from governance.scalingo._calls import _read_into
from governance.scalingo._cutter import Cutter
from governance.scalingo._intake import CollaboratorIntake, Intake
from governance.scalingo._listing import Listing
from governance.scalingo._models import App, Collaborator, Event
from governance.scalingo._parse import read_app, read_event

from .scripts import collaborator

# Texts that look like the places where answers are cut.
TRICKY = st.sampled_from(
    [
        "},{",
        '"},{"',
        "}]}",
        '\\"},{\\"',
        "\\",
        '"',
        "[{",
        "collaborators",
        '"collaborators":[',
        "é",
        "\n",
    ]
)
TEXTS = st.lists(TRICKY | st.text(max_size=5), max_size=6).map("".join)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ROWS = st.fixed_dictionaries(
    {"id": TEXTS, "app_id": TEXTS, "email": TEXTS},
    optional={
        "user_id": ANYTHING,
        "username": TEXTS,
        "tfa_status": st.none() | st.booleans() | st.just("true"),
        "is_limited": ANYTHING,
        "status": TEXTS,
        "invitation_link": TEXTS,
        "extra": ANYTHING,
    },
)
ANY_ROWS = st.lists(ROWS | ANYTHING, max_size=12)


def in_parts(body, sizes):
    place = 0
    for size in sizes:
        yield body[place : place + size]
        place += size
    yield body[place:]


def take(body, sizes=(), *, of_app=None):
    """Everything that is read of a body, as one value; or the kind of the error."""
    with Listing(Collaborator, None) as listing:
        intake = CollaboratorIntake(listing, of_app=of_app)
        try:
            _read_into(intake, "collaborators", in_parts(body, sizes))
        except NotUnderstood:
            return NotUnderstood
        intake.finish()
        return (
            list(listing),
            listing.problems,
            listing.odd_values,
            frozenset(listing.unknown_fields),
            intake.rows,
        )


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch):
    """Cut often, so that small answers are cut too."""
    monkeypatch.setattr("governance.scalingo._cutter.RUN", 40)


FEW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(
    rows=ANY_ROWS,
    sizes=st.lists(st.integers(1, 60), max_size=60),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    before=st.dictionaries(TEXTS, ANYTHING, max_size=2),
    after=st.dictionaries(TEXTS, ANYTHING, max_size=2),
)
def test_parts_do_not_change_what_is_read(rows, sizes, indent, ascii_only, before, after):
    around = {name: v for name, v in (before | after).items() if name != "collaborators"}
    first = {name: around[name] for name in before if name in around}
    whole = {**first, "collaborators": rows, **around}
    body = json.dumps(whole, indent=indent, ensure_ascii=ascii_only).encode(errors="replace")

    at_once = take(body)

    assert at_once == take(body, sizes)
    assert at_once == take(body, [1] * len(body))
    if at_once is not NotUnderstood:
        assert at_once[-1] == len(rows)


@FEW
@given(rows=ANY_ROWS)
def test_every_row_is_read_or_a_problem(rows):
    read = take(json.dumps({"collaborators": rows}).encode())

    good, problems, _odd, _unknown, count = read
    doubted = [problem for problem in problems if problem.why != "came more than once"]
    assert count == len(rows)
    assert len(good) + len(doubted) == len(rows)
    usable = [row for row in rows if isinstance(row, dict)]
    texts = {(r.get("app_id"), r.get("id"), r.get("email")) for r in usable if hashable(r)}
    assert all((row.app_id, row.id, row.email) in texts for row in good)


def hashable(row):
    return all(isinstance(row.get(name), str) for name in ("app_id", "id", "email"))


@FEW
@given(rows=st.lists(ROWS, max_size=8), flaw=st.data())
def test_a_body_cut_anywhere_is_never_an_answer(rows, flaw):
    body = json.dumps({"collaborators": rows}).encode()
    place = flaw.draw(st.integers(0, len(body) - 1))

    assert take(body[:place], [17] * 50) is NotUnderstood


@FEW
@given(rows=st.lists(ROWS, min_size=1, max_size=6), flaw=st.data())
def test_what_is_accepted_is_json(rows, flaw):
    body = bytearray(json.dumps({"collaborators": rows}).encode())
    place = flaw.draw(st.integers(0, len(body) - 1))
    body[place] = flaw.draw(st.integers(0, 255))

    read = take(bytes(body), [17] * 50)

    if read is not NotUnderstood:
        answer = json.loads(bytes(body))
        assert read[-1] == len(answer["collaborators"])


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200) | ANYTHING.map(json.dumps).map(str.encode))
@example(b'{"collaborators":[1e999]}')
@example(b'{"collaborators":[{"id":"\\ud800"}]}')
@example(b"\xef\xbb\xbf{}")
def test_nothing_but_its_own_errors_is_raised_on_any_bytes(body):
    for kind, read, key in ((App, read_app, "apps"), (Event, read_event, "events")):
        with Listing(kind, None) as listing:
            intake = Intake(listing, read, known=read, app_of=lambda row: row.id)
            for text in (body, b'{"%b":[%b]}' % (key.encode(), body)):
                with contextlib.suppress(ScalingoError):
                    _read_into(intake, key, [text])
                    intake.finish()
    take(body, [3] * 50)
    take(b'{"collaborators":[%b]}' % body, [3] * 50)


@FEW
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "id": ANYTHING,
                "name": ANYTHING,
                "owner": ANYTHING,
                "project": ANYTHING,
                "created_at": ANYTHING,
                "type": st.just("new_collaborator"),
                "user": ANYTHING,
                "type_data": ANYTHING,
                "hds_resource": ANYTHING,
            },
        ),
        max_size=5,
    )
)
def test_fields_of_any_type_make_rows_or_problems(rows):
    for kind, read, key in ((App, read_app, "apps"), (Event, read_event, "events")):
        with Listing(kind, None) as listing:
            intake = Intake(listing, read, known=read, app_of=lambda row: row.id)
            _read_into(intake, key, [json.dumps({key: rows}).encode()])
            assert len(list(listing)) + len(listing.problems) + listing.left_out == len(rows)


@pytest.mark.parametrize("size", [1, 2, 3, 41, 1000])
def test_a_text_that_looks_like_the_end_of_a_row_is_a_text(size):
    trick = '"},{"id":"forged","app_id":"a","email":"b"},{"x":"'
    rows = [collaborator(id=f"c{n}", username=trick) for n in range(5)]
    body = json.dumps({"collaborators": rows}).encode()

    good, problems, *_ = take(body, [size] * (len(body) // size))

    assert [row.id for row in good] == [f"c{n}" for n in range(5)]
    assert not problems


ROW = json.dumps({"id": "a", "app_id": "b", "email": "c"})


@pytest.mark.parametrize(
    "rows", [f"{ROW},,{ROW}", f"{ROW},{ROW},", f",{ROW}", f"{ROW} , , {ROW}", f"{ROW},{ROW}, "]
)
def test_a_comma_too_many_is_no_json_wherever_it_is_cut(rows):
    body = f'{{"collaborators":[{rows}]}}'.encode()

    for size in range(1, len(body)):
        assert take(body, [size] * (len(body) // size)) is NotUnderstood


@pytest.mark.parametrize("length", [1_047_000, 1_049_000, 1_100_000, 1_400_000])
def test_a_long_row_is_too_long_or_not_however_it_comes(monkeypatch, length):
    monkeypatch.setattr("governance.scalingo._cutter.RUN", 128 * 1024)
    long = collaborator(id="long", username="x" * length)
    after = [collaborator(id=f"c{n}") for n in range(5_000)]
    body = json.dumps({"collaborators": [collaborator(), long, *after]}).encode()

    at_once = take(body)

    assert (at_once is NotUnderstood) == (length > 1024 * 1024)
    for size in (70_000, 131_072, 1_000_000):
        assert take(body, [size] * (len(body) // size)) == at_once


def test_rows_are_handed_on_while_they_come():
    handed = []

    class Rows:
        def take(self, run):
            handed.append(len(msgspec.json.decode(run)))
            return True

    cutter = Cutter("collaborators", Rows())
    cutter.feed(b'{"collaborators":[')
    for n in range(20):
        cutter.feed(json.dumps(collaborator(id=f"c{n}")).encode() + b",")

    assert sum(handed) >= 18
