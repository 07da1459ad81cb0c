"""What every company has: a founding, and a past that happens when its time comes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.emulator.world import World

PARIS = "osc-fr1"
SECNUM = "osc-secnum-fr1"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something of the past that has yet to happen."""

    at: datetime
    does: Callable[[], object]


class Company:
    """A company in a world. Subclasses found it and plan its past."""

    def __init__(self, world: "World", **sizes: int) -> None:
        self.world = world
        self.sizes = sizes
        self.plans: list[Happening] = []

    def found(self) -> None:
        """Make what was there a year before the anchor, and plan what happens after."""
        self.world.add_region(PARIS, "Paris - Outscale", default=True)
        self.world.add_region(SECNUM, "Paris - SecNumCloud - Outscale", public=False)

    def live_until(self, instant: datetime) -> None:
        """Let what was planned until `instant` happen, in order, with the clock at its time."""
        while self.plans and self.plans[0].at <= instant:
            happening = self.plans.pop(0)
            self.world.clock.set(happening.at)
            happening.does()

    def readings(self) -> list[datetime]:
        """The instants worth reading at; the anchor alone where there is no past."""
        return [self.world.anchor]
