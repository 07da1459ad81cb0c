"""The real Scalingo: the account whose token is in `SCALINGO_API_TOKEN`."""

from django.utils import timezone

from governance import scalingo
from governance.audit.events import Source
from governance.connections import actions, keys, sealing
from governance.connections.budget import Kind
from governance.connections.clients import client_with
from governance.connections.models import Connection
from governance.local.company import Company
from governance.local.files import read_json
from governance.local.places import Places
from governance.local.set_up import sign_ins

# Reserved for examples: no mail can reach it, and nobody's address is guessed.
_PEOPLE = [
    ("Local admin", "admin@example.com", "admin", ""),
    ("Local operator", "operator@example.com", "operator", ""),
    ("Local auditor", "auditor@example.com", "auditor", ""),
    ("Local viewer", "viewer@example.com", "viewer", ""),
]


class CannotRead(Exception):
    """Nothing can be read with the token that was given. The text is a sentence."""


def prepare(token: str, places: Places) -> Company:
    """Connect the account of `token`, and add people to sign in as where there is nobody yet.

    Raises `CannotRead` when Scalingo refuses the token or cannot be asked whose it is, or when the
    database is the demo's.
    """
    if sign_ins.database_key() in read_json(places.demo):
        raise CannotRead(
            "This database holds the pretend company. Name another in DATABASE_URL, so that the"
            " two do not mix."
        )
    connection = _connect(token)
    people = _PEOPLE if not sign_ins.anybody() else []
    sign_ins.make(people, places, at=timezone.now())
    return Company(
        sentence=f"It reads Scalingo as {connection.name}. The first time takes a minute or two.",
        sign_ins=sign_ins.kept(places),
    )


def _connect(token: str) -> Connection:
    for connection in Connection.objects.all():
        if token in _tokens_of(connection):
            return connection
    try:
        with client_with(token, kind=Kind.INTERACTIVE) as client:
            return _add(token, client)
    except actions.NotAToken as error:
        raise CannotRead(f"SCALINGO_API_TOKEN is no token. {error}") from None
    except scalingo.ScalingoError as error:
        raise CannotRead(
            f"Scalingo was asked whose SCALINGO_API_TOKEN is. {error.sentence}"
        ) from None


def _add(token: str, client: scalingo.Client) -> Connection:
    actions.clean_token(token)
    client.exchange()
    account, now = client.self_account(), timezone.now()
    connection = Connection.objects.filter(account_id=account.id).first()
    if connection is None:
        name = account.username or account.email or account.id
        connection = actions.add(name, token, by=None, at=now, source=Source.TERMINAL)
    else:
        actions.replace_token(connection, token, by=None, at=now, source=Source.TERMINAL)
    actions.test(connection.pk, at=timezone.now(), client=client, source=Source.TERMINAL)
    connection.refresh_from_db()
    return connection


def _tokens_of(connection: Connection) -> list[str]:
    """The tokens that are kept for a connection, as far as our key opens them."""
    found = []
    for box in (connection.sealed_token, connection.sealed_candidate):
        if box is not None:
            try:
                found.append(keys.open_sealed(bytes(box)))
            except sealing.CannotOpen:
                continue
    return found
