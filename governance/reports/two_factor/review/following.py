"""What follows from the decisions of a review when it is signed: reminders and exceptions.

Said before on its page, kept with the signature where nothing follows and why, and shown after.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit.events import Source
from governance.facts import vouching
from governance.facts.models import TwoFactorException
from governance.inventory.models import Person, TwoFactor
from governance.inventory.queries.asof import Moment
from governance.notifications.models import Delivery
from governance.reports.two_factor import permissions, reminding
from governance.reports.two_factor.models import Decision, Reminder, Review
from governance.reports.two_factor.queries import Row, read_people

# What has an effect when a review is signed.
EFFECTIVE = (Decision.What.REMIND, Decision.What.EXCEPT)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One decision, and why nothing would follow from it now; empty where something does."""

    decision: Decision
    why_not: str


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one decision of a signed review. `mail` is how far the reminder is."""

    mail: str = ""
    is_excepted: bool = False
    why_not: str = ""


def foresee(decisions: Iterable[Decision], *, by: User, at: datetime) -> list[Foreseen]:
    """What would follow if `by` signed now, of those decisions that have an effect. Two queries."""
    found = [one for one in decisions if one.what in EFFECTIVE]
    ids = [one.reviewed.person_id for one in found]
    rows = {row.person_id: row for row in read_people(by, Moment(at), ids)} if ids else {}
    may_remind = permissions.may_remind(by)
    said = []
    for one in found:
        row = rows.get(one.reviewed.person_id)
        if one.what == Decision.What.REMIND and not may_remind:
            said.append(Foreseen(one, may_remind.reason))
        else:
            said.append(Foreseen(one, _why_not(one, row, at)))
    return said


def _why_not(decision: Decision, row: Row | None, at: datetime) -> str:
    if row is None:
        return _("They have no access any more.")
    if decision.what == Decision.What.REMIND:
        return reminding.why_not(row, at)
    return _("They have 2FA on.") if row.two_factor == TwoFactor.ON else ""


def follow(decisions: list[Decision], *, by: User, source: Source, at: datetime) -> dict[str, str]:
    """Promise the reminders and grant the exceptions, in the transaction of the signature.

    Gives why nothing followed, by the number of the row, where that is so.
    """
    foreseen = foresee(decisions, by=by, at=at)
    nothing = {str(one.decision.reviewed.number): one.why_not for one in foreseen if one.why_not}
    doing = [one.decision for one in foreseen if not one.why_not]
    ids = [one.reviewed.person_id for one in doing if one.what == Decision.What.REMIND]
    if ids:
        reminding.promise(read_people(by, Moment(at), ids), by=by, source=source, at=at)
    for one in doing:
        if one.what == Decision.What.EXCEPT and (why := _except(one, source, at)):
            nothing[str(one.reviewed.number)] = why
    return nothing


def _except(decision: Decision, source: Source, at: datetime) -> str:
    """Grant the exception that was decided; why not, where it is needed no more."""
    assert decision.until is not None, "the database has it so"  # noqa: S101
    try:
        vouching.except_from_two_factor(
            Person.objects.get(pk=decision.reviewed.person_id),
            reason=decision.note,
            until=decision.until,
            by=decision.by,
            source=source,
            at=at,
        )
    except vouching.NotNeeded as error:
        return str(error)
    return ""


def came(review: Review, people: Mapping[UUID, int]) -> dict[int, Came]:
    """What came of each decision of a signed review, by number. `people` are their numbers.

    What it promised and granted has the time of its signature. Two queries.
    """
    if review.signed_at is None:
        return {}
    at, nothing = review.signed_at, review.nothing_followed
    mails = Reminder.objects.filter(person__in=people, at=at).select_related("delivery")
    mailed = {one.person_id: one.delivery.get_state_display() for one in mails}
    granted = TwoFactorException.objects.filter(person__in=people, said_at=at)
    excepted = set(granted.values_list("person_id", flat=True))
    return {
        number: Came(mailed.get(person, ""), person in excepted, nothing.get(str(number), ""))
        for person, number in people.items()
    }


def count(found: Iterable[Foreseen]) -> Counter[str]:
    """How many mails and exceptions follow, and how many of each do not."""
    counted: Counter[str] = Counter()
    for one in found:
        counted[f"{'not_' if one.why_not else ''}{one.decision.what}"] += 1
    return counted


def mails_of(found: Iterable[Came]) -> dict[str, int]:
    """The mails that were promised, by how far they are now."""
    states = Counter(one.mail for one in found if one.mail)
    return {str(state.label): states.get(str(state.label), 0) for state in Delivery.State}
