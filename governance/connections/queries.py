"""What the pages say of a connection, in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.connections.models import Connection, State

# The sweep tries every minute; after this nobody has.
_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Row:
    """A connection with its state in words: an icon, a tone, a word, and a sentence."""

    connection: Connection
    icon: str
    tone: str
    word: str
    sentence: str

    @property
    def is_read_with(self) -> bool:
        """Whether each sync reads with it. One that is shut out is tried, and reads nothing."""
        shut_out = self.connection.state in {State.REFUSED, State.UNREADABLE}
        return self.connection.is_in_use and self.connection.paused_at is None and not shut_out

    @property
    def mark(self) -> str:
        """Tells two states apart that are not worded alike."""
        return f"{crc32(f'{self.word} {self.sentence}'.encode()):08x}"


_BADGES: dict[State, tuple[str, str, Promise]] = {
    State.UNTESTED: ("hourglass", "info", gettext_lazy("Being tested")),
    State.WORKING: ("circle-check", "ok", gettext_lazy("Working")),
    State.REFUSED: ("circle-x", "bad", gettext_lazy("Refused")),
    State.UNREADABLE: ("key-round", "bad", gettext_lazy("Cannot be opened")),
}


def rows(*, at: datetime) -> list[Row]:
    """Every connection by name, with its state as of `at`."""
    return [row_of(connection, at=at) for connection in Connection.objects.all()]


def row_of(connection: Connection, *, at: datetime) -> Row:
    """One connection with its state as of `at`."""
    icon, tone, word = _BADGES[State(connection.state)]
    return Row(connection, icon, tone, str(word), _sentence(connection, at))


def _sentence(connection: Connection, at: datetime) -> str:
    if connection.sealed_candidate is not None:
        return " ".join(_of_the_test(connection, at))
    said = connection.said
    match State(connection.state):
        case State.UNTESTED:
            return " ".join([_("A worker is testing the token in use again."), *_last_try(said)])
        case State.WORKING if said:
            return _(
                "The token given last was not saved: {said} The one in use stays in use."
            ).format(said=said)
        case State.WORKING:
            return _("Scalingo accepts the token.")
        case State.REFUSED if connection.sealed_token is None:
            return _("The token was not saved: {said}").format(said=said)
        case _:
            return said


def _of_the_test(connection: Connection, at: datetime) -> list[str]:
    if connection.sealed_token is not None:
        first = _("A worker is testing a new token. The one in use stays in use until then.")
    else:
        first = _("A worker is testing the token. Nothing is read with it before that.")
    if connection.tested_at is None and at - connection.token_set_at > _PATIENCE:
        return [first, _("Nobody has tried it yet: is a worker running?")]
    return [first, *_last_try(connection.said)]


def _last_try(said: str) -> list[str]:
    return [said, _("It is tried again every minute.")] if said else []
