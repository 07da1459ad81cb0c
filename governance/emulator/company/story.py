"""Brumelle's year: who came, who left, and what changed, told by day (1 to 364).

Where `event=False`, nobody will ever know who did it: the platform's timeline says nothing.
"""

from typing import TYPE_CHECKING

from .base import PARIS, SECNUM
from .calendar import Calendar
from .cast import BOREAL, CI, CLAIRE, GALET, HEALTH, MONITORING, NIGHTLY, PLATFORM, at

if TYPE_CHECKING:
    from governance.emulator.world import World

HUGO, INES, CAMILLE = at("hugo.lemaire"), at("ines.benali"), at("camille.roussel")
ANTOINE, MATHILDE, MARION = at("antoine.girard"), at("mathilde.aubry"), at("marion.leclerc")
ROMAIN, BAPTISTE = at("romain.barbier"), at("baptiste.colin")
NICOLAS, LAURA, CHLOE = at("nicolas.arnaud"), at("laura.petit"), at("chloe.dumas")
GASPARD, FANNY = f"gaspard.meunier@{BOREAL}", f"fanny.klein@{BOREAL}"
PIOTR, DYLAN = f"piotr.nowak@{BOREAL}", f"dylan.costa@{GALET}"

# After day 88.
MARION_NEW = at("marion.leclerc-roy")
# A review asked for by the security lead, who is on few apps himself.
REVIEW = PLATFORM


