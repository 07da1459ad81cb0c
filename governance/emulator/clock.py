"""The world's clock: it follows the real one, or stands still until somebody moves it."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the world's time, in UTC. Frozen when given an instant, running otherwise."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self.frozen_at = frozen_at
        self.shift = 0.0

    def now(self) -> datetime:
        if self.frozen_at is not None:
            return self.frozen_at
        return datetime.fromtimestamp(time.time() + self.shift, UTC)

    def time(self) -> float:
        """Seconds since the epoch, for whoever wants `time.time`."""
        return self.now().timestamp()

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None

    def set(self, instant: datetime) -> None:
        """Jump to `instant`; a running clock runs on from there."""
        if self.frozen_at is not None:
            self.frozen_at = instant
        else:
            self.shift = instant.timestamp() - time.time()

    def forward(self, seconds: float) -> None:
        """Jump ahead, or back when `seconds` is negative."""
        self.set(self.now() + timedelta(seconds=seconds))

    def freeze(self, instant: datetime | None = None) -> None:
        self.frozen_at = instant or self.now()

    def run(self) -> None:
        """Run again from where it stands."""
        here = self.now()
        self.frozen_at = None
        self.set(here)


def iso(instant: datetime | None) -> str | None:
    """As the platform writes it: UTC, milliseconds, a Z."""
    if instant is None:
        return None
    return (
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{instant.microsecond // 1000:03d}Z"
    )


def from_iso(text: str) -> datetime:
    """An instant in UTC; a date without a zone is read as UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
