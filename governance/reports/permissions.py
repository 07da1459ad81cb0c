"""Who may ask for reports, take their files, and have them mailed.

What somebody may see decides which apps a report speaks of, and which of the reports of others are
theirs to open: `visible_to` of `models` answers that.
"""

from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from governance.accounts.models import User
from governance.accounts.permissions import may_browse, may_export
from governance.core.verdict import ALLOWED, Verdict

__all__ = ["may_be_made", "may_export", "may_receive", "may_schedule", "may_see"]


class Scoped(Protocol):
    """An export or a schedule: it keeps what it reads, everything or some projects."""

    everything: bool
    projects: list[UUID]


def may_see(user: User) -> Verdict:
    """Whether `user` may read what reports there are, and which were made."""
    return may_browse(user)


def may_be_made(scoped: Scoped, asker: User) -> Verdict:
    """Whether what `asker` asked for is still theirs to have, now that it is made.

    Rights are asked for when somebody asks and again when a worker begins: between the two they
    may have been taken away.
    """
    if not asker.is_active:
        return Verdict(_("Whoever asked for it may not sign in here any more."))
    if not may_export(asker):
        return Verdict(_("Whoever asked for it may not export any more."))
    if not covers(asker, scoped):
        return Verdict(_("Whoever asked for it may not see all of that any more."))
    return ALLOWED


def may_schedule(user: User) -> Verdict:
    """Whether `user` may have reports mailed, from now on or again."""
    verdict = may_export(user)
    if verdict and not settings.MAIL_URL:
        return Verdict(_("No mail server is set (MAIL_URL), so nothing can be mailed."))
    return verdict


def may_receive(user: User, scoped: Scoped) -> Verdict:
    """Whether a report may be mailed to `user`: as if they had downloaded it."""
    if not user.is_active:
        return Verdict(_("{name} may not sign in here.").format(name=user))
    if not may_export(user):
        return Verdict(_("{name} may not export.").format(name=user))
    if not covers(user, scoped):
        return Verdict(_("{name} may not see all of that.").format(name=user))
    return ALLOWED


def covers(user: User, scoped: Scoped) -> bool:
    """Whether `user` sees at least what was read."""
    if user.sees_everything:
        return True
    return not scoped.everything and set(scoped.projects) <= set(user.projects)