class Story:
    """Tells the year to a calendar."""

    def __init__(self, world: "World", calendar: Calendar) -> None:
        self.world = world
        self.on = calendar.on
        self.before_anchor = calendar.before_anchor

    def tell(self) -> None:
        self.winter()
        self.spring()
        self.summer()
        self.autumn()
        self.last_weeks()

    # Ways to say the same things shortly

    def joins(
        self, day: int, who: str, apps: tuple[str, ...], *, by: str, limited: bool, after: int = 0
    ) -> None:
        """Somebody is invited in the morning, and accepts that afternoon or `after` days later."""
        for minute, app in enumerate(apps):
            self.on(day, f"09:{minute:02d}", self.world.invite, app, who, limited=limited, by=by)
            clock = f"15:{minute:02d}" if not after else f"10:{minute:02d}"
            self.on(day + after, clock, self.world.accept, app, who)

    def removed(
        self, day: int, who: str, apps: tuple[str, ...], *, by: str, event: bool = True
    ) -> None:
        for minute, app in enumerate(apps):
            self.on(day, f"16:{minute:02d}", self.world.remove, app, who, by=by, event=event)

    def role(
        self, day: int, app: str, who: str, *, limited: bool, by: str, event: bool = True
    ) -> None:
        self.on(day, "11:20", self.world.change_role, app, who, limited=limited, by=by, event=event)

    def two_factor(self, day: int, who: str, *, on: bool = True) -> None:
        self.on(day, "13:45", self.world.set_two_factor, who, on)

    def review_app(self, day: int, parent: str, number: int, *, until: int | None = None) -> None:
        name = f"{parent}-pr{number}"
        owner = PLATFORM if not parent.startswith("records") else HEALTH
        region = PARIS if owner == PLATFORM else SECNUM
        self.on(day, "10:30", self._create_review_app, name, parent, owner, region)
        if until:
            self.on(until, "17:05", self.world.delete_app, name, by=owner)

    def _create_review_app(self, name: str, parent: str, owner: str, region: str) -> None:
        project = self.world.app(parent, region=region).project_id
        self.world.create_app(name, owner=owner, region=region, project=project, parent=parent)

    def new_app(self, day: int, name: str, project: str, people: dict[str, bool]) -> None:
        """An app is created and its people, by whether they are limited, are on it at once."""
        health = project == "patient-records"
        owner, region = (HEALTH, SECNUM) if health else (PLATFORM, PARIS)
        self.on(
            day,
            "09:30",
            self.world.create_app,
            name,
            owner=owner,
            region=region,
            project=project,
            health_data=health,
        )
        for minute, (who, limited) in enumerate(people.items()):
            clock = f"09:{35 + minute}"
            self.on(day, clock, self.world.add_member, name, who, limited=limited)

    # The year

    def winter(self) -> None:
        world = self.world
        theo = ("billing-api", "billing-worker", "booking-api", "booking-web", "data-pipeline")
        self.joins(3, at("theo.garnier"), theo, by=PLATFORM, limited=False)
        self.role(7, "billing-api", at("julien.faure"), limited=False, by=CAMILLE)
        self.two_factor(10, LAURA)
        self.joins(14, DYLAN, ("website-staging", "landing-pages"), by=ROMAIN, limited=True)
        self.two_factor(18, at("sofia.carvalho"))
        self.new_app(
            22, "waiting-list", "booking", {ANTOINE: False, at("sofia.carvalho"): True, CI: False}
        )
        elodie = ("billing-api", "billing-web", "billing-api-staging", "billing-web-staging")
        self.joins(26, at("elodie.marchand"), elodie, by=CAMILLE, limited=True, after=2)
        self.review_app(30, "booking-web-staging", 388, until=35)
        self.role(39, "booking-admin", at("sarah.lefebvre"), limited=False, by=ANTOINE)
        self.on(43, "14:10", world.rename_app, "payments-psp", "payments-gateway", by=PLATFORM)
        self.two_factor(47, at("maxime.perrin"))
        baptiste = (
            "billing-api",
            "billing-web",
            "billing-worker",
            "billing-webhooks",
            "billing-api-staging",
            "payments-gateway",
        )
        self.removed(51, BAPTISTE, baptiste, by=CAMILLE)
        self.role(
            55, "brumelle-website", f"manon.riviere@{GALET}", limited=False, by=ROMAIN, event=False
        )
        self.joins(59, PIOTR, ("booking-web-staging", "booking-mobile"), by=ANTOINE, limited=True)
        self.on(63, "10:05", world.set_variable, "billing-api", "SENTRY_DSN", "made-up", by=HUGO)
        self.role(63, "records-api", at("karim.belkacem"), limited=False, by=MATHILDE)
        self.new_app(68, "anonymiser", "data", {MARION: False, at("wei.zhang"): False, CI: False})

    def spring(self) -> None:
        world = self.world
        dubois = "freelance.dubois@plume-noire.example"
        self.on(73, "11:00", world.invite, "blog-cms", dubois, limited=True, by=ROMAIN)
        self.removed(80, dubois, ("blog-cms",), by=ROMAIN)
        self.two_factor(84, CHLOE)
        self.on(88, "08:30", world.change_email, MARION, at("marion.leclerc-roy"))
        self.new_app(
            92, "documents-vault", "patient-records", {MATHILDE: False, HUGO: False, CI: False}
        )
        lea = ("booking-api", "booking-web", "booking-api-staging", "booking-web-staging")
        self.joins(96, at("lea.fontaine"), lea, by=ANTOINE, limited=False)
        self.on(100, "15:30", world.leave, "metabase", at("sarah.lefebvre"))
        self.removed(104, NICOLAS, ("data-pipeline", "data-pipeline-staging"), by=HUGO)
        for app in ("billing-web", "billing-exports", "billing-admin"):
            self.role(109, app, LAURA, limited=True, by=REVIEW)
        self.role(109, "booking-search", ANTOINE, limited=True, by=INES)
        self.two_factor(113, at("nadia.haddad"))
        self.on(118, "09:50", world.move_app, "status-page", "website", by=PLATFORM)
        self.on(122, "10:00", self._booking_database)
        self.joins(
            127, f"yann.legoff@{GALET}", ("brumelle-website", "blog-cms"), by=ROMAIN, limited=True
        )
        self.on(131, "14:00", world.rename_app, "agenda-sync", "booking-calendar-sync", by=PLATFORM)
        self.removed(135, GASPARD, ("booking-sms",), by=ANTOINE, event=False)
        self.two_factor(139, PIOTR)
        self.review_app(143, "billing-web-staging", 71, until=148)
        pauline = ("records-api", "records-web", "records-web-staging")
        self.joins(152, at("pauline.chevalier"), pauline, by=MATHILDE, limited=True, after=9)

    def _booking_database(self) -> None:
        world = self.world
        world.create_database("booking-postgres", owner=PLATFORM, region=PARIS, project="booking")
        for who in (INES, ANTOINE):
            world.add_member("booking-postgres", who)

    def summer(self) -> None:
        world = self.world
        aicha = ("billing-web", "booking-web", "booking-admin", "support-center")
        self.joins(166, at("aicha.diallo"), aicha, by=PLATFORM, limited=True)
        self.two_factor(170, at("thomas.guerin"), on=False)
        self.two_factor(173, at("thomas.guerin"))
        # Claire's feature flags became everybody's.
        self.on(178, "11:30", world.transfer_app, "feature-flags", PLATFORM)
        self.on(178, "11:45", world.move_app, "feature-flags", "data", by=PLATFORM)
        self.on(183, "16:30", world.delete_app, "legacy-import", by=PLATFORM)
        intern = ("metabase", "data-pipeline-staging")
        self.joins(187, at("jade.morin"), intern, by=MARION_NEW, limited=True)
        self.removed(191, NICOLAS, ("data-api", "event-collector", "reports-scheduler"), by=HUGO)
        self.on(197, "07:15", world.delete_account, NICOLAS)
        self.role(201, "docs-site", CHLOE, limited=False, by=ROMAIN)
        self.new_app(
            209, "video-rooms-staging", "booking", {INES: False, at("maxime.perrin"): False}
        )
        self.on(213, "17:20", world.leave, "payments-gateway", at("julien.faure"))
        orme = "audit@cabinet-orme.example"
        self.on(217, "09:10", world.invite, "records-web", orme, limited=True, by=MATHILDE)
        laura = (
            "billing-api",
            "billing-web",
            "billing-worker",
            "billing-mailer",
            "billing-exports",
            "billing-webhooks",
        )
        rest = (
            "billing-admin",
            "billing-api-staging",
            "billing-web-staging",
            "billing-worker-staging",
            "invoices-archive",
            "payments-gateway",
        )
        self.removed(224, LAURA, laura, by=CAMILLE)
        self.removed(227, LAURA, rest, by=CAMILLE, event=False)
        self.on(231, "10:40", world.rename_app, "support-center", "help-center", by=PLATFORM)
        self.on(236, "06:00", world.expire, "records-web", orme)
        self.removed(240, at("jade.morin"), intern, by=MARION_NEW)

    def autumn(self) -> None:
        world = self.world
        for app in ("waiting-list", "anonymiser", "feature-flags"):
            self.on(245, "09:15", world.add_member, app, MONITORING, limited=True, by=PLATFORM)
        for who in (at("sarah.lefebvre"), at("elodie.marchand")):
            self.two_factor(250, who)
        self.two_factor(254, CI)
        adrien = ("data-api", "data-pipeline", "anonymiser", "metabase")
        self.joins(258, at("adrien.castel"), adrien, by=MARION_NEW, limited=False, after=2)
        self.removed(263, FANNY, ("booking-api-staging",), by=ANTOINE)
        gaspard = ("booking-mobile", "booking-web-staging", "booking-notifications-staging")
        self.removed(268, GASPARD, gaspard, by=INES)
        self.on(
            273, "11:11", world.add_member, "documents-vault", at("karim.belkacem"), by=MATHILDE
        )
        self.on(278, "08:00", world.remove, "billing-worker", NIGHTLY, by=HUGO)
        self.on(278, "08:20", world.add_member, "billing-worker", NIGHTLY, by=HUGO)
        self.role(283, "data-pipeline", at("olivier.renaud"), limited=False, by=MARION_NEW)
        self.new_app(
            288, "prescriptions-api", "patient-records", {MATHILDE: False, HUGO: False, CI: False}
        )
        for app in ("booking-api", "booking-web"):
            self.role(293, app, at("theo.garnier"), limited=True, by=INES)
        self.removed(293, at("theo.garnier"), ("data-pipeline",), by=MARION_NEW)
        self.on(298, "09:00", world.invite, "records-web", "c.dumas@perso.example", by=MATHILDE)
        self.on(301, "20:40", world.accept, "records-web", "c.dumas@perso.example", account=CHLOE)
        lucas = ("booking-mobile", "booking-api-staging")
        self.joins(306, at("lucas.maillard"), lucas, by=ANTOINE, limited=True)
        elise = f"elise.brunet@{GALET}"
        self.on(310, "10:10", world.invite, "landing-pages", elise, limited=True, by=ROMAIN)
        self.on(316, "12:00", world.change_username, DYLAN, "dylan-galet")

    def last_weeks(self) -> None:
        world = self.world
        self.new_app(321, "telehealth-demo", "booking", {ANTOINE: False, at("lea.fontaine"): False})
        self.on(326, "09:20", world.add_member, "hl7-gateway", at("theo.garnier"), by=MATHILDE)
        self.two_factor(331, at("theo.garnier"), on=False)
        hiring = "recrutement@talents-ouest.example"
        self.on(336, "10:15", world.invite, "careers-page", hiring, limited=True, by=ROMAIN)
        self.review_app(341, "booking-web-staging", 412)
        self.review_app(341, "billing-web-staging", 87)
        for app in ("billing-api", "billing-web", "billing-worker"):
            self.on(346, "09:40", world.invite, app, at("marc.dupuis"), limited=True, by=CAMILLE)
        self.role(350, "billing-exports", at("nadia.haddad"), limited=False, by=CAMILLE)
        self.review_app(354, "records-web-staging", 19)
        self.review_app(354, "website-staging", 230)
        for app in ("records-api-staging", "records-web-staging"):
            self.on(358, "14:20", world.invite, app, at("samira.ouali"), limited=False, by=MATHILDE)
        # Léa works on other things now: one app was taken from her, and the keys of another.
        lea = at("lea.fontaine")
        self.removed(349, lea, ("booking-web-staging",), by=ANTOINE)
        self.role(359, "booking-api", lea, limited=True, by=INES)
        self.before_anchor(
            21, world.set_variable, "booking-api", "SMS_GATEWAY_TOKEN", "made-up-again", by=INES
        )
        self.removed(361, at("maxime.perrin"), ("booking-sms",), by=ANTOINE, event=False)
        self.role(363, "booking-search", at("sofia.carvalho"), limited=False, by=INES)
        self.before_anchor(4.5, world.change_role, "metabase", CLAIRE, limited=False, by=MARION_NEW)
