"""Identifiers that look like the platform's and are the same at every start."""

import hashlib
import uuid
from datetime import datetime


class Ids:
    """Counts, and turns the count into hexadecimal digits that depend on the seed alone."""

    def __init__(self, seed: int, used: int = 0) -> None:
        self.seed = seed
        self.used = used

    def digits(self, count: int) -> str:
        """`count` hexadecimal digits, never the same twice. `count` is even."""
        self.used += 1
        return hashlib.shake_256(f"{self.seed}:{self.used}".encode()).hexdigest(count // 2)

    def mongo(self, at: datetime) -> str:
        """24 digits of which the first 8 are the time, as MongoDB makes them."""
        return f"{int(at.timestamp()):08x}" + self.digits(16)

    def prefixed(self, prefix: str) -> str:
        """`us-<uuid>`, `pr-<uuid>` and their kind."""
        return f"{prefix}-{uuid.UUID(self.digits(32))}"

    def api_token(self) -> str:
        return "tk-us-" + self.digits(48)

    def link_token(self) -> str:
        """The secret of an invitation link: 40 digits."""
        return self.digits(40)
