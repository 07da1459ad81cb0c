"""Who may see and who may manage the accounts that we read with."""

from governance.accounts.models import Role, User
from governance.accounts.permissions import may_manage_connections

__all__ = ["may_manage_connections", "may_see_connections"]


def may_see_connections(user: User) -> bool:
    """Whether `user` may look at the list. To others it does not exist."""
    return user.has_role(Role.OPERATOR, Role.ADMIN, Role.AUDITOR)
