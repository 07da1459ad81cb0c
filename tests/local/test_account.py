"""`SCALINGO_API_TOKEN=… make run`: the account of the token, connected once and not mixed up."""

import pytest

from governance.accounts.models import User
from governance.audit.models import Event
from governance.connections import keys
from governance.connections.models import Connection, State
from governance.emulator import World
from governance.emulator.server import Server
from governance.local.files import write_json
from governance.local.places import Places
from governance.local.set_up import account, sign_ins

OWNER = "olivia@acme.example"


@pytest.fixture
def places(tmp_path):
    found = Places(tmp_path)
    found.make()
    return found


@pytest.fixture
def scalingo(settings):
    """A pretend Scalingo on a socket, as the set-up would reach the real one."""
    world = World("small")
    with Server(world) as server:
        settings.SCALINGO_AUTH_URL = server.url
        settings.SCALINGO_HOSTS = ["127.0.0.1"]
        yield world


@pytest.mark.django_db(transaction=True)
def test_the_account_is_connected_under_its_own_name_and_tested(scalingo, places):
    company = account.prepare(scalingo.token_of(OWNER), places)

    connection = Connection.objects.get()
    assert connection.name == scalingo.account(OWNER).username
    assert connection.account_email == OWNER
    assert connection.state == State.WORKING
    assert connection.name in company.sentence
    assert company.anchor == ""  # no emulator beside the real one
    assert {one.role for one in company.sign_ins} == {"admin", "operator", "auditor", "viewer"}


@pytest.mark.django_db(transaction=True)
def test_the_same_token_again_asks_nothing_and_changes_nothing(scalingo, places):
    token = scalingo.token_of(OWNER)
    first = account.prepare(token, places)
    asked, events = scalingo.traffic.total, Event.objects.count()

    assert account.prepare(token, places) == first

    assert (scalingo.traffic.total, Event.objects.count()) == (asked, events)


@pytest.mark.django_db(transaction=True)
def test_a_newer_token_of_the_account_takes_the_place_of_the_old(scalingo, places):
    account.prepare(scalingo.token_of(OWNER), places)
    newer = scalingo.add_token(OWNER, "newer").secret

    account.prepare(newer, places)

    connection = Connection.objects.get()
    assert keys.open_sealed(bytes(connection.sealed_token)) == newer


@pytest.mark.django_db(transaction=True)
def test_a_second_account_is_added_beside_the_first(scalingo, places):
    account.prepare(scalingo.token_of(OWNER), places)

    account.prepare(scalingo.token_of("oscar@other.example"), places)

    assert Connection.objects.count() == 2
    assert User.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_who_signs_in_already_is_left_as_they_are(scalingo, places, alice):
    company = account.prepare(scalingo.token_of(OWNER), places)

    assert list(User.objects.all()) == [alice]
    assert company.sign_ins == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("my password", "SCALINGO_API_TOKEN is no token"),
        ("tk-us-" + "0" * 48, "was asked whose SCALINGO_API_TOKEN is"),
    ],
)
def test_a_token_that_scalingo_refuses_is_not_kept_nor_repeated(scalingo, places, token, said):
    with pytest.raises(account.CannotRead, match=said) as caught:
        account.prepare(token, places)

    assert token not in str(caught.value)
    assert not Connection.objects.exists()
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_real_account_never_joins_the_pretend_company(scalingo, places):
    write_json(places.demo, {sign_ins.database_key(): {"anchor": "2026-03-02", "replayed": True}})

    with pytest.raises(account.CannotRead, match="holds the pretend company"):
        account.prepare(scalingo.token_of(OWNER), places)

    assert not Connection.objects.exists()
