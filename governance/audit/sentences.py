"""One human sentence for each kind of event.

Events hold a kind and data, never the sentence: it is put together, and translated, when it is
read. Every kind that is recorded anywhere must be a key here; a test looks for them.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.audit.words import (
    BY_SCALINGO,
    CHANGES,
    SAID_BETTER,
    SAID_BY_WHOM,
    TRIED,
    WHY,
    counted,
    word,
)

if TYPE_CHECKING:
    from governance.audit.models import Event

# {actor}, {target}, {app} and {person} are the names behind the ids; {what} and {tried} are put
# together in `template`; every other word in braces is a key of the event's data, with the word for
# its code (`words.py`), or of its personal part.
SENTENCES: dict[str, Promise] = {
    "user.signed_in": gettext_lazy("{actor} signed in."),
    "user.sign_in_failed": gettext_lazy("Somebody failed to sign in as {email}."),
    "user.sign_in_blocked": gettext_lazy("Sign-in as {email} was blocked after too many failures."),
    "user.signed_out": gettext_lazy("{actor} signed out."),
    "user.created": gettext_lazy("{actor} added {target} to this dashboard."),
    "user.roles_changed": gettext_lazy(
        "{actor} changed the roles of {target} from {before} to {after}."
    ),
    "user.scope_changed": gettext_lazy("{actor} changed which projects {target} sees."),
    "user.password_changed": gettext_lazy("{actor} set a new password for {target}."),
    "user.deactivated": gettext_lazy("{actor} took the right to sign in from {target}."),
    "user.activated": gettext_lazy("{actor} gave {target} the right to sign in again."),
    "user.refused": gettext_lazy("{actor} tried to {tried}, and was refused."),
    "connection.added": gettext_lazy("{actor} added the connection {target}."),
    "connection.tested": gettext_lazy("The connection {target} was tested: {state}."),
    "connection.token_replaced": gettext_lazy("{actor} replaced the token of {target}."),
    "connection.paused": gettext_lazy("{actor} paused the connection {target}."),
    "connection.resumed": gettext_lazy("{actor} resumed the connection {target}."),
    "connection.removed": gettext_lazy("{actor} removed the connection {name}."),
    "connection.test_requested": gettext_lazy("{actor} asked for a test of {target}."),
    "connection.refused": gettext_lazy("Scalingo refused the token of {target}."),
    "sync.requested": gettext_lazy("{actor} asked for a sync."),
    "sync.finished": gettext_lazy("A sync finished: {state}."),
    "sync.removals_held": gettext_lazy(
        "A sync would have ended {removals} collaborations and waits for somebody to decide."
    ),
    "sync.removals_approved": gettext_lazy("{actor} let the held removals through."),
    "sync.removals_discarded": gettext_lazy("{actor} discarded the held removals."),
    "platform.joined": gettext_lazy("{person} is now on {app}."),
    "platform.left": gettext_lazy("{person} is no longer on {app}."),
    "platform.invited": gettext_lazy("{person} was invited to {app}."),
    "platform.accepted": gettext_lazy("{person} accepted the invitation to {app}."),
    "platform.role_changed": gettext_lazy(
        "The role of {person} on {app} changed from {before} to {after}."
    ),
    "platform.status_changed": gettext_lazy(
        "The status of {person} on {app} changed from {before} to {after}."
    ),
    "platform.owner_changed": gettext_lazy("{app} has another owner."),
    "platform.two_factor_changed": gettext_lazy(
        "The two-factor authentication of {person} changed from {before} to {after}."
    ),
    "platform.app_listed": gettext_lazy("{app} is new here."),
    "platform.app_gone": gettext_lazy("{app} no longer exists on Scalingo."),
    "platform.app_renamed": gettext_lazy("{app} was renamed from {before} to {after}."),
    "platform.app_moved": gettext_lazy("{app} moved to another project."),
    "fact.app_described": gettext_lazy("{actor} described {app}."),
    "fact.note_added": gettext_lazy("{actor} wrote a note about {person}."),
    "fact.note_withdrawn": gettext_lazy("{actor} withdrew a note about {person}."),
    "fact.person_described": gettext_lazy("{actor} described {person}."),
    "fact.two_factor_attested": gettext_lazy(
        "{actor} attested that {person} has 2FA on, until {until}: {evidence}."
    ),
    "fact.attestation_withdrawn": gettext_lazy(
        "{actor} withdrew what was attested of the 2FA of {person}."
    ),
    "fact.two_factor_excepted": gettext_lazy(
        "{actor} let {person} go without 2FA until {until}: {reason}."
    ),
    "fact.exception_ended": gettext_lazy("{actor} ended the exception of {person} from 2FA."),
    "two_factor.reminded": gettext_lazy("{actor} reminded {person} to turn 2FA on."),
    "two_factor.review_started": gettext_lazy(
        "{actor} started a review of 2FA with {rows} people without it."
    ),
    "two_factor.review_decided": gettext_lazy(
        "{actor} decided in the review of 2FA about {person}: {decision}."
    ),
    "two_factor.review_signed": gettext_lazy(
        "{actor} signed the review of 2FA off: {rows} people, {remind} reminded,"
        " {excepted} excepted, {step_down} to step down, {remove} to be removed."
    ),
    "change.batch_placed": gettext_lazy(
        "{actor} decided on {changes} ({purpose}), saying “{reason}”."
    ),
    "change.placed": gettext_lazy("{actor} decided: {what}."),
    "change.telling": gettext_lazy("Scalingo is being told: {what}."),
    "change.told": gettext_lazy("Scalingo said yes: {what}."),
    "change.put_back": gettext_lazy("Scalingo is told again: {what}."),
    "change.verified": gettext_lazy("A reading shows that it is so: {what}."),
    "change.refused": gettext_lazy("This was refused: {what}."),
    "change.failed": gettext_lazy("This did not happen: {what}."),
    "change.cancelled": gettext_lazy("{actor} cancelled this: {what}."),
    "change.unknown": gettext_lazy("Whether this was done is not known: {what}."),
    "two_factor.review_forgotten": gettext_lazy(
        "{actor} erased the name and address of {person} in a review of 2FA."
    ),
    "rotation.opened": gettext_lazy(
        "{person} could read secrets of {app} and cannot any more: they are to be changed."
    ),
    "rotation.nothing_to_rotate": gettext_lazy(
        "{person} is off {app}, and could read names alone there: nothing is to be changed."
    ),
    "rotation.offered": gettext_lazy(
        "Variables of {app} were changed since {person} could read them."
    ),
    "rotation.assigned": gettext_lazy(
        "{actor} gave {owner} the duty to change what {person} could read of {app}."
    ),
    "rotation.unassigned": gettext_lazy(
        "{actor} left it open whose duty it is to change what {person} could read of {app}."
    ),
    "rotation.closed": gettext_lazy(
        "{actor} closed the duty to change what {person} could read of {app}, saying “{note}”."
    ),
    "rotation.reopened": gettext_lazy(
        "{actor} opened the duty to change what {person} could read of {app} again,"
        " saying “{note}”."
    ),
    "access.exported": gettext_lazy("{actor} read out who has access, {rows} lines."),
    "change.result_downloaded": gettext_lazy("{actor} downloaded the result of {changes}."),
    "report.asked": gettext_lazy("{actor} asked for the report {report} as {format}."),
    "report.made": gettext_lazy(
        "The report {report} that {actor} asked for was made as {format}: {rows} rows, {standing}."
    ),
    "report.failed": gettext_lazy(
        "The report {report} that {actor} asked for could not be made ({said})."
    ),
    "report.downloaded": gettext_lazy(
        "{actor} downloaded the report {report} as {format}, {rows} rows."
    ),
    "report.mailed": gettext_lazy("The report {report} was mailed to {to}."),
    "report.mail_lost": gettext_lazy("The report {report} could not be mailed to {to}."),
    "report.deleted": gettext_lazy("The file of the report {report} was deleted after its time."),
    "report.schedule_made": gettext_lazy(
        "{actor} has the report {report} mailed every {every} to {to}."
    ),
    "report.schedule_paused": gettext_lazy(
        "{actor} paused the report {report} that is mailed every {every}."
    ),
    "report.schedule_resumed": gettext_lazy(
        "{actor} resumed the report {report} that is mailed every {every}."
    ),
    "report.schedule_ended": gettext_lazy(
        "{actor} ended the report {report} that was mailed every {every}."
    ),
    "settings.changed": gettext_lazy("{actor} changed the setting {setting}."),
    "audit.exported": gettext_lazy(
        "{actor} asked for an export of the audit log, then {events} events long."
    ),
    "audit.export_delivered": gettext_lazy("{actor} received {events} events of the audit log."),
    "audit.key_added": gettext_lazy("Checkpoints are signed with the key {key_id} from now on."),
    "audit.key_revoked": gettext_lazy(
        "{actor} revoked the key {key_id}: checkpoints signed with it prove nothing any more."
    ),
    "personal.erased": gettext_lazy("{actor} erased names and addresses from {count} events."),
}


# Refused by us, or cancelled by nobody: the same kinds, and another sentence.
_NOT_TOLD = gettext_lazy("Scalingo was not told this: {what}.")
_CAME_TO_NOTHING = gettext_lazy("This is not done any more: {what}.")
# Of a page or command that this version does not know.
_WAS_REFUSED = gettext_lazy("{actor} was refused: {method} {route}.")


def sentence(
    event: "Event",
    *,
    names: Mapping[UUID, str],
    personal: Mapping[str, str] | None = None,
    erased: bool = False,
) -> str:
    """What `event` says: see `words`. A kind without a sentence, as an older version may find after
    a downgrade, is shown as it is.
    """
    found = template(event, personal=personal, erased=erased)
    if found is None:
        return event.kind
    return found.format_map(words(event, names=names, personal=personal, erased=erased))


def template(
    event: "Event", *, personal: Mapping[str, str] | None = None, erased: bool = False
) -> str | None:
    """The sentence of an event with its names still in braces; None for a kind without one."""
    base = SENTENCES.get(event.kind)
    if base is None:
        return None
    if event.kind == "user.refused":
        return _refusal(event.data)
    if event.data.get("what") in CHANGES:
        has_said = "said" in (personal or {})
        return _of_change(event.kind, str(base), event.data, has_said=has_said, erased=erased)
    return str(base)


def _refusal(data: Mapping[str, object]) -> str:
    route = str(data.get("route", ""))
    tried: object = TRIED.get(f"{data.get('method')} {route}") or TRIED.get(route)
    if "command" in data:
        tried = TRIED.get(f"command {data['command']}") or _("run the command {command}")
    if tried is None:
        return str(_WAS_REFUSED)
    return str(SENTENCES["user.refused"]).replace("{tried}", str(tried))


def _of_change(
    kind: str, base: str, data: Mapping[str, object], *, has_said: bool, erased: bool
) -> str:
    """What it is about, then why it came to that: Scalingo's own words where it said any."""
    code = str(data.get("code", ""))
    # The right may have been missing here or there.
    by_scalingo = code in BY_SCALINGO or (code == "no_right" and (has_said or erased))
    if code == "first_came_to_nothing":
        base = str(_CAME_TO_NOTHING)
    elif kind == "change.refused" and not by_scalingo:
        base = str(_NOT_TOLD)
    parts = [base.replace("{what}", str(CHANGES[str(data["what"])]))]
    is_said = has_said or (erased and code == "refused")
    if code in WHY and not (is_said and code in SAID_BETTER):
        parts.append(str(WHY[code]))
    if is_said and code not in SAID_BY_WHOM:
        parts.append("{said}")
    return " ".join(parts)


