"""Every sentence about a change: what will happen, why not, what follows, how far it is."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.changes.models import Change, Kind, State
from governance.inventory.models import Role

if TYPE_CHECKING:
    from governance.changes.plans.values import Row
    from governance.inventory.queries.coverage import Read

_ROLES: Mapping[str, Promise] = {
    Role.OWNER: gettext_lazy("owner"),
    Role.COLLABORATOR: gettext_lazy("collaborator"),
    Role.LIMITED: gettext_lazy("limited collaborator"),
    Role.UNKNOWN: gettext_lazy("collaborator of unknown role"),
}

_WHAT: Mapping[str, Promise] = {
    Kind.INVITE: gettext_lazy("{name} is invited to {app} as {role}."),
    Kind.CHANGE_ROLE: gettext_lazy("{name} becomes {role} on {app}."),
    Kind.REMOVE: gettext_lazy("{name} is removed from {app}."),
    Kind.CANCEL: gettext_lazy("The invitation of {name} to {app} is cancelled."),
}

WHY_NOT: Mapping[str, Promise] = {
    "malformed": gettext_lazy("{email} is not an address."),
    "no_app": gettext_lazy("There is no app called {app}."),
    "several_apps": gettext_lazy(
        "Several apps are called {app}: name the region, as in region/{app}."
    ),
    "gone_app": gettext_lazy("{app} no longer exists on Scalingo."),
    "on_it": gettext_lazy("{name} is on {app} already, as {role_now}."),
    "invited": gettext_lazy("{name} is invited to {app} already, as {role_now}."),
    "missing": gettext_lazy(
        "{name} was on {app} and is not in its last reading: whether they left is not settled yet."
    ),
    "owner": gettext_lazy(
        "{name} owns {app} until they transfer its project to somebody else on Scalingo."
    ),
    "linker": gettext_lazy(
        "{name} linked {app} to its repository: Scalingo does not change their role."
    ),
    "same_role": gettext_lazy("{name} is {role_now} on {app} already."),
    "not_on_it": gettext_lazy("{name} is not on {app}."),
    "on_nothing": gettext_lazy("{name} is on no app, as last read."),
    "only_owner": gettext_lazy("{name} is on no other app than those that they own."),
    "accepted": gettext_lazy("{name} has accepted the invitation to {app}: remove them instead."),
    "no_right": gettext_lazy("No connection may change who is on {app}."),
    "yourself": gettext_lazy("This is you: ask another admin."),
    "stale": gettext_lazy(
        "{app} was last read more than a day ago: who is on it now is not known."
    ),
    "never_read": gettext_lazy("{app} was not read yet: who is on it is not known."),
    "under_way": gettext_lazy("{other_by} decided about {name} on {app} first; that is under way."),
    "twice": gettext_lazy("{name} on {app} is in this plan twice."),
    "database_role": gettext_lazy("On a dedicated database everybody is a full collaborator."),
    "newer": gettext_lazy("{name} came to {app} after the file was exported: they stay."),
    "left": gettext_lazy(
        "{name} left {app} after the file was exported: they are not invited again."
    ),
    "other_role": gettext_lazy(
        "{name} became {role_now} on {app} after the file was exported: they stay so."
    ),
    "several_people": gettext_lazy(
        "Several people on {app} have the address “{email}”: the file cannot say which is meant."
    ),
    "changed": gettext_lazy("Something about {name} on {app} changed since the plan was shown."),
    "not_first": gettext_lazy("What must come before it does not happen."),
}

# Of what is under way, where it is set for a time that is to come: nothing happens before.
_SET_FOR_LATER = gettext_lazy(
    "{other_by} decided about {name} on {app} first, for {set_for}: nothing happens before that."
    " Cancel it first to have it otherwise."
)

WARNINGS: Mapping[str, Promise] = {
    "last_full": gettext_lazy("Nobody but the owner is left on {app} who may deploy it."),
    "linker": gettext_lazy(
        "{name} linked {app} to its repository: its automatic deployments may stop."
    ),
    "unread": gettext_lazy("{app} could not be read lately: this may be otherwise by now."),
    "missing": gettext_lazy(
        "{name} is not in the last reading of {app}: whether they left is not settled yet."
    ),
    "reader": gettext_lazy("{app} is read with this very account: it could not be read any more."),
    "mails": gettext_lazy("Scalingo sends {name} a mail."),
}

CONSEQUENCES: Mapping[str, Promise] = {
    "secrets": gettext_lazy(
        "Whoever is removed keeps the secrets that they have read: change passwords and variables."
    ),
    "tokens": gettext_lazy(
        "Their API tokens stop working on these apps, and so does whatever runs with them."
    ),
    "deploys": gettext_lazy("Automatic deployments that they linked may break."),
    "no_undo": gettext_lazy("It cannot be undone: they would have to accept a new invitation."),
    "step_down": gettext_lazy(
        "Whoever becomes a limited collaborator keeps the secrets that they have read."
    ),
    "again": gettext_lazy("The old invitation stops working; Scalingo sends another mail."),
}

# By code; without one, by state.
_FAR: Mapping[str, Promise] = {
    State.WAITING: gettext_lazy("Scalingo is not told yet."),
    State.TELLING: gettext_lazy("Scalingo is being told."),
    State.TOLD: gettext_lazy("Scalingo said yes. It was not read again since."),
    State.VERIFIED: gettext_lazy("It was read again, and is so."),
    State.REFUSED: gettext_lazy("Scalingo refused."),
    State.FAILED: gettext_lazy("It did not happen."),
    State.CANCELLED: gettext_lazy("It was cancelled before Scalingo was told."),
    State.UNKNOWN: gettext_lazy(
        "Scalingo's answer was lost on the way. The app is being read to see whether it was done."
    ),
    "held_back": gettext_lazy("It waits for what must be true first."),
    "window": gettext_lazy("Scalingo asked for fewer requests; it is told in the next minute."),
    "not_reached": gettext_lazy("Scalingo could not be reached; it is told again soon."),
    "blocked": gettext_lazy("Scalingo refuses everything from here; it is told again later."),
    "again": gettext_lazy("A reading showed that it was not done; it is told again."),
    "accepted": gettext_lazy("They accepted the invitation meanwhile, so they are removed."),
    "already_absent": gettext_lazy("Scalingo says that they are not there any more."),
    "still_there": gettext_lazy("Scalingo said yes, but the readings since do not show it yet."),
    "seen": gettext_lazy("The answer was lost, but a reading shows that it was done."),
    "gone_app": gettext_lazy("The app no longer exists."),
    "not_sent": gettext_lazy(
        "It never arrived: a reading shows that nobody was invited. It can be tried again."
    ),
    "not_done": gettext_lazy("It was told three times, and readings show that it is not so."),
    "not_seen": gettext_lazy("Scalingo said yes, but three readings since do not show it."),
    "given_up": gettext_lazy("Scalingo could not be told after many tries."),
    "no_such_app": gettext_lazy("Scalingo knows no such app."),
    "no_such_person": gettext_lazy("Scalingo says that they are not on the app any more."),
    "no_right": gettext_lazy("No connection has the right to change who is on this app."),
    "no_token": gettext_lazy("The connection to Scalingo does not work or is paused."),
    "not_allowed": gettext_lazy("Whoever decided it may not any more."),
    "changed": gettext_lazy("Something changed since the plan was shown, so it was not told."),
    "already": gettext_lazy("It was so already when its turn came."),
    "under_way": gettext_lazy("Somebody else decided about the same person and app first."),
    "on_it": gettext_lazy("They were on the app already."),
    "missing": gettext_lazy("Whether they were still on the app was not settled."),
    "first_came_to_nothing": gettext_lazy("What had to be true first did not come true."),
}


def role_word(role: str) -> str:
    """A role inside a sentence: "limited collaborator". Empty for none."""
    return str(_ROLES.get(role, role))


def what(row: "Row") -> str:
    return _fill(_WHAT[row.kind], row)


def why_not(row: "Row") -> str:
    return _fill(_SET_FOR_LATER if row.other_set_for else WHY_NOT[row.code], row)


def warning(code: str, row: "Row") -> str:
    return _fill(WARNINGS[code], row)


def what_of(change: Change) -> str:
    """What a change is about, as a sentence: "Ana is removed from billing-api."."""
    name = change.person.display_name if change.person else change.email
    return str(_WHAT[change.kind]).format(
        name=name, app=change.app.name, role=role_word(change.role)
    )


def how_far(change: Change) -> str:
    """How far it is and why, as a sentence."""
    if change.held_back:
        return str(_FAR["held_back"])
    if change.code == "refused" and change.said:
        return change.said  # a sentence that begins so: "Scalingo refused: …"
    return str(_FAR.get(change.code) or _FAR[change.state]).format(said=change.said)


def rests_on(found: "Iterable[Read]", *, at: datetime) -> Iterator[str]:
    """The last lines of a CSV of now: as of when, and how much was read, by region."""
    yield "# {name}: {at}".format(name=_("as of"), at=at.isoformat())
    for one in found:
        where = _("data as of, %(region)s") % {"region": one.region}
        what = _("%(at)s: %(expected)d apps expected, %(read)d read, %(failed)d not read") % {
            "at": one.as_of.isoformat() if one.as_of else _("never read"),
            "expected": one.expected,
            "read": one.read,
            "failed": one.failed,
        }
        yield f"# {where}: {what}"


def _fill(sentence: Promise, row: "Row") -> str:
    return str(sentence).format(
        name=row.name or row.email,
        email=row.email,
        app=row.app_name,
        role=role_word(row.role_then),
        role_now=role_word(row.role_now),
        other_by=row.other_by or _("Somebody"),
        set_for=_moment(row.other_set_for),
    )


def _moment(said: str) -> str:
    """An instant in ISO 8601 as people here say it; empty for none."""
    return f"{timezone.localtime(datetime.fromisoformat(said)):%Y-%m-%d %H:%M}" if said else ""
