"""Every bad day by name: each does something to an answer, and none to the next."""

import json

import httpx
import pytest

from governance.emulator import BAD_DAYS, Unknown
from governance.emulator.catalogue import INSTEAD, SPOILT

from .conftest import BILLING, OWNER, PARIS

APPS = f"{PARIS}/v1/apps"
PEOPLE = f"{BILLING}/collaborators"
# A spoilt field of the one list is none of the other.
OF_APPS = {"name", "owner", "owner_id", "owner_email", "project", "parent_app_name"}


def asked(client, path):
    """What came of it: the kind of failure, or the status and the text."""
    try:
        with client.stream("GET", path) as answer:
            return answer.status_code, b"".join(answer.iter_raw())
    except httpx.TransportError as error:
        return type(error), b""


@pytest.mark.parametrize("name", sorted(BAD_DAYS))
def test_each_spoils_one_answer_and_no_more(world, ask, name):
    of_apps = name.rsplit("_missing")[0].rsplit("_null")[0].rsplit("_of_another")[0] in OF_APPS
    path = APPS if of_apps else PEOPLE
    good = asked(ask(OWNER), path)

    fault = world.bad_day(name, path=path.removeprefix(PARIS))

    assert asked(ask(OWNER), path) != good
    assert fault.hits == 1
    assert asked(ask(OWNER), path) == good


@pytest.mark.parametrize("name", sorted(SPOILT))
def test_a_spoilt_answer_still_says_that_all_is_well(world, ask, name):
    world.bad_day(name)

    assert ask(OWNER).get(PEOPLE).status_code == 200


def test_it_can_strike_a_later_request(world, ask):
    world.bad_day("forbidden", path="/v1/apps/**", skip=1, times=2)

    statuses = [ask(OWNER).get(PEOPLE).status_code for _ in range(4)]

    assert statuses == [200, 403, 403, 200]


def test_laying_one_out_leaves_the_catalogue_as_it_was(world, ask):
    before = json.dumps(BAD_DAYS, default=repr)
    world.bad_day("half_of_the_rows").mutations[0].rows = 3

    assert json.dumps(BAD_DAYS, default=repr) == before


def test_the_two_halves_have_different_names():
    assert not INSTEAD.keys() & SPOILT.keys()


def test_an_unknown_one_is_said(world):
    with pytest.raises(Unknown):
        world.bad_day("monday")
