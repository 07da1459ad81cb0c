"""What became of somebody on an app, as the pages tell it after a sync: nothing false."""

import re
from html import unescape

import pytest

from governance.accounts.models import User
from tests.sync.company import read_company
from tests.sync.conftest import _no_pauses_between_tries, _no_rows, db

__all__ = ["_no_pauses_between_tries", "_no_rows", "db"]
FULL, INVITED = "fred@acme.example", "later@new.example"


@pytest.fixture
def company(db):
    return read_company()


@pytest.fixture
def see(client_of, company):
    """The words of a page, for somebody who sees everything."""
    browser = client_of(User.objects.create(email="v@example.com", name="V", roles=["viewer"]))

    def look(address):
        html = browser.get(address).content.decode()
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())

    return look


@pytest.fixture
def transferred(company):
    """billing-api was given to a collaborator of it, and a collaborator left at the same time."""
    company.world.transfer_app("billing-api", FULL)
    company.world.remove("billing-api", "lim@acme.example")
    company.sync()
    assert company.app("billing-api").owner == company.person(FULL)
    return company


def test_the_overview_says_that_a_collaborator_became_the_owner(see, transferred):
    name = transferred.person(FULL).display_name

    shown = see("/")

    assert f"{name} became the owner of billing-api , after olivia" in shown
    assert "olivia became a collaborator of billing-api , owner before" in shown
    assert "olivia got access" not in shown
    assert f"{transferred.person('lim@acme.example').display_name} lost access to billing-api" in (
        shown
    )
    for false in ("lost access to", "changed status on", "can no longer reach"):
        assert f"{name} {false}" not in shown


def test_their_page_says_that_they_are_the_owner_now(see, transferred):
    person = transferred.person(FULL)

    shown = see(f"/people/{person.pk}/")

    assert f"{person.display_name} became the owner of billing-api , after olivia" in shown
    assert f"{person.display_name} is now owner of billing-api ; the role was" in shown
    assert "is now owner" in shown[shown.index("Access before") : shown.index("What happened")]
    assert "no longer has access" not in shown
    assert "can no longer reach" not in shown


def test_who_left_has_no_access_any_more(see, transferred):
    person = transferred.person("lim@acme.example")

    shown = see(f"/people/{person.pk}/")

    assert f"{person.display_name} no longer has access to billing-api" in shown
    assert "is now owner" not in shown


def test_an_invitation_that_is_gone_was_never_access(see, company):
    company.world.invite("billing-api", INVITED)
    company.sync()
    assert f"{INVITED} was invited to billing-api" in see("/")

    company.world.remove("billing-api", INVITED)
    company.sync()

    shown = see("/")
    assert f"{INVITED} is no longer invited to billing-api" in shown
    assert f"{INVITED} lost access" not in shown
