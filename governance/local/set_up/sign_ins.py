"""People to try it as, one for each role, with passwords made here and kept in `var/`."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from governance.accounts import actions
from governance.accounts.models import User
from governance.audit.events import Source
from governance.local.company import SignIn
from governance.local.files import read_json, write_json
from governance.local.places import Places

# No letters that look alike; two of these make a syllable.
_CONSONANTS = "bdfgkmnprstvz"
_VOWELS = "aeiou"


def database_key() -> str:
    """Which database this is, whatever socket it is reached by today."""
    found = settings.DATABASES["default"]
    host = str(found["HOST"])
    return str(found["NAME"]) if host.startswith("/") else f"{found['NAME']}@{host}:{found['PORT']}"


def make_password() -> str:
    """Five words of four letters: about 60 bits, and one can type it."""
    return "-".join("".join(_syllable() + _syllable()) for _ in range(5))


def _syllable() -> str:
    return secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS)


def make(
    people: Sequence[tuple[str, str, str, str]], places: Places, *, at: datetime
) -> dict[str, User]:
    """Add each (name, address, role, note) who is not there yet, and keep the passwords.

    Returns them by address.
    """
    made = {}
    for name, email, role, note in people:
        if found := User.objects.filter(email=email).first():
            made[email] = found
            continue
        password = make_password()
        user = actions.add_user(
            email,
            name=name,
            roles=[role],
            password=password,
            by=None,
            source=Source.TERMINAL,
            at=at,
        )
        _keep(places, SignIn(role, email, password, note), user)
        made[email] = user
    return made


def anybody() -> bool:
    """Whether somebody may sign in here already."""
    return User.objects.exists()


def kept(places: Places) -> list[SignIn]:
    """Those whose password is still the one that was made here."""
    found: list[dict[str, Any]] = read_json(places.sign_ins).get(database_key(), [])
    now = dict(
        User.objects.filter(is_active=True, email__in=[one["email"] for one in found]).values_list(
            "email", "password"
        )
    )
    return [
        SignIn(one["role"], one["email"], one["password"], one["note"])
        for one in found
        if now.get(one["email"]) == one["stored"]
    ]


def _keep(places: Places, sign_in: SignIn, user: User) -> None:
    everything = read_json(places.sign_ins)
    everything.setdefault(database_key(), []).append(
        {
            "role": sign_in.role,
            "email": sign_in.email,
            "password": sign_in.password,
            "note": sign_in.note,
            # To notice later that somebody chose another, without trying the slow way.
            "stored": user.password,
        }
    )
    write_json(places.sign_ins, everything)
