"""Give, replace and take back tokens; pause and resume."""

import re
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from governance.accounts.models import User
from governance.accounts.permissions import may_manage_connections
from governance.audit.actions import record
from governance.audit.events import Source
from governance.connections import keys, sealing
from governance.connections.models import Connection, State
from governance.core.nudges import after_commit

LONGEST_NAME = 80
# As Scalingo makes them; an account's password or a bearer, pasted by mistake, is not kept at all.
_TOKEN = re.compile(r"tk-us-[!-~]{8,300}")


class NotAToken(ValueError):
    """What was given cannot be an API token of Scalingo. The text does not repeat it."""


class NameTaken(Exception):
    """Another connection has this name already, whatever its case."""


class AlreadyPaused(Exception):
    """Somebody paused it before."""


class NotPaused(Exception):
    """Somebody resumed it before."""


class InUse(Exception):
    """A connection that was read with is paused, not removed: what it read rests on it."""


@sensitive_variables()
def clean_token(token: str) -> str:
    """The token without the blanks around it. Raises `NotAToken`."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise NotAToken(_("A Scalingo API token starts with tk-us- and has no blanks in it."))
    return token


@transaction.atomic
@sensitive_variables()
def add(
    name: str, token: str, *, by: User | None, at: datetime, source: Source = Source.PAGE
) -> Connection:
    """Keep a token, sealed, and ask a worker to try it. Nothing is read with it before that.

    Raises `NotAToken`, `NameTaken`, `keys.NoKey` and `Refused`.
    """
    _enforce(by)
    box = keys.seal(clean_token(token))
    try:
        with transaction.atomic():
            connection = Connection.objects.create(
                name=name.strip(), sealed_candidate=box, token_set_at=at
            )
    except IntegrityError:
        raise NameTaken(
            _("There is a connection called {name} already.").format(name=name.strip())
        ) from None
    after_commit("connections.test", connection_id=str(connection.pk))
    record("connection.added", by=by, source=source, at=at, target=connection)
    return connection


@transaction.atomic
@sensitive_variables()
def replace_token(
    connection: Connection,
    token: str,
    *,
    by: User | None,
    at: datetime,
    source: Source = Source.PAGE,
) -> Connection:
    """Let a worker try a new token. The one in use stays in use until the new one was accepted.

    A token that was still waiting for its test is forgotten. Raises `NotAToken`, `keys.NoKey` and
    `Refused`.
    """
    _enforce(by)
    box = keys.seal(clean_token(token))
    connection = locked(connection.pk)
    connection.sealed_candidate = box
    connection.said = ""
    if connection.sealed_token is None:
        connection.state, connection.token_set_at = State.UNTESTED, at
    connection.save()
    after_commit("connections.test", connection_id=str(connection.pk))
    record("connection.token_replaced", by=by, source=source, at=at, target=connection)
    return connection


@transaction.atomic
def pause(
    connection: Connection, *, by: User | None, at: datetime, source: Source = Source.PAGE
) -> Connection:
    """Read nothing more with it until it is resumed. Raises `AlreadyPaused` and `Refused`."""
    _enforce(by)
    connection = locked(connection.pk)
    if connection.paused_at is not None:
        raise AlreadyPaused(_("{name} is paused already.").format(name=connection))
    connection.paused_at = at
    connection.save(update_fields=["paused_at"])
    record("connection.paused", by=by, source=source, at=at, target=connection)
    return connection


@transaction.atomic
def resume(
    connection: Connection, *, by: User | None, at: datetime, source: Source = Source.PAGE
) -> Connection:
    """Read with it again, from the next sync on. Raises `NotPaused` and `Refused`."""
    _enforce(by)
    connection = locked(connection.pk)
    if connection.paused_at is None:
        raise NotPaused(_("{name} is not paused.").format(name=connection))
    connection.paused_at = None
    connection.save(update_fields=["paused_at"])
    record("connection.resumed", by=by, source=source, at=at, target=connection)
    return connection


@transaction.atomic
def remove(
    connection: Connection, *, by: User | None, at: datetime, source: Source = Source.PAGE
) -> None:
    """Forget a connection that nothing was ever read with. Raises `InUse` and `Refused`.

    One that was read with can only be paused: what is known rests on what it read.
    """
    _enforce(by)
    connection = locked(connection.pk)
    if connection.is_in_use:
        raise InUse(
            _("{name} has been read with: it can be paused, not removed.").format(name=connection)
        )
    identity = connection.pk
    connection.delete()
    connection.pk = identity  # the event names what is gone
    record(
        "connection.removed",
        by=by,
        source=source,
        at=at,
        target=connection,
        personal={"name": connection.name},
    )


@transaction.atomic
def reseal(*, at: datetime, source: Source = Source.TERMINAL) -> int:
    """Seal every token that was sealed for an older key with the public key of now; how many.

    Raises `keys.NoKey`, and `sealing.CannotOpen` with nothing changed when one cannot be opened.
    """
    public, changed = keys.public(), 0
    for connection in Connection.objects.select_for_update():
        for name in ("sealed_token", "sealed_candidate"):
            box = getattr(connection, name)
            if box is not None and not sealing.is_sealed_for(bytes(box), public):
                setattr(connection, name, keys.seal(keys.open_sealed(bytes(box))))
                changed += 1
        connection.save(update_fields=["sealed_token", "sealed_candidate"])
    if changed:
        record(
            "settings.changed",
            by=None,
            source=source,
            at=at,
            data={"setting": "sealing key", "tokens": changed},
        )
    return changed


def locked(pk: UUID) -> Connection:
    """The row as it is now, and nobody else's until this transaction ends."""
    return Connection.objects.select_for_update().get(pk=pk)


def _enforce(by: User | None) -> None:
    if by is not None:
        may_manage_connections(by).enforce()
