"""Every sentence about a duty: what somebody could read, how it ended, what was seen since."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from governance.core.templatetags.interface import ago, length
from governance.inventory.models import Role
from governance.rotations.models import Duty, Knowledge, Why

_WHY: Mapping[str, Promise] = {
    Why.LEFT: gettext_lazy("{person} is no longer on {app}."),
    Why.STEPPED_DOWN: gettext_lazy("{person} became a limited collaborator of {app}."),
    Why.GAVE_AWAY: gettext_lazy("{person} gave {app} away and is no longer on it."),
    Why.ACCOUNT_DELETED: gettext_lazy("The Scalingo account of {person} was deleted."),
}
_AS: Mapping[str, Promise] = {
    Role.OWNER: gettext_lazy("the owner"),
    Role.COLLABORATOR: gettext_lazy("a full collaborator"),
    Role.LIMITED: gettext_lazy("a limited collaborator"),
    Role.UNKNOWN: gettext_lazy("a collaborator whose role Scalingo did not say"),
}

# By Scalingo's table of roles.
COULD_READ = (
    gettext_lazy("The value of every environment variable, and so whatever key stands in one."),
    gettext_lazy("The databases: their addresses, their users and passwords, their backups."),
    gettext_lazy("The log drains, with the addresses and keys of whoever receives the logs."),
    gettext_lazy("One-off containers, which see all of this and the data itself."),
)
NAMES_ALONE = (
    gettext_lazy("The names of environment variables, and no value."),
    gettext_lazy("Logs, metrics and the activity of the app, with values hidden."),
)


def why(duty: Duty) -> str:
    """How the access ended, in one sentence."""
    return str(_WHY[duty.why]).format(person=duty.person, app=duty.app)


def role(duty: Duty) -> str:
    """What they were: "a full collaborator"."""
    return str(_AS[duty.role])


def could_read(duty: Duty) -> list[str]:
    """What that let them read, a sentence each."""
    said = COULD_READ if duty.knowledge == Knowledge.VALUES else NAMES_ALONE
    return [str(one) for one in said]


def known(duty: Duty, *, variables: int, users: int) -> str:
    """What is known of it in a row of the list: "5 variables, 2 database users"."""
    if duty.knowledge == Knowledge.NAMES:
        return _("names alone")
    if duty.names_read_at is None and duty.databases_read_at is None:
        return _("names not read yet")
    parts = []
    if duty.names_read_at:
        parts.append(ngettext("%(n)d variable", "%(n)d variables", variables) % {"n": variables})
    if users:
        parts.append(ngettext("%(n)d database user", "%(n)d database users", users) % {"n": users})
    return ", ".join(parts) or _("nothing was found")


def due(duty: Duty, now: datetime) -> str:
    """When it has to be done, from `now`: "in 4 days", "2 days overdue"."""
    if duty.is_overdue(now):
        span = length((now - duty.due_at).total_seconds())
        return _("%(span)s overdue") % {"span": span}
    return ago(duty.due_at, now)


def failing(what: str, said: str) -> str:
    """What was not read, without the moment since when, which is shown beside it."""
    heads: Mapping[str, Promise] = {
        "names": gettext_lazy("The names of the variables could not be read"),
        "databases": gettext_lazy("The database users could not be read"),
        "events": gettext_lazy("What was changed since could not be looked up"),
    }
    return _("%(what)s, because: %(said)s") % {"what": heads[what], "said": said}
