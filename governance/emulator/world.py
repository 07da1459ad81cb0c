"""The world: a company on a pretend Scalingo, everything that can happen to it, and its clock."""

import copy
import hashlib
import random
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from . import bearer
from .apps import AppActs
from .catalogue import BAD_DAYS
from .clock import Clock, from_iso
from .company import Company, company_called
from .faults import Fault, Faults
from .history import AccountState, AppState, Member
from .limiter import Limiter
from .model import BEARER_SECONDS, Account
from .store import ACTS, Unknown, act
from .traffic import Traffic

YEAR = timedelta(days=365)


class World(AppActs):
    """A pretend Scalingo with a company on it.

    `anchor` is the instant at which the company's past ends; the clock then stands still there.
    Without it the past ends now, and the clock runs with the real one. `rate_limit` 0 is none.
    """

    def __init__(
        self,
        company: str = "demo",
        *,
        seed: int = 1,
        anchor: datetime | None = None,
        clock: Clock | None = None,
        rate_limit: int = 0,
        rate_period: float = 60.0,
        latency_ms: float = 0.0,
        jitter_ms: float = 0.0,
        at_start: bool = False,
        **sizes: int,
    ) -> None:
        self.anchor = (anchor or datetime.now(UTC)).astimezone(UTC)
        self._final_clock = clock or Clock(anchor)
        self._at_start = at_start
        self.company_name = company
        self.sizes = sizes
        self._limit = (rate_limit, rate_period)
        self._latency = (latency_ms, jitter_ms)
        super().__init__(seed=seed, clock=Clock(self.anchor - YEAR))
        self._begin()

    def _begin(self) -> None:
        """Set the settings, found the company and let its past happen."""
        self.secret = hashlib.sha512(f"bearers of {self.seed}".encode()).digest()
        self.bearer_seconds: float = BEARER_SECONDS
        self.limiter = Limiter(*self._limit)
        # Answers that take longer to make than to send, by who asked for what.
        self.long_answers: dict[tuple[str, ...], tuple[object, bytes]] = {}
        self.faults = Faults(self.seed)
        self.traffic = Traffic()
        self.latency_ms, self.jitter_ms = self._latency
        self._random = random.Random(self.seed)
        self.company: Company = company_called(self.company_name)(self, **self.sizes)
        self.company.found()
        if not self._at_start:
            self.advance_to(self.anchor)
            self.run_from_here()
        self.mails.clear()  # those of the past were read long ago

    def reset(self) -> None:
        """Begin again: the company as it was at the start, no faults, no requests counted."""
        with self.lock:
            super().__init__(seed=self.seed, clock=Clock(self.anchor - YEAR))
            self._begin()

    @classmethod
    def at_start_of_year(cls, company: str = "demo", **options: Any) -> Self:
        """The world a year before its anchor, with a clock that `advance_to` moves."""
        return cls(company, at_start=True, **options)

    def year(self) -> list[datetime]:
        """The instants of the past year worth reading at, oldest first; the last is the anchor."""
        return self.company.readings()

    def advance_to(self, instant: datetime) -> None:
        """Let everything of the company's past until `instant` happen, each at its time."""
        with self.lock:
            self.clock.freeze(self.clock.now())
            self.company.live_until(instant)
            self.clock.set(instant)

    def run_from_here(self) -> None:
        """Put in the clock of ordinary days; nothing more of the company's past happens."""
        self.clock = self._final_clock
        self._at_start = False

    # Questions of the oracle

    def members_at(
        self, instant: datetime, *, region: str | None = None, app_id: str | None = None
    ) -> list[Member]:
        """Everybody on an app at `instant`, invited ones too, owners not."""
        return [
            one
            for one in self.history.at(instant, Member)
            if region in (None, one.region) and app_id in (None, one.app_id)
        ]

    def apps_at(self, instant: datetime) -> list[AppState]:
        return self.history.at(instant, AppState)

    def accounts_at(self, instant: datetime) -> list[AccountState]:
        return self.history.at(instant, AccountState)

    # Bearers

    def bearer_for(self, account: Account | str) -> str:
        """A bearer as the exchange would give it now."""
        person = self.account(account)
        return bearer.issue(
            person.id,
            at=self.clock.now(),
            seconds=self.bearer_seconds,
            secret=self.secret,
            generation=person.generation,
            exp=not self.switches.bearer_without_exp,
        )

    def believes(self, account: Account, claims: dict[str, Any]) -> bool:
        """Whether a bearer with a good signature is still good."""
        issued = float(claims.get("iat", 0))
        over = float(claims.get("exp", issued + self.bearer_seconds))
        generation = int(str(claims.get("rnd"))[:4], 16)
        alive = account.deleted_at is None and generation == account.generation
        return alive and self.clock.time() < over

    def token_of(self, who: Account | str) -> str:
        """The first API token of an account. Raises Unknown when it has none."""
        account = self.account(who)
        if not account.tokens:
            raise Unknown(f"{account.email} has no API token")
        return account.tokens[0].secret

    # Settings that may change while it runs

    @act
    def switch(self, /, **values: Any) -> None:
        """Set switches by name. Raises Unknown for one that is none."""
        known = {field.name for field in fields(self.switches)}
        for name, value in values.items():
            if name not in known:
                raise Unknown(f"no switch is called {name}")
            setattr(self.switches, name, value)

    @act
    def set_limit(self, limit: int, period: float = 60.0) -> None:
        self.limiter = Limiter(limit, period)

    @act
    def set_latency(self, latency_ms: float, jitter_ms: float = 0.0) -> None:
        self.latency_ms, self.jitter_ms = latency_ms, jitter_ms

    @act
    def set_bearer_seconds(self, seconds: float) -> None:
        """How long bearers issued from now on are good for."""
        self.bearer_seconds = seconds

    @act
    def forward(self, seconds: float) -> None:
        """Move the clock, without letting anything of the company's past happen."""
        self.clock.forward(seconds)

    @act
    def set_clock(self, instant: datetime | str) -> None:
        self.clock.set(from_iso(instant) if isinstance(instant, str) else instant)

    def latency(self) -> float:
        """Seconds that the next answer takes."""
        if not self.latency_ms and not self.jitter_ms:
            return 0.0
        spread = self._random.uniform(-self.jitter_ms, self.jitter_ms)
        return max(0.0, self.latency_ms + spread) / 1000

    # Bad days

    def fault(self, **what: Any) -> Fault:
        """Lay out a fault, with the fields of `Fault`; endings and mutations may be plain data."""
        return self.faults.add(Fault(**what))

    @act
    def bad_day(self, /, name: str, **where: Any) -> Fault:
        """Lay out a fault of the catalogue; `where` are fields of `Fault`. Raises Unknown."""
        if name not in BAD_DAYS:
            raise Unknown(f"no bad day is called {name}")
        return self.faults.add(Fault(**copy.deepcopy(BAD_DAYS[name]) | where))

    def answer_next_with(
        self, status: int, body: str = "", *, path: str = "**", **headers: str
    ) -> Fault:
        """The next request to `path` gets this; `Retry_After="7"` is the header `Retry-After`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.faults.add(Fault(path=path, status=status, body=body, headers=named))

    def carry_out(self, acts: Iterable[dict[str, Any]]) -> None:
        """Do the verbs that a fault names: `{"act": "rename_app", "app": …, "name": …}`."""
        for one in acts:
            arguments = dict(one)
            self.perform(arguments.pop("act"), arguments)

    def perform(self, name: str, arguments: dict[str, Any]) -> Any:
        """Do one verb of the world by its name. Raises Unknown when there is none."""
        if name not in ACTS:
            raise Unknown(f"no act is called {name}")
        return getattr(self, name)(**arguments)
