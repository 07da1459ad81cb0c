"""Try a token before it is used, and keep what Scalingo said of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from governance import scalingo
from governance.accounts.models import User
from governance.accounts.permissions import may_manage_connections
from governance.audit.actions import record
from governance.audit.events import Source
from governance.connections.budget import Kind
from governance.connections.clients import TokenUnavailable, client_with, open_token
from governance.connections.models import Connection, State
from governance.core.nudges import after_commit

from .tokens import locked


class Outcome(Enum):
    """What came of a test."""

    WORKS = "works"
    REFUSED = "refused"  # the token is not used, or no longer
    UNREADABLE = "unreadable"  # our key does not open it
    UNCLEAR = "unclear"  # Scalingo could not be asked: it is tried again
    NOTHING_TO_DO = "nothing to do"  # gone, tested already, or replaced in the meantime


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: Outcome
    said: str = ""
    code: str = ""  # why, in a word, for the record
    account: scalingo.Account | None = None


_LONGEST_SAID = 500
_STATES = {
    Outcome.REFUSED: State.REFUSED,
    Outcome.UNREADABLE: State.UNREADABLE,
    Outcome.UNCLEAR: State.UNTESTED,
}


@transaction.atomic
def ask_for_test(
    connection: Connection, *, by: User | None, at: datetime, source: Source = Source.PAGE
) -> Connection:
    """Have a worker try the token in use once more. Raises `Refused`.

    Until then the connection stays in use. One that waits for its test already is only nudged.
    """
    if by is not None:
        may_manage_connections(by).enforce()
    connection = locked(connection.pk)
    if connection.sealed_token is not None and not connection.waits_for_a_test:
        connection.state = State.UNTESTED
        connection.save(update_fields=["state"])
    after_commit("connections.test", connection_id=str(connection.pk))
    record("connection.test_requested", by=by, source=source, at=at, target=connection)
    return connection


def test(
    connection_id: UUID,
    *,
    at: datetime,
    client: scalingo.Client | None = None,  # noqa: PT028  It tests, it is no test.
    source: Source = Source.SCHEDULE,  # noqa: PT028
) -> Outcome:
    """Ask Scalingo whose token waits for its test, outside any transaction, then keep the answer.

    For workers: it opens the token. Done twice, or too late, it changes nothing. A token that
    Scalingo refuses is not kept; where Scalingo could not be asked, the token waits on.
    """
    connection = Connection.objects.untested().filter(pk=connection_id).first()
    box = _box_of(connection) if connection else None
    if connection is None or box is None:
        return Outcome.NOTHING_TO_DO
    return _settle(connection.pk, box, _ask(box, client), at=at, source=source)


def heard(
    connection_id: UUID, *, state: State, said: str, at: datetime, source: Source = Source.SCHEDULE
) -> None:
    """Keep what a sync learnt of the token in use: it works again, is refused, cannot be opened.

    Hearing the same again changes nothing.
    """
    with transaction.atomic():
        connection = locked(connection_id)
        if connection.state in {state, State.UNTESTED}:  # a test is about to tell
            return
        connection.state, connection.tested_at = state, at
        connection.said = said[:_LONGEST_SAID]
        connection.save(update_fields=["state", "said", "tested_at"])
        code = scalingo.DeadToken.code if state == State.REFUSED else ""
        _record(connection, state, code, at=at, source=source)


# --- asking -------------------------------------------------------------------------------------


def _ask(box: bytes, client: scalingo.Client | None) -> _Answer:
    try:
        own = client or client_with(open_token(box), kind=Kind.INTERACTIVE)
    except TokenUnavailable as error:
        return _Answer(Outcome.UNREADABLE, str(error), code="unreadable")
    try:
        own.exchange()
        return _Answer(Outcome.WORKS, account=own.self_account())
    except scalingo.DeadToken as error:
        return _Answer(Outcome.REFUSED, error.sentence, code=error.code)
    except scalingo.ScalingoError as error:
        return _Answer(Outcome.UNCLEAR, error.sentence, code=error.code)
    finally:
        if client is None:
            own.close()


# --- keeping the answer ---------------------------------------------------------------------------


def _settle(pk: UUID, box: bytes, answer: _Answer, *, at: datetime, source: Source) -> Outcome:
    with transaction.atomic():
        # All of them: two tokens of one account, tried at once, must not both be put into use.
        everyone = {row.pk: row for row in Connection.objects.select_for_update().order_by("pk")}
        connection = everyone.pop(pk, None)
        if connection is None or not connection.waits_for_a_test or _box_of(connection) != box:
            return Outcome.NOTHING_TO_DO
        if answer.account is not None:
            answer = _judge(answer.account, connection, list(everyone.values()))
        before = connection.state
        _keep(answer, connection, at=at)
        connection.save()
        if _is_news(answer.outcome, changed=connection.state != before):
            state = _STATES.get(answer.outcome, State.WORKING)
            _record(connection, state, answer.code, at=at, source=source)
        return answer.outcome


def _is_news(outcome: Outcome, *, changed: bool) -> bool:
    """What is tried again every minute leaves one event, not one a minute."""
    return outcome in {Outcome.WORKS, Outcome.REFUSED} or (
        changed and outcome is Outcome.UNREADABLE
    )


def _judge(account: scalingo.Account, connection: Connection, others: list[Connection]) -> _Answer:
    """Whether a token that Scalingo accepts may be put into use here."""
    if connection.account_id not in {"", account.id}:
        sentence = _(
            "This token is of another account, {account}: add a connection of its own for it."
        )
        who = account.email or account.username or account.id
        return _Answer(Outcome.REFUSED, sentence.format(account=who), code="another_account")
    for other in others:
        if other.account_id == account.id:
            sentence = _("The connection {name} reads this account already.").format(name=other)
            return _Answer(Outcome.REFUSED, sentence, code="read_already")
    return _Answer(Outcome.WORKS, account=account)


def _keep(answer: _Answer, connection: Connection, *, at: datetime) -> None:
    connection.said = answer.said[:_LONGEST_SAID]
    connection.tested_at = at
    if answer.account is not None:
        _put_into_use(answer.account, connection, at=at)
        return
    has_another = connection.sealed_candidate is not None and connection.sealed_token is not None
    if answer.outcome is Outcome.REFUSED:
        connection.sealed_candidate = None
    if not has_another:  # or else the state is that of the token in use, which was not tried
        connection.state = _STATES[answer.outcome]


def _put_into_use(account: scalingo.Account, connection: Connection, *, at: datetime) -> None:
    connection.state = State.WORKING
    if connection.sealed_candidate is not None:
        connection.sealed_token, connection.sealed_candidate = connection.sealed_candidate, None
        connection.token_set_at = at
        # Somebody waits to see what is behind it.
        after_commit("sync.run_due")
    connection.account_id = account.id
    connection.account_email = account.email
    connection.account_username = account.username


def _box_of(connection: Connection) -> bytes | None:
    """The token to try: the one given last, else the one in use."""
    box = connection.sealed_candidate or connection.sealed_token
    return None if box is None else bytes(box)


def _record(
    connection: Connection, state: State, code: str, *, at: datetime, source: Source
) -> None:
    refused = code == scalingo.DeadToken.code
    record(
        "connection.refused" if refused else "connection.tested",
        by=None,
        source=source,
        at=at,
        target=connection,
        data={"state": state.value, "code": code},
    )
