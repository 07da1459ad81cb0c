"""Who may say what apps are for and who people are."""

from django.utils.translation import gettext as _

from governance.accounts.models import Role, User
from governance.core.verdict import ALLOWED, Verdict


def may_describe(user: User) -> Verdict:
    """Whether `user` may add facts about the people and apps that they see."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins describe people and apps."))
