"""Who may do what here: the table of `docs/permissions.md`, each refusal with its sentence.

Whether a person sees a given app or person at all is not asked here: `visible_to` of the inventory
answers it, and strangers get 404.
"""

from django.utils.translation import gettext as _

from governance.accounts.models import Role, User
from governance.core.verdict import ALLOWED, Verdict


def may_enter(user: User) -> Verdict:
    """Whether `user` may open any page at all: somebody without a role may not."""
    if user.roles:
        return ALLOWED
    return Verdict(
        _("You are signed in, but nobody has given you a role here yet. Ask an operator.")
    )


def may_browse(user: User) -> Verdict:
    """Whether `user` may read the pages. Which apps they show is a matter of scope."""
    return may_enter(user)


def may_export(user: User) -> Verdict:
    if user.has_role(Role.AUDITOR, Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only auditors and admins can export."))


def may_change_access(user: User) -> Verdict:
    """Whether `user` may invite people and change their roles on apps."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins can change who has access."))


def may_remove(user: User) -> Verdict:
    """Whether `user` may remove people from apps, and offboard them."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins can remove people."))


def may_set_policies(user: User) -> Verdict:
    """Whether `user` may set policies, grant exceptions and describe apps and persons."""
    if user.has_role(Role.ADMIN):
        return ALLOWED
    return Verdict(_("Only admins can set policies and exceptions."))


def may_manage_connections(user: User) -> Verdict:
    if user.has_role(Role.OPERATOR):
        return ALLOWED
    return Verdict(_("Only operators can manage connections."))


def may_manage_users(user: User) -> Verdict:
    if user.has_role(Role.OPERATOR):
        return ALLOWED
    return Verdict(_("Only operators can manage who signs in here."))


def may_see_users(user: User) -> Verdict:
    """Whether `user` may look at who signs in here. To others that does not exist."""
    if user.has_role(Role.OPERATOR, Role.ADMIN, Role.AUDITOR):
        return ALLOWED
    return Verdict(_("Only operators, admins and auditors can see who signs in here."))


def may_stop_operating(changed: User, *, others: int) -> Verdict:
    """Whether `changed` may lose the sign-in or the role of an operator; `others` keep both."""
    if others or not changed.is_active or not changed.has_role(Role.OPERATOR):
        return ALLOWED
    return Verdict(
        _("{name} is the only operator who can sign in. Make somebody else one first.").format(
            name=changed
        )
    )


def may_change_user(user: User, changed: User) -> Verdict:
    """Whether `user` may change the roles, scope or sign-in of `changed`."""
    if user.pk == changed.pk:
        return Verdict(_("You cannot change your own rights. Ask another operator."))
    return may_manage_users(user)


def may_start_sync(user: User) -> Verdict:
    if user.has_role(Role.ADMIN, Role.OPERATOR):
        return ALLOWED
    return Verdict(_("Only admins and operators can start a sync."))


def may_decide_held_removals(user: User) -> Verdict:
    if user.has_role(Role.ADMIN, Role.OPERATOR):
        return ALLOWED
    return Verdict(_("Only admins and operators can decide about held removals."))
