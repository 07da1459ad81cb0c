"""Brumelle: the company that a newcomer meets, with a year behind it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .base import Company
from .calendar import Calendar
from .cast import NEWCOMERS, OWNERS, PEOPLE, PROGRAMS, Character
from .estate import ALSO, DATABASES, LINKERS, TEAMS, VARIABLES, Team
from .story import Story

if TYPE_CHECKING:
    from governance.emulator.world import World


class Demo(Company):
    def __init__(self, world: "World", **sizes: int) -> None:
        super().__init__(world, **sizes)
        self.calendar = Calendar(world.anchor)
        self._readings: list[datetime] = []
        # Nothing of the founding happened on the same day: each step goes one back in time.
        self._age = 0

    def found(self) -> None:
        start = self.world.clock.now()
        super().found()
        self._back(1500)
        for character in (*OWNERS, *PROGRAMS, *PEOPLE, *NEWCOMERS):
            self._open_account(character)
        for team in TEAMS:
            self._found_team(team)
        for app, who, limited in ALSO:
            self.world.add_member(app, who, limited=limited, event=False)
        for app, who in LINKERS:
            self.world.link_repository(app, who)
        for app, name in VARIABLES:
            self.world.set_variable(app, name, f"made-up-{name.lower()}", event=False)
        for app, user in DATABASES:
            self.world.add_database(app)
            if user:
                self.world.add_database_user(app, user, read_only=True)
        self.world.clock.set(start)
        Story(self.world, self.calendar).tell()
        self.plans = self.calendar.in_order()
        self._readings = self.calendar.readings()

    def readings(self) -> list[datetime]:
        return list(self._readings)

    def _back(self, days: int) -> None:
        """Set the clock so many days before the year, and a little off the hour."""
        start = self.calendar.start
        self._age += 1
        odd = timedelta(minutes=7 * self._age % 300, seconds=11 * self._age % 60)
        self.world.clock.set(start - timedelta(days=days) + odd)

    def _open_account(self, character: Character) -> None:
        self.world.add_account(
            character.email,
            username=character.username,
            fullname=character.name,
            company=character.company,
            two_factor=character.two_factor,
            with_token=character.with_token,
            role=character.role,
            connect=character.connect,
        )

    def _found_team(self, team: Team) -> None:
        world = self.world
        self._back(1200)
        project = world.add_project(team.project, owner=team.owner, region=team.region)
        for place, name in enumerate(team.apps):
            self._back(1100 - 60 * place - 7 * len(team.project))
            world.create_app(
                name,
                owner=team.owner,
                region=team.region,
                project=project,
                health_data=team.health_data,
                event=False,
            )
            self._staff(team, name)
        for name in team.databases:
            world.create_database(name, owner=team.owner, region=team.region, project=project)

    def _staff(self, team: Team, app: str) -> None:
        staging = app.endswith("staging")
        people = dict.fromkeys(team.seniors, False)
        people |= dict.fromkeys(team.juniors, not staging)
        people |= dict.fromkeys(team.readers, True)
        for who, limited in people.items():
            self.world.add_member(app, who, limited=limited, event=False)
