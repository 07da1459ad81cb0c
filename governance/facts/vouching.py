"""Say for a while what Scalingo does not: that an owner has 2FA, or that somebody may go without.

Nothing is overwritten. A new statement ends the one before it, and both stay with who said them.
"""

from datetime import datetime
from typing import TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.audit import actions as audit
from governance.audit.events import Source
from governance.facts import permissions
from governance.facts.models import OwnerAttestation, TwoFactorException
from governance.inventory.models import Person, TwoFactor

Said = TypeVar("Said", OwnerAttestation, TwoFactorException)


class NotNeeded(Exception):
    """There is nothing to say: Scalingo tells it, or nothing holds that could be withdrawn."""


@transaction.atomic
def attest(
    person: Person, *, evidence: str, until: datetime, by: User, source: Source, at: datetime
) -> OwnerAttestation:
    """Write down that an owner has 2FA on, as somebody saw. Raises `NotNeeded` and `Refused`.

    It never turns unknown into on: whoever counts keeps them among the unknown and says of how
    many of these somebody vouched.
    """
    person = _locked(person, by)
    if person.two_factor != TwoFactor.UNKNOWN:
        raise NotNeeded(_("Scalingo tells the 2FA of %(person)s itself.") % {"person": person})
    if not person.owned.exists():
        raise NotNeeded(_("%(person)s owns no app.") % {"person": person})
    said = OwnerAttestation(person=person, evidence=evidence, until=until, said_by=by, said_at=at)
    _replace(OwnerAttestation.objects.filter(person=person), said)
    audit.record(
        "fact.two_factor_attested",
        by=by,
        source=source,
        at=at,
        target=person,
        person_id=person.pk,
        data={"until": f"{until:%Y-%m-%d}"},
        personal={"evidence": evidence},
    )
    return said


@transaction.atomic
def except_from_two_factor(
    person: Person, *, reason: str, until: datetime, by: User, source: Source, at: datetime
) -> TwoFactorException:
    """Let somebody go without 2FA for a while. Raises `NotNeeded` and `Refused`."""
    person = _locked(person, by)
    if person.two_factor == TwoFactor.ON:
        raise NotNeeded(_("%(person)s has 2FA on.") % {"person": person})
    said = TwoFactorException(person=person, reason=reason, until=until, said_by=by, said_at=at)
    _replace(TwoFactorException.objects.filter(person=person), said)
    audit.record(
        "fact.two_factor_excepted",
        by=by,
        source=source,
        at=at,
        target=person,
        person_id=person.pk,
        data={"exception_id": str(said.pk), "until": f"{until:%Y-%m-%d}"},
        personal={"reason": reason},
    )
    return said


@transaction.atomic
def withdraw_attestation(person: Person, *, by: User, source: Source, at: datetime) -> None:
    """Say that what was attested does not hold any more. Raises `NotNeeded` and `Refused`."""
    person = _locked(person, by)
    _end(OwnerAttestation.objects.filter(person=person), by, at)
    _record_end("fact.attestation_withdrawn", person, by=by, source=source, at=at)


@transaction.atomic
def end_exception(person: Person, *, by: User, source: Source, at: datetime) -> None:
    """End an exception before its day. Raises `NotNeeded` and `Refused`."""
    person = _locked(person, by)
    _end(TwoFactorException.objects.filter(person=person), by, at)
    _record_end("fact.exception_ended", person, by=by, source=source, at=at)


def _locked(person: Person, by: User) -> Person:
    """The person, so that of two who speak at once the second ends what the first said."""
    person = Person.objects.select_for_update().get(pk=person.pk)
    permissions.may_vouch_for(by, person).enforce()
    return person


def _replace(of_this: "models.QuerySet[Said]", said: Said) -> None:
    of_this.filter(ended_at=None).update(ended_at=said.said_at, ended_by=said.said_by)
    said.save(force_insert=True)


def _end(of_this: "models.QuerySet[Said]", by: User, at: datetime) -> None:
    if not of_this.filter(ended_at=None).update(ended_at=at, ended_by=by):
        raise NotNeeded(_("Nothing holds that could be ended."))


def _record_end(kind: str, person: Person, *, by: User, source: Source, at: datetime) -> None:
    audit.record(kind, by=by, source=source, at=at, target=person, person_id=person.pk)
