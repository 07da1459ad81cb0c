"""The number above a list is how many rows it has, whatever happened since it was counted last."""

import contextlib
import os
import re
from collections import Counter
from functools import partial
from random import Random

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from governance.accounts.models import User
from governance.emulator import Impossible, Unknown
from governance.facts.models import PersonFact
from governance.inventory.models import App, Collaboration, Person
from governance.sync import actions
from governance.sync.models import HeldRemoval
from tests.sync.company import read_company
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, db
from tests.sync.schedules.acts import Acts

__all__ = ["_no_pauses_between_tries", "_no_rows", "db"]

ASKED = [int(os.environ["SCHEDULE"])] if "SCHEDULE" in os.environ else None
SEEDS = ASKED or range(2)
ROUNDS = 12
_LIKELY = (
    *(Acts.invite, Acts.accept, Acts.join, Acts.remove, Acts.role, Acts.email, Acts.two_factor),
    *(Acts.many_come, Acts.many_go, Acts.move, Acts.transfer, Acts.create_app, Acts.delete_app),
)


@pytest.fixture
def company(db):
    """The small company, read once, of acme.example."""
    return read_company()


@pytest.fixture(autouse=True)
def _of_acme(settings):
    settings.COMPANY_DOMAINS = frozenset({"acme.example"})


@pytest.fixture
def browser(client_of):
    viewer = User.objects.create(email="viewer@example.com", name="V", roles=["viewer"])
    return client_of(viewer)


def counted(browser, address):
    """The number above a list, and how many rows it has."""
    html = browser.get(address).content.decode()
    said = re.search(r'role="status">([\d,]+) ', html)
    row = '<tr class="app"' if address.startswith("/apps/") else '<th scope="row">'
    rows = re.findall(row, html)
    return int(said[1].replace(",", "")) if said else 0, len(rows)


def asking(browser):
    """The number of people without 2FA beside People in the sidebar."""
    html = browser.get("/sync/").content.decode()
    found = re.search(r'title="without 2FA">(\d+)<', html)
    return int(found[1]) if found else 0


# --- what was counted wrongly once ----------------------------------------------------------------


def test_people_whose_removal_was_approved_after_another_change_are_gone(company, browser, alice):
    company.create_app("team")
    company.crowd("team", 40)
    company.sync()
    company.disperse("team", 20)
    company.sync()  # they wait for a person, missing from now on
    company.world.change_role("billing-api", "lim@acme.example", limited=False)
    company.sync()
    assert counted(browser, "/people/?app=team") == (41, 41)

    plan = HeldRemoval.objects.get(state="waiting")
    company.later(minutes=3)
    actions.decide_held(plan.pk, bytes(plan.digest).hex(), approve=True, by=alice, at=company.now)
    company.carry_out()

    assert counted(browser, "/people/?app=team") == (21, 21)


def test_somebody_with_another_username_is_found_by_it(company, browser):
    assert counted(browser, "/people/?q=zzznew") == (0, 0)

    company.world.change_username("lim@acme.example", "zzznew")
    company.sync()

    assert counted(browser, "/people/?q=zzznew") == (1, 1)
    assert counted(browser, "/apps/?q=zzznew") == (2, 2)


def test_somebody_whose_address_moved_outside_is_external(company, browser):
    before, rows = counted(browser, "/people/?external=yes")
    assert before == rows

    company.world.change_email("lim@acme.example", "lim@agency.test")
    company.sync()

    assert counted(browser, "/people/?external=yes") == (before + 1, before + 1)


def test_of_two_ends_at_one_instant_both_are_counted(company, browser):
    """As when a run writes the ends of many apps in several transactions."""
    company.later(minutes=10)
    before, _rows = counted(browser, "/people/?app=billing-api")

    for gone, one in enumerate(Collaboration.objects.open().filter(app__name="billing-api"), 1):
        Collaboration.objects.filter(pk=one.pk).update(ended_at=company.now)

        assert counted(browser, "/people/?app=billing-api") == (before - gone, before - gone)


def test_an_app_that_is_gone_is_counted_no_more(company, browser):
    before, _rows = counted(browser, "/apps/?collaborators=any")

    App.objects.filter(name="billing-api").update(gone_at=company.now)

    assert counted(browser, "/apps/?collaborators=any")[0] == before - 1


def test_what_somebody_says_is_counted(company, browser, alice):
    before, _rows = counted(browser, "/people/?kind=service")

    PersonFact.objects.create(
        person=company.person("lim@acme.example"),
        kind="service",
        employment="unknown",
        said_by=alice,
        said_at=company.now,
    )

    assert counted(browser, "/people/?kind=service") == (before + 1, before + 1)


# --- by construction ------------------------------------------------------------------------------


def test_whoever_writes_first_and_is_done_last_is_counted_too(company, browser):
    """Two transactions at once: numbers alone would say that the later one was the newest."""
    one, other = Person.objects.exclude(username="")[:2]
    late = connections.create_connection(DEFAULT_DB_ALIAS)
    rename = "UPDATE inventory_person SET username = %s WHERE id = %s"
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:
            cursor.execute(rename, ["zzznew-late", one.pk])
        Person.objects.filter(pk=other.pk).update(username="zzznew-soon")
        assert counted(browser, "/people/?q=zzznew") == (1, 1)

        late.commit()
    finally:
        late.close()

    assert counted(browser, "/people/?q=zzznew") == (2, 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_count_above_is_the_rows_below_whatever_happens(company, browser, alice, seed):
    random = Random(seed)
    acts = Acts(company, random, Counter())
    names = _Names(company, random)
    one_at_a_time = (names.change, names.change, *(partial(act, acts) for act in _LIKELY))
    try:
        for _round in range(ROUNDS):
            with contextlib.suppress(Impossible, Unknown, IndexError):
                random.choice(one_at_a_time)()
            company.sync(after={"minutes": random.choice((10, 40, 600))})
            _decide(company, random, alice)
            _agree(browser)
    except Exception as error:
        error.add_note(f"To see it again: SCHEDULE={seed} make test ARGS='-k rows_below'")
        raise


def _agree(browser):
    for address in (
        "/people/",
        "/people/?q=new",
        "/people/?external=yes",
        "/people/?two-factor=off",
        "/people/?status=pending",
        "/people/?role=limited",
        "/apps/?collaborators=any",
        "/apps/?q=new",
    ):
        said, rows = counted(browser, address)
        assert said == rows, address
    off = Person.objects.filter(two_factor="off", collaborations__ended_at=None)
    held = off.filter(pk__in=Collaboration.objects.open().values("person"))
    assert asking(browser) == held.distinct().count()


def _decide(company, random, alice):
    for plan in HeldRemoval.objects.filter(state="waiting"):
        if random.random() < 0.7:
            digest = bytes(plan.digest).hex()
            actions.decide_held(plan.pk, digest, approve=True, by=alice, at=company.now)
            company.carry_out()


class _Names:
    """Who is called otherwise."""

    def __init__(self, company, random):
        self.world, self.random, self.made = company.world, random, 0

    def change(self):
        accounts = sorted(self.world.accounts.values(), key=lambda one: one.id)
        one = self.random.choice([one for one in accounts if one.deleted_at is None])
        self.made += 1
        self.world.change_username(one, f"new-{self.made}")
