"""The secrets of an installation on one machine: made once, kept in `var/keys`, mode 0600.

Each may be given in the environment instead, as SECRET_KEY, SEALING_PUBLIC_KEY,
SEALING_PRIVATE_KEY and AUDIT_SIGNING_KEY.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from governance import env
from governance.audit import signing
from governance.connections import sealing
from governance.local.files import write_private


@dataclass(frozen=True, slots=True)
class Keys:
    """What signs cookies, what seals tokens and what opens them, what signs checkpoints."""

    secret_key: str = field(repr=False)
    sealing_public: str
    sealing_private: str = field(repr=False)
    audit_signing: str = field(repr=False)


def find_or_make(folder: Path) -> Keys:
    """The keys in `folder`, made where they are missing.

    The public sealing key follows from the private one, so that the two cannot part. Raises
    `sealing.BadKey` when the private key is damaged: making another would lose every token.
    """
    private = env.secret("SEALING_PRIVATE_KEY", default="") or _kept(
        folder / "sealing-private-key", lambda: sealing.make_keys()[1]
    )
    return Keys(
        secret_key=env.secret("SECRET_KEY", default="")
        or _kept(folder / "secret-key", lambda: secrets.token_urlsafe(50)),
        sealing_public=env.secret("SEALING_PUBLIC_KEY", default="")
        or sealing.public_key_of(private),
        sealing_private=private,
        audit_signing=env.secret("AUDIT_SIGNING_KEY", default="")
        or _kept(folder / "audit-signing-key", signing.make_key),
    )


def _kept(path: Path, make: Callable[[], str]) -> str:
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    made = make()
    write_private(path, made + "\n")
    return made
