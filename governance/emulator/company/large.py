"""A company of any size: as many apps, people and members as asked for. For measuring."""

import random

from governance.emulator.model import App

from .base import PARIS, SECNUM, Company

APPS, PEOPLE, MEMBERS = 2000, 5000, 20
_WORDS = ("atlas", "boussole", "cadran", "delta", "estran", "fanal", "galet", "hublot")
_FIRST = ("alix", "bruno", "carla", "denis", "elsa", "felix", "gilles", "hanna", "ismael", "june")
_LAST = ("abadie", "bonnet", "carre", "dupin", "estrade", "fabre", "gaillard", "hamel", "issac")


class Large(Company):
    """`apps` apps with `members` collaborators each out of `people` accounts.

    One owner has all apps, four in five of them in the first region, unless `regions` is 1. The
    account proche@grande.example works on every app with the full role and owns none: connect it
    to read app by app. Everybody else is drawn with the world's seed: one in three full, one in
    four without 2FA, one in forty still invited.
    """

    def found(self) -> None:
        super().found()
        self._random = random.Random(self.world.seed)
        world = self.world
        self.owner = world.add_account(
            "plateforme@grande.example",
            two_factor=True,
            with_token=True,
            role="owner",
            connect=True,
        )
        self.close = world.add_account(
            "proche@grande.example", two_factor=True, with_token=True, role="collaborator"
        )
        self.people = [self._person(n) for n in range(self.sizes.get("people", PEOPLE) - 2)]
        self.projects: dict[tuple[str, int], str] = {}
        for number in range(self.sizes.get("apps", APPS)):
            self._app(number)

    def _person(self, number: int) -> str:
        first = _FIRST[number % len(_FIRST)]
        last = _LAST[number // len(_FIRST) % len(_LAST)]
        account = self.world.add_account(
            f"{first}.{last}{number}@grande.example",
            username=f"{first}-{last}-{number}",
            two_factor=self._random.random() >= 0.25,
        )
        return account.id

    def _app(self, number: int) -> None:
        region = PARIS
        if self.sizes.get("regions", 2) > 1 and number % 5 == 4:
            region = SECNUM
        word = _WORDS[number % len(_WORDS)]
        app = self.world.create_app(
            f"{word}-{number:05d}",
            owner=self.owner,
            region=region,
            project=self._project(region, number // 50),
            event=False,
        )
        members = self.sizes.get("members", MEMBERS)
        self.world.add_member(app, self.close, limited=False, event=False)
        chosen = self._random.sample(self.people, min(members - 1, len(self.people)))
        for who in chosen:
            self._member(app, who)

    def _member(self, app: App, who: str) -> None:
        limited = self._random.random() >= 1 / 3
        person = self.world.account(who)
        one = self.world.invite(app, person.email, limited=limited, event=False)
        if self._random.random() >= 1 / 40:
            self.world.accept(app, one, account=person, event=False)

    def _project(self, region: str, number: int) -> str:
        if (region, number) not in self.projects:
            project = self.world.add_project(
                f"projet-{number:03d}", owner=self.owner, region=region
            )
            self.projects[region, number] = project.id
        return self.projects[region, number]
