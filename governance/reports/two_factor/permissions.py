"""Who may read the 2FA report, remind people, and review it."""

from django.conf import settings
from django.utils.translation import gettext as _

from governance.accounts.models import Role, User
from governance.accounts.permissions import may_browse
from governance.core.verdict import ALLOWED, Verdict

__all__ = ["may_remind", "may_review", "may_see", "may_see_reminders"]


def may_see(user: User) -> Verdict:
    """Whether `user` may read the report; of which apps is a matter of scope."""
    return may_browse(user)


def may_see_reminders(user: User) -> Verdict:
    """Whether `user` may look at who would be reminded."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins remind people of 2FA."))


def may_remind(user: User) -> Verdict:
    """Whether `user` may have a mail sent to people without 2FA."""
    may_see = may_see_reminders(user)
    if not may_see:
        return may_see
    if not (settings.MAIL_URL or settings.MAIL_IS_SET):
        return Verdict(_("No mail server is set (MAIL_URL), so nobody can be reminded."))
    return ALLOWED


def may_review(user: User) -> Verdict:
    """Whether `user` may start a review of 2FA, decide in it and sign it off."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins review 2FA and sign the review off."))
