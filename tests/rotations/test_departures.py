"""What the end of a period was: the table of `departures`, and what holds for any history."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rotations.departures import departure
from governance.rotations.models import Knowledge, Why

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def hour(number):
    return None if number is None else START + timedelta(hours=number)


@dataclass
class Row:
    pk: int
    role: str
    status: str
    started_after: datetime | None
    started_at: datetime
    ended_at: datetime | None


def row(role, start, end=None, status="accepted", *, after=None, pk=0):
    return Row(pk or 100 * start + len(role), role, status, hour(after), hour(start), hour(end))


FULL = ("collaborator", "owner", "unknown")


def found(ended, *others, settled=()):
    return departure(ended, [ended, *others], set(settled))


@pytest.mark.parametrize("role", FULL)
def test_whoever_could_read_values_and_is_gone_knows_them(role):
    what = found(row(role, 0, 5))

    assert (what.knowledge, what.full_until) == (Knowledge.VALUES, hour(5))
    assert what.why == (Why.GAVE_AWAY if role == "owner" else Why.LEFT)


@pytest.mark.parametrize("role", FULL)
def test_becoming_limited_is_a_step_down(role):
    what = found(row(role, 0, 5), row("limited", 5))

    assert (what.why, what.knowledge) == (Why.STEPPED_DOWN, Knowledge.VALUES)


@pytest.mark.parametrize("before", FULL)
@pytest.mark.parametrize("after", FULL)
def test_whoever_can_still_read_values_has_not_left(before, after):
    assert found(row(before, 0, 5), row(after, 5)) is None


@pytest.mark.parametrize("after", ["limited", *FULL])
def test_who_was_limited_and_stays_has_not_left(after):
    assert found(row("limited", 0, 5), row(after, 5)) is None


def test_who_was_limited_and_is_gone_knew_names():
    what = found(row("limited", 0, 5))

    assert (what.why, what.knowledge, what.full_until) == (Why.LEFT, Knowledge.NAMES, None)


@pytest.mark.parametrize("status", ["pending", "deleted"])
def test_only_who_was_let_in_can_leave(status):
    assert found(row("collaborator", 0, 5, status)) is None


def test_being_invited_again_is_no_access():
    what = found(row("collaborator", 0, 5), row("collaborator", 5, status="pending"))

    assert what.why == Why.LEFT


def test_a_deleted_account_is_said():
    what = found(row("collaborator", 0, 5), row("collaborator", 5, status="deleted"))

    assert what.why == Why.ACCOUNT_DELETED


def test_a_status_that_was_not_said_is_no_end():
    assert found(row("collaborator", 0, 5), row("collaborator", 5, status="unknown")) is None


def test_between_two_readings_nobody_was_seen_to_be_gone():
    ended = row("owner", 0, 5)

    assert found(ended, row("collaborator", 6, after=5)) is None
    assert found(ended, row("collaborator", 6, after=4)) is None
    assert found(ended, row("collaborator", 8, after=7)).why == Why.GAVE_AWAY


def test_an_access_that_ended_before_does_not_count():
    assert found(row("collaborator", 3, 5), row("collaborator", 0, 3)).why == Why.LEFT


def test_who_was_full_before_and_has_no_duty_for_it_still_knows():
    earlier = row("collaborator", 0, 3, pk=7)
    ended = row("limited", 3, 5)

    assert found(ended, earlier).full_until == hour(3)
    assert found(ended, earlier, settled=[7]).knowledge == Knowledge.NAMES


def test_an_open_period_is_no_departure():
    assert found(row("collaborator", 0)) is None


periods = st.lists(
    st.tuples(
        st.sampled_from(["limited", *FULL]),
        st.sampled_from(["accepted", "pending", "deleted", "unknown"]),
        st.integers(1, 4),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


@st.composite
def histories(draw):
    """Periods of one person on one app one after another, some with a gap; the last may be open."""
    rows, at = [], 0
    for role, status, lasts, gap in draw(periods):
        after = at - 1 if gap else at
        rows.append(row(role, at, at + lasts, status, after=after, pk=len(rows) + 1))
        at += lasts + gap
    if draw(st.booleans()):
        rows[-1] = replace(rows[-1], ended_at=None)
    return rows


def settle(rows):
    """Every departure of a history, as the sweep finds them: the earliest end first."""
    settled, what = set(), {}
    for one in rows:
        if found := departure(one, rows, settled):
            what[one.pk] = found
            settled.add(one.pk)
    return what


@given(histories())
def test_whoever_held_values_and_holds_none_now_has_a_duty_for_values(rows):
    held = [one for one in rows if one.status in {"accepted", "unknown"} and one.role in FULL]
    holds = any(one.ended_at is None for one in held)

    values = [one for one in settle(rows).values() if one.knowledge == Knowledge.VALUES]

    if held and not holds:
        assert values, rows
        assert max(one.full_until for one in values) == max(one.ended_at for one in held)


@given(histories())
def test_whoever_never_held_values_has_none(rows):
    if all(one.role == "limited" or one.status in {"pending", "deleted"} for one in rows):
        assert {one.knowledge for one in settle(rows).values()} <= {Knowledge.NAMES}


@given(histories())
def test_each_time_of_values_is_one_duty(rows):
    until = [one.full_until for one in settle(rows).values() if one.full_until]

    assert len(until) == len(set(until))
