"""Reports are read through a connection of their own: what they speak of is committed."""

import io

import pytest
from django.utils import timezone

from governance.reports.making import Maker, make
from governance.reports.registers.base import Asked
from tests.company import company, of_billing  # noqa: F401  fixtures


@pytest.fixture
def db(transactional_db):
    """Whatever asks for a database gets one where commits are commits."""


@pytest.fixture
def made(db, alice):
    """Make a report as Alice, who may export; gives what was made and its bytes."""

    def make_one(report, way="csv", *, options=None, **asked):
        out = io.BytesIO()
        asked = asked_by(alice, report, **asked)
        found = make(asked, way, out, by=Maker.of(alice), at=timezone.now(), options=options)
        return found, out.getvalue()

    return make_one


def asked_by(user, report, *, at=None, since=None, filters=None):
    return Asked(
        report=report,
        at=at or timezone.now(),
        is_now=at is None,
        everything=user.sees_everything,
        projects=() if user.sees_everything else tuple(user.projects),
        since=since,
        filters=filters or {},
    )
