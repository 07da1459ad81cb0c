"""Who may say what apps are for, who people are, and what holds of their 2FA."""

from django.utils.translation import gettext as _

from governance.accounts.models import Role, User, plain_address
from governance.core.verdict import ALLOWED, Verdict
from governance.inventory.models import Person


def may_describe(user: User) -> Verdict:
    """Whether `user` may add facts about the people and apps that they see."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins describe people and apps."))


def may_vouch(user: User) -> Verdict:
    """Whether `user` may attest an owner's 2FA and grant exceptions from it."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins attest 2FA and grant exceptions from it."))


def may_vouch_for(user: User, person: Person) -> Verdict:
    """As `may_vouch`, of one person: nobody says it of themselves."""
    if is_oneself(user, person):
        return Verdict(_("This is you. Somebody else has to say it."))
    return may_vouch(user)


def is_oneself(user: User, person: Person) -> bool:
    """Whether whoever signs in here as `user` is `person` on Scalingo, by the address of both."""
    return plain_address(person.email) == plain_address(user.email)
