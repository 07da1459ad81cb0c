"""The sealing keys of this process, as its settings hold them.

The web process has the public key alone; a worker has the private ones, and the public one follows
from the newest of them where it is not set.
"""

from django.conf import settings
from django.utils.translation import gettext as _

from governance.connections import sealing


class NoKey(Exception):
    """This process lacks the key that it needs. The text is a sentence that shows no key."""


def public() -> str:
    """The key that tokens are sealed with. Raises `NoKey`."""
    if settings.SEALING_PUBLIC_KEY:
        return str(settings.SEALING_PUBLIC_KEY)
    if not settings.SEALING_PRIVATE_KEY:
        raise NoKey(_("Tokens cannot be kept here, because SEALING_PUBLIC_KEY is not set."))
    try:
        return sealing.public_key_of(settings.SEALING_PRIVATE_KEY)
    except sealing.BadKey:
        raise NoKey(_("SEALING_PRIVATE_KEY is not a sealing key.")) from None


def private() -> str:
    """The keys that open tokens. Raises `NoKey`: the web process has none, and needs none."""
    if not settings.SEALING_PRIVATE_KEY:
        raise NoKey(_("This process cannot open tokens: SEALING_PRIVATE_KEY is not set."))
    return str(settings.SEALING_PRIVATE_KEY)


def seal(token: str) -> bytes:
    """The token, for the database. Raises `NoKey`."""
    try:
        return sealing.seal(token, public())
    except sealing.BadKey:
        raise NoKey(_("SEALING_PUBLIC_KEY is not a sealing key.")) from None


def open_sealed(box: bytes) -> str:
    """The token in `box`. Raises `NoKey`, or `sealing.CannotOpen`."""
    try:
        return sealing.open_sealed(box, private())
    except sealing.BadKey:
        raise NoKey(_("SEALING_PRIVATE_KEY is not a sealing key.")) from None
