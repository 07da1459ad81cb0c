"""What is done to the people who sign in here, and by them at the door.

`by=None` is somebody at a terminal of the installation, who may do everything anyway.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from governance.accounts import permissions, throttle
from governance.accounts.models import Role, User, plain_address
from governance.audit import actions as audit
from governance.audit.events import Json, Source


class AlreadyExists(Exception):
    """Somebody signs in with that address already."""

    def __init__(self, user: User) -> None:
        self.user = user
        super().__init__(_("{email} signs in here already.").format(email=user.email))


class NothingToChange(Exception):
    """It is so already."""


@transaction.atomic
def add_user(
    email: str,
    *,
    name: str,
    roles: Iterable[str],
    password: str | None,
    by: User | None,
    source: Source,
    at: datetime,
) -> User:
    """Let somebody sign in. Without a password, not before one is set.

    Raises `AlreadyExists`, or `ValidationError` for an address or password that will not do.
    """
    if by is not None:
        permissions.may_manage_users(by).enforce()
    address = plain_address(email)
    validate_email(address)
    found = User.objects.filter(email=address).first()
    if found:
        raise AlreadyExists(found)
    user = User(email=address, name=name.strip(), roles=_in_order(roles))
    if password is not None:
        validate_password(password, user)
    user.set_password(password)
    user.full_clean(exclude=["password"])
    user.save()
    audit.record(
        "user.created",
        by=by,
        source=source,
        at=at,
        target=user,
        data={"roles": list(user.roles)},
        personal={"email": user.email, "name": user.name},
    )
    return user


@transaction.atomic
def change_roles(
    user: User, roles: Collection[str], *, by: User | None, source: Source, at: datetime
) -> User:
    """Give `user` exactly `roles`. It counts from their next request on.

    Raises `NothingToChange`, or `ValidationError` for a role that does not exist.
    """
    others = _other_operators(user)
    user = _locked(user, by)
    before, after = list(user.roles), _in_order(roles)
    if before == after:
        raise NothingToChange(_("{name} holds these roles already.").format(name=user))
    if by is not None and Role.OPERATOR not in after:
        permissions.may_stop_operating(user, others=others).enforce()
    user.roles = after
    user.full_clean(exclude=["password"])
    user.save(update_fields=["roles"])
    audit.record(
        "user.roles_changed",
        by=by,
        source=source,
        at=at,
        target=user,
        data={"before": before, "after": after},
    )
    return user


@transaction.atomic
def change_scope(
    user: User,
    projects: Iterable[UUID] | None,
    *,
    by: User | None,
    source: Source,
    at: datetime,
) -> User:
    """Let a viewer see the apps of `projects` (ids of the inventory) alone; None means all apps.

    Raises `NothingToChange`.
    """
    user = _locked(user, by)
    before = _scope(user)
    user.scoped = projects is not None
    user.projects = sorted(set(projects or ()))
    after = _scope(user)
    if before == after:
        raise NothingToChange(_("{name} sees exactly that already.").format(name=user))
    user.save(update_fields=["scoped", "projects"])
    audit.record(
        "user.scope_changed",
        by=by,
        source=source,
        at=at,
        target=user,
        data={"before": before, "after": after},
    )
    return user


@transaction.atomic
def set_active(user: User, *, active: bool, by: User | None, source: Source, at: datetime) -> User:
    """Take the right to sign in from `user`, or give it back. Open sessions end with it.

    Raises `NothingToChange`.
    """
    others = _other_operators(user)
    user = _locked(user, by)
    if user.is_active == active:
        raise NothingToChange(_("{name} is so already.").format(name=user))
    if by is not None and not active:
        permissions.may_stop_operating(user, others=others).enforce()
    user.is_active = active
    user.save(update_fields=["is_active"])
    kind = "user.activated" if active else "user.deactivated"
    audit.record(kind, by=by, source=source, at=at, target=user)
    return user


@transaction.atomic
def set_password(
    user: User, password: str, *, by: User | None, source: Source, at: datetime
) -> User:
    """Replace the password of `user`. Their open sessions end.

    Raises `ValidationError` for a password that will not do.
    """
    if by is None or by.pk != user.pk:
        user = _locked(user, by)
    validate_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("user.password_changed", by=by, source=source, at=at, target=user)
    return user


def signed_in(user: User, attempt: throttle.Attempt, *, network: str, at: datetime) -> None:
    """Write down that `user` came in, and forget the attempts that failed."""
    throttle.succeeded(attempt)
    audit.record(
        "user.signed_in", by=user, source=Source.PAGE, at=at, personal={"network": network}
    )


def sign_in_failed(address: str, attempt: throttle.Attempt, *, network: str, at: datetime) -> None:
    """Write down that somebody tried `address` and was not let in.

    Known and unknown addresses cost the same; only the log can tell them apart.
    """
    audit.record(
        "user.sign_in_failed",
        by=None,
        source=Source.PAGE,
        at=at,
        target=User.objects.filter(email=address).first(),
        data={"attempt": attempt.number, "blocked": attempt.is_the_last},
        personal={"email": address, "network": network},
    )


def signed_out(user: User, *, at: datetime) -> None:
    """Write down that `user` left."""
    audit.record("user.signed_out", by=user, source=Source.PAGE, at=at)


def _locked(user: User, by: User | None) -> User:
    """The row of `user`, locked before anything is asked of it."""
    found = User.objects.select_for_update().get(pk=user.pk)
    if by is not None:
        permissions.may_change_user(by, found).enforce()
    return found


def _other_operators(user: User) -> int:
    """How many operators but `user` can sign in, all of them locked.

    In one order and before anything else: two who take each other's rights at once queue here, and
    the second is told that nobody would be left.
    """
    operators = User.objects.select_for_update().filter(
        is_active=True, roles__contains=[Role.OPERATOR]
    )
    return sum(one.pk != user.pk for one in operators.order_by("pk"))


def _scope(user: User) -> dict[str, Json]:
    return {"scoped": user.scoped, "projects": sorted(map(str, user.projects))}


def _in_order(roles: Iterable[str]) -> list[str]:
    """Each role once, in the order of `Role`; what is no role comes last and is refused later."""
    wanted = set(map(str, roles))
    known = [role.value for role in Role if role.value in wanted]
    return known + sorted(wanted - set(known))
