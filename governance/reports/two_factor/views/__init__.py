"""2FA: who lacks it, on what, for how long? And what is done about it."""

from typing import cast

from django.http import HttpRequest

from governance.accounts.models import User
from governance.reports.two_factor import permissions


def who(request: HttpRequest) -> User:
    """Whoever asks; raises `Refused` for somebody without a role."""
    user = cast(User, request.user)
    permissions.may_see(user).enforce()
    return user
