"""What the commands share that change somebody who signs in here already."""

from django.core.management.base import CommandError, CommandParser

from governance.accounts.models import User, plain_address


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("email")
    parser.add_argument("--apply", action="store_true", help="do it, instead of showing it")


def found(email: str) -> User:
    """The person with that address. Raises `CommandError` when there is none."""
    user = User.objects.filter(email=plain_address(email)).first()
    if user is None:
        raise CommandError(f"Nobody signs in here as {email}.")
    return user
