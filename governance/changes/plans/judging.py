"""What will happen to each address on each app, or why nothing will. Pure."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from governance.changes.addresses import is_address, key
from governance.changes.models import ENDING, Kind
from governance.changes.plans.known import Known, KnownApp, Member
from governance.changes.plans.values import Row, Wanted
from governance.inventory.models import App, Role

# Who is on an app that was last read longer ago is not known.
TOO_OLD = timedelta(hours=24)
# Warnings that rest on facts: when one comes or goes, the plan is another.
_FACTS = ("last_full", "linker")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was asked for, with what is known of it. `own` is the address of who asks."""

    wanted: Wanted
    app: KnownApp
    member: Member | None
    own: str
    at: datetime

    @property
    def address(self) -> str:
        return key(self.member.email if self.member else self.wanted.email)

    @property
    def is_ending(self) -> bool:
        return self.wanted.kind in ENDING


def judge(wanted: Sequence[Wanted], known: Known, *, own: str, at: datetime) -> list[Row]:
    """One row for each thing that was asked for, in the same order.

    `own` is the address key of whoever asks, `at` is now.
    """
    rows: list[Row] = []
    taken: set[tuple[UUID, str]] = set()
    for position, each in enumerate(wanted):
        # What should be true first is so already where there is nobody.
        alone = each.follows and rows[-1].code == "not_on_it"
        one = replace(each, follows=False) if alone else each
        row = _row(position, one, known, own, at)
        if one.follows:
            rows[-1], row = _together(rows[-1], row)
        elif row.happens and row.app_id:
            lane = (row.app_id, key(row.email))
            if lane in taken:
                row = replace(row, code="twice")
            taken.add(lane)
        rows.append(row)
    return [_sealed(row) for row in _with_last(rows, known)]


def _together(first: Row, second: Row) -> tuple[Row, Row]:
    """One and what follows it: either both happen, or neither does.

    An invitation is not cancelled to be sent again where it could not be sent.
    """
    if not second.happens:
        first = replace(first, code=first.code or second.code, warnings=())
    elif not first.happens:
        second = replace(second, code="not_first", warnings=())
    return first, second


def _row(position: int, one: Wanted, known: Known, own: str, at: datetime) -> Row:
    app = known.apps.get(one.app_id) if one.app_id else None
    person = known.people.get(key(one.email))
    if app is None:
        return Row(
            position=position,
            kind=one.kind,
            app_id=None,
            app_name=one.app_name,
            region="",
            person_id=person.pk if person else None,
            name=person.display_name if person else "",
            email=one.email,
            code=one.problem or "no_app",
            line=one.line,
        )
    case = Case(one, app, app.member(one.person_id, one.email), own, at)
    member = case.member
    code = _why_not(case)
    return Row(
        position=position,
        kind=one.kind,
        app_id=app.app.pk,
        app_name=app.app.name,
        region=app.app.region.name,
        person_id=(member.person_id if member else None)
        or one.person_id
        or (person.pk if person else None),
        name=member.name if member else person.display_name if person else "",
        email=member.email if member else one.email,
        role_now=member.role if member and not one.follows else "",
        role_then=one.role,
        status_now=member.status if member and not one.follows else "",
        collaborator_id=member.collaborator_id if member and one.kind != Kind.INVITE else "",
        code=code,
        warnings=() if code else tuple(_warnings(case)),
        follows=one.follows,
        line=one.line,
        **_of_the_other(case) if code == "under_way" else {},
        read_at=app.read_at.isoformat() if app.read_at else "",
    )


def _of_the_other(case: Case) -> dict[str, str]:
    """Whose change is under way, and until when it waits if a time was set that is to come."""
    other = case.app.under_way[case.address]
    waits = other.set_for and other.set_for > case.at
    return {
        "other_by": other.by,
        "other_at": other.at.isoformat(),
        "other_batch": str(other.batch_id),
        "other_set_for": other.set_for.isoformat() if other.set_for and waits else "",
    }


# --- why not: the first reason counts, so their order is the order people should learn them in ----


