"""Reports are read through a connection of their own: what they speak of is committed."""

import io
from uuid import uuid4

import pytest
from django.utils import timezone

from governance.reports.making import Maker, make
from governance.reports.registers.base import Asked
from tests.changes.company import Acting
from tests.company import company, of_billing
from tests.sync.company import read_company
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, db

__all__ = ["_no_pauses_between_tries", "_no_rows", "company", "db", "of_billing"]


@pytest.fixture
def acting(db, make_user, sent):
    """The company of the syncs, read once, and an admin who acts."""
    read = read_company()  # nobody who signs in here is left after it
    return Acting(read, make_user("alice", "admin"))


@pytest.fixture
def made(db, make_user):
    """Make a report for an auditor, or `user`; gives what was made and its bytes."""

    def make_one(report, way="csv", *, options=None, user=None, **asked):
        out = io.BytesIO()
        user = user or make_user(f"auditor-{uuid4().hex[:8]}", "auditor")
        made_at = asked.get("at") or timezone.now()
        found = make(
            asked_by(user, report, **asked),
            way,
            out,
            by=Maker.of(user),
            at=made_at,
            options=options,
        )
        return found, out.getvalue()

    return make_one


def asked_by(user, report, *, at=None, is_now=None, since=None, filters=None):
    return Asked(
        report=report,
        at=at or timezone.now(),
        is_now=at is None if is_now is None else is_now,
        everything=user.sees_everything,
        projects=() if user.sees_everything else tuple(user.projects),
        since=since,
        filters=filters or {},
    )
