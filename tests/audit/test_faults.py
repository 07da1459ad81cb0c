"""When the log cannot be written, or nothing can be said of it, what else happens."""

import contextlib
import logging
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction

from governance.accounts import actions as accounts
from governance.accounts.models import User
from governance.audit.events import Source
from governance.audit.models import Event
from governance.audit.verify import verify

from .conftest import as_owner

# A full disk, a broken index, whatever it is: the insert into the log fails.
BREAK = """
CREATE FUNCTION public.audit_is_broken() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'no room for it' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER broken BEFORE INSERT ON public.audit_event
    FOR EACH ROW EXECUTE FUNCTION public.audit_is_broken();
ALTER TABLE public.audit_event ENABLE ALWAYS TRIGGER broken;
"""


@pytest.fixture
def broken(db):
    with as_owner() as cursor:
        cursor.execute(BREAK)


@pytest.mark.parametrize(
    "change",
    [
        lambda user, given: accounts.add_user("erin@example.com", name="Erin", roles=["viewer"],
                                              password="a pass phrase of hers", **given),
        lambda user, given: accounts.change_roles(user, ["admin"], **given),
        lambda user, given: accounts.set_active(user, active=False, **given),
        lambda user, given: accounts.change_scope(user, [], **given),
    ],
    ids=["add_user", "change_roles", "set_active", "change_scope"],
)  # fmt: skip
def test_a_change_whose_event_the_database_refuses_does_not_happen(bob, olga, now, broken, change):
    before = list(User.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="no room for it"), transaction.atomic():
        change(bob, {"by": olga, "source": Source.PAGE, "at": now})

    assert list(User.objects.order_by("pk").values()) == before
    assert not Event.objects.exists()


def test_the_same_changes_happen_with_a_log_in_order(bob, olga, now):
    accounts.change_roles(bob, ["admin"], by=olga, source=Source.PAGE, at=now)

    assert User.objects.get(pk=bob.pk).roles == ["admin"]
    assert Event.objects.get().kind == "user.roles_changed"


@contextlib.contextmanager
def full_disk_for_logs():
    """Let every line that is logged meet a disk without room."""
    root, full = logging.getLogger(), Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    root.handlers[:] = [logging.StreamHandler(full)]
    root.setLevel(logging.DEBUG)
    logging.raiseExceptions = False
    try:
        yield
    finally:
        root.handlers[:], level, logging.raiseExceptions = before
        root.setLevel(level)
        with contextlib.suppress(OSError):
            full.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_where_nothing_can_be_logged_pages_are_served_and_the_record_goes_on(
    client_of, bob, carol, sent
):
    with full_disk_for_logs():
        page = client_of(bob).get("/audit/")
        refused = client_of(bob).post("/audit/export/")

    assert (page.status_code, refused.status_code) == (200, 403)
    assert [event.kind for event in Event.objects.all()] == ["user.refused"]
    assert verify().faults == ()