def _why_not(case: Case) -> str:
    checks = (_of_the_app, _OF_KIND[case.wanted.kind], _of_the_rights)
    return case.wanted.problem or next((code for check in checks if (code := check(case))), "")


def _of_the_app(case: Case) -> str:
    app = case.app
    if app.app.gone_at:
        return "gone_app"
    if app.read_at is None:
        return "never_read"
    if not case.is_ending and case.at - app.read_at > TOO_OLD:
        return "stale"
    return ""


def _of_an_invitation(case: Case) -> str:
    if not is_address(case.wanted.email):
        return "malformed"
    if case.member and not case.wanted.follows:
        if case.member.role == Role.OWNER:
            return "owner"
        if case.member.is_missing:
            return "missing"
        return "invited" if case.member.is_pending else "on_it"
    return _of_a_role(case)


def _of_a_role(case: Case) -> str:
    if case.app.app.kind == App.Kind.DATABASE and case.wanted.role == Role.LIMITED:
        return "database_role"
    return ""


def _of_a_change_of_role(case: Case) -> str:
    member = case.member
    if member is None:
        return "not_on_it"
    if member.role == Role.OWNER:
        return "owner"
    if member.role == case.wanted.role:
        return "same_role"
    if member.person_id == case.app.app.scm_linker_id:
        return "linker"
    return _of_a_role(case) or ("yourself" if case.address == case.own else "")


def _of_a_removal(case: Case) -> str:
    if case.member is None:
        return "not_on_it"
    if case.member.role == Role.OWNER:
        return "owner"
    return "yourself" if case.address == case.own else ""


def _of_a_cancellation(case: Case) -> str:
    if case.member is not None and not case.member.is_pending:
        return "accepted"
    return _of_a_removal(case)


_OF_KIND: Mapping[str, Callable[[Case], str]] = {
    Kind.INVITE: _of_an_invitation,
    Kind.CHANGE_ROLE: _of_a_change_of_role,
    Kind.REMOVE: _of_a_removal,
    Kind.CANCEL: _of_a_cancellation,
}


def _of_the_rights(case: Case) -> str:
    if case.address in case.app.under_way:
        return "under_way"
    return "" if case.app.teller else "no_right"


# --- what to know before --------------------------------------------------------------------------


def _warnings(case: Case) -> Iterator[str]:
    member = case.member
    if not case.app.is_fresh:
        yield "unread"
    if member and member.is_missing and not case.wanted.follows:
        yield "missing"
    if case.wanted.kind == Kind.INVITE:
        yield "mails"
    elif member and member.person_id in case.app.readers:
        yield "reader"
    if case.is_ending and member and member.person_id == case.app.app.scm_linker_id:
        yield "linker"


def _with_last(rows: Iterable[Row], known: Known) -> list[Row]:
    """With a warning where, after the whole plan, nobody but the owner may deploy an app."""
    rows = list(rows)
    leaving: dict[UUID, set[str]] = defaultdict(set)
    for row in rows:
        if row.happens and row.app_id and _takes_a_deployer(row):
            leaving[row.app_id].add(key(row.email))
    emptied = {
        app_id
        for app_id, gone in leaving.items()
        if gone & known.apps[app_id].deployers and not known.apps[app_id].deployers - gone
    }
    return [
        replace(row, warnings=(*row.warnings, "last_full"))
        if row.app_id in emptied and row.happens and _takes_a_deployer(row)
        else row
        for row in rows
    ]


def _takes_a_deployer(row: Row) -> bool:
    return row.role_now == Role.COLLABORATOR and (
        row.kind in ENDING or row.role_then == Role.LIMITED
    )


def _sealed(row: Row) -> Row:
    """With the digest of the facts that it rests on: whatever changes it makes it another row."""
    facts = [
        row.kind,
        str(row.app_id),
        key(row.email),
        row.collaborator_id,
        row.role_now,
        row.role_then,
        row.status_now,
        row.code,
        sorted(set(row.warnings) & set(_FACTS)),
    ]
    return replace(row, digest=sha256(json.dumps(facts).encode()).hexdigest())
