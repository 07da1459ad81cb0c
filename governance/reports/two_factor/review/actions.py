"""Start a review, decide about one person, sign it off; forget somebody in all of them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from governance.accounts.models import Role, User, plain_address
from governance.audit.actions import record, record_many
from governance.audit.events import Entry, Source
from governance.core.verdict import ALLOWED, Verdict
from governance.inventory.models import TwoFactor
from governance.inventory.queries.asof import Moment
from governance.reports.two_factor import permissions
from governance.reports.two_factor.asked import Asked
from governance.reports.two_factor.models import Decision, Review, Reviewed
from governance.reports.two_factor.queries import Numbers, Row, read_lacking, read_page
from governance.reports.two_factor.review import following
from governance.reports.two_factor.review.queries import holding, naming

# From its beginning to its sign-off.
TIME = timedelta(days=14)
_MOST = 100_000


class NotNow(Exception):
    """Somebody was first, or something is missing. Its text says what."""


def start(*, by: User, source: Source, at: datetime) -> Review:
    """Freeze the report as it is now. Raises `NotNow` while another is open, and `Refused`."""
    permissions.may_review(by).enforce()
    return begin(by=by, source=source, at=at)


@transaction.atomic
def begin(*, by: User | None, source: Source, at: datetime) -> Review:
    """The same, once it was asked whether `by` may. Nobody: it opens by itself.

    Raises `NotNow`.
    """
    moment, reader = Moment(at), by or User(roles=[Role.AUDITOR])
    rows = [row for row in read_lacking(reader, moment, _MOST) if row.two_factor == TwoFactor.OFF]
    numbers = read_page(reader, Asked(moment), size=1).numbers
    if numbers.everyone.off != len(rows):
        # A sync came between the two readings: a review whose numbers do not tie proves nothing.
        raise NotNow(_("Something moved at that moment. Please start it again."))
    try:
        with transaction.atomic():
            review = Review.objects.create(
                started_by=by,
                as_of=at,
                due_at=at + TIME,
                numbers=_frozen(numbers),
                rows=len(rows),
            )
    except IntegrityError as error:
        raise NotNow(_("A review is open already: it is signed off first.")) from error
    Reviewed.objects.bulk_create(
        _reviewed(review, number, row, at) for number, row in enumerate(rows, start=1)
    )
    record(
        "two_factor.review_started",
        by=by,
        source=source,
        at=at,
        target=review,
        data={"rows": len(rows)},
    )
    return review


def _frozen(numbers: Numbers) -> dict[str, list[int]]:
    shares = {
        "known": numbers.known,
        "accepted": numbers.accepted,
        "everyone": numbers.everyone,
    }
    return {name: [one.on, one.off, one.unknown] for name, one in shares.items()}


def _reviewed(review: Review, number: int, row: Row, at: datetime) -> Reviewed:
    return Reviewed(
        review=review,
        number=number,
        person_id=row.person_id,
        email=row.email,
        username=row.username,
        belongs=row.belongs,
        risk=row.risk,
        since=row.since,
        days=max(0, (at - row.since).days),
        apps=row.apps,
        full_role=row.full_role,
        owned=row.owned,
        production=row.production,
        health_data=row.health_data,
        reminders=row.reminders,
        exception_until=row.exception_until,
    )


def may_decide(user: User, one: Reviewed) -> Verdict:
    """Whether `user` may decide about this person: never about oneself."""
    if one.email and plain_address(one.email) == plain_address(user.email):
        return Verdict(_("This is you. Somebody else has to decide it."))
    return permissions.may_review(user)


def may_sign(user: User, review: Review) -> Verdict:
    """Whether `user` may sign: everybody is decided, and they are not among them."""
    allowed = permissions.may_review(user)
    if not allowed:
        return allowed
    if review.people.filter(email__iexact=plain_address(user.email)).exists():
        return Verdict(_("You are in this review yourself. Somebody else has to sign it off."))
    if review.people.filter(decisions=None).exists():
        return Verdict(_("Somebody is not decided yet."))
    return ALLOWED


@transaction.atomic
def decide(
    one: Reviewed,
    *,
    what: Decision.What,
    note: str,
    until: datetime | None,
    by: User,
    source: Source,
    at: datetime,
) -> Decision:
    """Add a decision; one before it stays. It takes effect when the review is signed off.

    Raises `NotNow` once it is, and `Refused`.
    """
    review = Review.objects.select_for_update().get(pk=one.review_id)
    if review.is_signed:
        raise NotNow(_("The review is signed off. Nothing of it changes any more."))
    may_decide(by, one).enforce()
    decision = Decision.objects.create(
        reviewed=one, what=what, note=note, until=until, by=by, at=at
    )
    record(
        "two_factor.review_decided",
        by=by,
        source=source,
        at=at,
        target=review,
        person_id=one.person_id,
        data={"decision": str(what), "until": f"{until:%Y-%m-%d}" if until else ""},
        personal={"note": note} if note else {},
    )
    return decision


@transaction.atomic
def sign_off(review: Review, *, statement: str, by: User, source: Source, at: datetime) -> Review:
    """Sign it, and let reminders and exceptions take effect. Raises `NotNow` and `Refused`.

    Nobody steps down or is removed by it: that is a change with a plan of its own, which somebody
    looks at.
    """
    review = Review.objects.select_for_update().get(pk=review.pk)
    if review.is_signed:
        raise NotNow(_("%(name)s signed it off first.") % {"name": review.signed_by})
    may_sign(by, review).enforce()
    decisions = holding(review.pk)
    if len(decisions) != review.rows:
        raise NotNow(_("The people of this review are not those it began with."))
    review.signed_by, review.signed_at, review.statement = by, at, statement
    review.nothing_followed = following.follow(decisions, by=by, source=source, at=at)
    review.save(update_fields=["signed_by", "signed_at", "statement", "nothing_followed"])
    record(
        "two_factor.review_signed",
        by=by,
        source=source,
        at=at,
        target=review,
        data={
            "rows": review.rows,
            "remind": _followed(decisions, Decision.What.REMIND, review),
            "excepted": _followed(decisions, Decision.What.EXCEPT, review),
            "step_down": _count(decisions, Decision.What.STEP_DOWN),
            "remove": _count(decisions, Decision.What.REMOVE),
            "nothing_followed": len(review.nothing_followed),
        },
        personal={"statement": statement},
    )
    return review


@transaction.atomic
def forget(people: Collection[UUID], *, by: User | None, source: Source, at: datetime) -> int:
    """Empty the name and address of these people in every review, signed or not; how many rows.

    Nothing else of a review changes: rows, decisions and numbers tie as before.
    """
    rows = list(naming(people).select_for_update().order_by("pk"))
    Reviewed.objects.filter(pk__in=[row.pk for row in rows]).update(email="", username="")
    record_many(
        Entry(
            kind="two_factor.review_forgotten",
            at=at,
            source=source,
            actor_id=by.pk if by else None,
            actor_kind="user" if by else "system",
            target_kind=Review._meta.label_lower,
            target_id=row.review_id,
            person_id=row.person_id,
        )
        for row in rows
    )
    return len(rows)


def _count(decisions: list[Decision], what: Decision.What) -> int:
    return sum(one.what == what for one in decisions)


def _followed(decisions: list[Decision], what: Decision.What, review: Review) -> int:
    return sum(
        one.what == what and str(one.reviewed.number) not in review.nothing_followed
        for one in decisions
    )
