"""Words for the codes that events hold, put in when they are read.

Here as the sentences are: what is above says in codes what happened, and a test compares them.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

Table = Mapping[str, Promise]

ROLES: Table = {
    "owner": _("owner"),
    "collaborator": _("collaborator"),
    "limited": _("limited collaborator"),
    "unknown": _("collaborator of unknown role"),
}
STATUSES: Table = {
    "accepted": _("accepted"),
    "pending": _("invited"),
    "deleted": _("account deleted"),
    "unknown": _("not known"),
}
TWO_FACTOR: Table = {"on": _("on"), "off": _("off"), "unknown": _("not known")}
# Of those who sign in here.
USER_ROLES: Table = {
    "viewer": _("viewer"),
    "auditor": _("auditor"),
    "admin": _("admin"),
    "operator": _("operator"),
}
CONNECTIONS: Table = {
    "untested": _("not tested yet"),
    "working": _("it works"),
    "refused": _("Scalingo refuses it"),
    "unreadable": _("its token cannot be opened with our key"),
}
SYNCS: Table = {
    "waiting": _("waiting"),
    "running": _("running"),
    "complete": _("complete"),
    "partial": _("partial"),
    "failed": _("failed"),
}
DECISIONS: Table = {
    "remind": _("to be reminded"),
    "except": _("excepted until a day"),
    "step_down": _("to step down to limited collaborator"),
    "remove": _("to be removed"),
}
PURPOSES: Table = {
    "invite": _("invitations"),
    "change_role": _("other roles"),
    "remove": _("removals"),
    "invite_again": _("invitations again"),
    "offboard": _("an offboarding"),
    "file": _("from a file"),
    "retry": _("another try"),
}
EVERY: Table = {"week": _("week"), "month": _("month"), "quarter": _("quarter")}
FORMATS: Table = {
    "csv": _("CSV"),
    "xlsx": _("XLSX"),
    "json": _("JSON"),
    "pdf": _("PDF"),
    "zip": _("Evidence pack (ZIP)"),
}
REPORTS: Table = {
    "access-by-app": _("Access register, by app"),
    "access-by-person": _("Access register, by person"),
    "privileged": _("Privileged access"),
    "audit": _("Audit log"),
    "changes": _("Changes, with their proof"),
    "coverage": _("Coverage"),
    "difference": _("Difference between two instants"),
    "invitations": _("Invitations by age"),
    "movers": _("Joiners, movers and leavers"),
    "two-factor": _("Two-factor authentication"),
    "two-factor-review": _("Reviews of 2FA"),
    "pack": _("Evidence pack"),
}

# By kind, or by the first word of kinds; then by the key of the event's data.
_TABLES: Mapping[str, Mapping[str, Table]] = {
    "user.created": {"roles": USER_ROLES},
    "user.roles_changed": {"before": USER_ROLES, "after": USER_ROLES},
    "connection": {"state": CONNECTIONS},
    "sync": {"state": SYNCS},
    "platform": {"role": ROLES, "status": STATUSES},
    "platform.role_changed": {"before": ROLES, "after": ROLES},
    "platform.status_changed": {"before": STATUSES, "after": STATUSES},
    "platform.two_factor_changed": {"before": TWO_FACTOR, "after": TWO_FACTOR},
    "change": {"role": ROLES, "purpose": PURPOSES},
    "two_factor": {"decision": DECISIONS},
    "report": {"report": REPORTS, "format": FORMATS, "every": EVERY},
}

# What a change is about, inside a sentence. Scalingo may have been told it or not.
CHANGES: Table = {
    "invite": _("{person} is invited to {app} as {role}"),
    "change_role": _("{person} becomes {role} on {app}"),
    "remove": _("{person} is removed from {app}"),
    "cancel": _("the invitation of {person} to {app} is cancelled"),
}

# Why a change came to its state: a sentence after the one that says so. {said} is what Scalingo
# said, or who was first.
WHY: Table = {
    "window": _("Scalingo asked for fewer requests."),
    "not_reached": _("Scalingo could not be reached."),
    "blocked": _("Scalingo refuses everything from here."),
    "again": _("A reading showed that it was not done."),
    "already_absent": _("Scalingo says that they were not there any more."),
    "seen": _("The answer was lost, but a reading shows that it was done."),
    "gone_app": _("The app no longer exists."),
    "not_sent": _("It never arrived: a reading shows that nobody was invited."),
    "not_done": _("It was told three times, and readings show that it is not so."),
    "not_seen": _("Scalingo said yes, but three readings since do not show it."),
    "still_there": _("Scalingo said yes, but the readings since do not show it yet."),
    "given_up": _("Scalingo could not be told after many tries."),
    "late": _("An answer came when it was not waited for any more."),
    "worker_lost": _("Whatever told Scalingo ended before the answer came."),
    "refused": _("Scalingo refused."),
    "no_such_app": _("Scalingo knows no such app."),
    "no_such_person": _("Scalingo says that they are not on the app any more."),
    "no_right": _("No connection has the right to change who is on this app."),
    "no_token": _("The connection to Scalingo does not work or is paused."),
    "not_allowed": _("Whoever decided it may not any more."),
    "changed": _("Something had changed since the plan was shown."),
    "already": _("It was so already when its turn came."),
    "under_way": _("{said} decided about the same person and app first."),
    "on_it": _("They were on the app already."),
    "accepted": _("They had accepted the invitation, so they are removed."),
    "missing": _("Whether they were still on the app was not settled."),
    "first_came_to_nothing": _("What had to be true first did not come true."),
}
# Where Scalingo's own words say why, better than ours.
SAID_BETTER = {"refused", "no_right", "no_token"}
# What is said there is a name.
SAID_BY_WHOM = {"under_way", "changed"}
# Who refused was Scalingo; with any other code Scalingo was told nothing.
BY_SCALINGO = {"refused", "no_such_app", "no_such_person"}

# What somebody tried who was refused: by the name of the page, where need be with its method, and
# by command of the terminal.
TRIED: Table = {
    "dashboard:overview": _("see the overview"),
    "dashboard:people": _("see the people"),
    "dashboard:person": _("see the page of {person}"),
    "POST dashboard:person": _("describe {person}"),
    "dashboard:apps": _("see the apps"),
    "dashboard:app": _("see the page of {app}"),
    "POST dashboard:app": _("describe {app}"),
    "dashboard:search": _("search"),
    "dashboard:matching-people": _("act on all people that match"),
    "dashboard:matching-apps": _("act on all apps that match"),
    "dashboard:withdraw": _("withdraw a note about {person}"),
    "dashboard:settings": _("see the settings"),
    "dashboard:settings-people": _("see who signs in here"),
    "dashboard:settings-add": _("add somebody who signs in here"),
    "dashboard:settings-person": _("see what somebody may do here"),
    "POST dashboard:settings-person": _("change what somebody may do here"),
    "dashboard:settings-deactivate": _("keep somebody from signing in here"),
    "dashboard:settings-activate": _("let somebody sign in here again"),
    "dashboard:settings-password": _("give somebody another password here"),
    "dashboard:audit": _("read the audit log"),
    "dashboard:audit-export": _("export the audit log"),
    "changes:invite": _("invite people"),
    "changes:offboard": _("offboard {person}"),
    "changes:list": _("see the changes"),
    "changes:roles": _("change roles on apps"),
    "changes:removals": _("remove people from apps"),
    "changes:selected": _("act on people or apps of a list"),
    "changes:plan": _("see a plan of changes"),
    "POST changes:plan": _("place a plan of changes"),
    "changes:detail": _("see a batch of changes"),
    "changes:cancel": _("cancel changes"),
    "changes:retry": _("try changes again"),
    "changes:download": _("download the result of changes"),
    "two-factor:list": _("see who has 2FA"),
    "two-factor:over-time": _("see 2FA over time"),
    "two-factor:remind": _("remind people to turn 2FA on"),
    "two-factor:person": _("see the 2FA of {person}"),
    "two-factor:attest": _("attest the 2FA of {person}"),
    "two-factor:withdraw": _("withdraw what was attested of the 2FA of {person}"),
    "two-factor:except": _("let {person} go without 2FA"),
    "two-factor:end-exception": _("end the exception of {person} from 2FA"),
    "two-factor:remind-one": _("remind {person} to turn 2FA on"),
    "two-factor:reviews": _("see the reviews of 2FA"),
    "two-factor:start-review": _("start a review of 2FA"),
    "two-factor:review": _("see a review of 2FA"),
    "two-factor:decide": _("decide in a review of 2FA"),
    "two-factor:sign-off": _("sign a review of 2FA off"),
    "rotations:list": _("see the rotations"),
    "rotations:detail": _("see a rotation"),
    "rotations:close": _("close a rotation"),
    "rotations:reopen": _("open a rotation again"),
    "rotations:assign": _("say whose duty a rotation is"),
    "reports:list": _("see the reports"),
    "reports:export": _("see an export"),
    "reports:download": _("download an export"),
    "reports:schedules": _("see the schedules of reports"),
    "reports:pause": _("pause a schedule of reports"),
    "reports:resume": _("resume a schedule of reports"),
    "reports:end": _("end a schedule of reports"),
    "reports:report": _("see a report"),
    "POST reports:report": _("export a report"),
    "reports:mail": _("have a report mailed"),
    "difference:difference": _("see the difference between two instants"),
    "sync:status": _("see the syncs"),
    "sync:start": _("start a sync"),
    "sync:decide": _("decide about held removals"),
    "connections:list": _("see the connections"),
    "connections:add": _("add a connection"),
    "connections:detail": _("see a connection"),
    "connections:replace-token": _("replace the token of a connection"),
    "connections:test": _("test a connection"),
    "connections:pause": _("pause a connection"),
    "connections:resume": _("resume a connection"),
    "connections:remove": _("remove a connection"),
    "command invite": _("invite people"),
    "command change_role": _("change roles on apps"),
    "command remove": _("remove people from apps"),
    "command offboard": _("offboard {person}"),
    "command apply_plan": _("place a plan of changes"),
    "command export_access": _("read out who has access"),
    "command export_report": _("export a report"),
}


def word(kind: str, key: str, code: str) -> str:
    """The word for a code of an event of `kind`; one that has none, as a name, is its own."""
    for tables in (_TABLES.get(kind), _TABLES.get(kind.partition(".")[0])):
        if tables and key in tables:
            return str(tables[key].get(code, code))
    return code


def counted(key: str, number: int) -> str:
    """A number with what it counts, where a sentence counts it."""
    if key == "changes":
        return ngettext("{n} change", "{n} changes", number).format(n=number)
    return str(number)