def words(
    event: "Event",
    *,
    names: Mapping[UUID, str],
    personal: Mapping[str, str] | None = None,
    erased: bool = False,
) -> Mapping[str, str]:
    """The words of an event's sentence: people and things as they were called then, where that was
    kept, else by `names` (looked up for a whole page at once); codes as words.

    Whatever is not known, or was erased, is said so, never left blank.
    """
    missing = _("(erased)") if erased else _("(not known)")
    found: dict[str, str] = defaultdict(lambda: missing)
    found.update({key: _word(event.kind, key, value) for key, value in event.data.items()})
    found.update(_names(event, names, missing if erased else ""))
    found.update(personal or {})
    if event.kind.startswith("change.") and not erased:
        found.setdefault("said", _("Somebody"))  # who was first
    return found


def _names(event: "Event", names: Mapping[UUID, str], missing: str) -> dict[str, str]:
    found = {"actor": _actor(event, names, missing)}
    for place, identity in (
        ("target", event.target_id),
        ("app", event.app_id),
        ("person", event.person_id),
    ):
        if identity is not None:
            found[place] = names.get(identity) or missing or str(identity)
    return found


def _actor(event: "Event", names: Mapping[UUID, str], missing: str) -> str:
    if event.actor_id is not None:
        return names.get(event.actor_id) or missing or str(event.actor_id)
    return _("The system") if event.actor_kind == "system" else _("Somebody")


def _word(kind: str, key: str, value: object) -> str:
    if isinstance(value, str):
        return word(kind, key, value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(word(kind, key, item) for item in value) or _("none")
    if isinstance(value, int) and not isinstance(value, bool):
        return counted(key, value)
    return json.dumps(value, ensure_ascii=False)
