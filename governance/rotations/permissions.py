"""Who may see duties, and who may say that one is done."""

from django.utils.translation import gettext as _

from governance.accounts.models import Role, User
from governance.accounts.permissions import may_browse
from governance.core.verdict import ALLOWED, Verdict

__all__ = ["may_own", "may_see", "may_settle"]


def may_see(user: User) -> Verdict:
    """Whether `user` may read duties; of which apps is a matter of scope."""
    return may_browse(user)


def may_settle(user: User) -> Verdict:
    """Whether `user` may close duties, open them again and give them to somebody."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins close rotation duties and say whose they are."))


def may_own(user: User) -> Verdict:
    """Whether a duty may be given to `user`: somebody who can read it."""
    if user.is_active and may_browse(user):
        return ALLOWED
    return Verdict(_("{name} cannot sign in here, or has no role.").format(name=user))
