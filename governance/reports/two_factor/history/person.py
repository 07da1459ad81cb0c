"""What was known, said and done about one person's 2FA."""

from dataclasses import dataclass
from datetime import datetime

from governance.facts.models import OwnerAttestation, TwoFactorException
from governance.inventory.models import Person, TwoFactorPeriod
from governance.reports.two_factor.models import Reminder

MOST = 20


@dataclass(frozen=True, slots=True)
class History:
    """Each newest first, the last twenty; and what of it holds now."""

    periods: list[TwoFactorPeriod]
    attestations: list[OwnerAttestation]
    exceptions: list[TwoFactorException]
    reminders: list[Reminder]
    attestation: OwnerAttestation | None
    exception: TwoFactorException | None


def read_history(person: Person, *, at: datetime) -> History:
    """Four queries, whatever happened."""
    attestations = list(
        person.attestations.select_related("said_by", "ended_by").order_by("-said_at")[:MOST]
    )
    exceptions = list(
        person.two_factor_exceptions.select_related("said_by", "ended_by").order_by("-said_at")[
            :MOST
        ]
    )
    return History(
        periods=list(person.two_factor_periods.order_by("-started_at")[:MOST]),
        attestations=attestations,
        exceptions=exceptions,
        reminders=list(
            Reminder.objects.filter(person=person)
            .select_related("sent_by", "delivery")
            .order_by("-at")[:MOST]
        ),
        attestation=next((one for one in attestations if one.holds(at)), None),
        exception=next((one for one in exceptions if one.holds(at)), None),
    )
