"""What Brumelle runs: projects, apps, databases, and who was on what at the start."""

from dataclasses import dataclass, field

from .base import PARIS, SECNUM
from .cast import BACKUPS, BOREAL, CI, CLAIRE, GALET, HEALTH, MONITORING, NIGHTLY, PLATFORM, at


@dataclass(frozen=True, slots=True)
class Team:
    """A project with its apps and the people who work on all of it.

    `seniors` are full everywhere, `juniors` full on staging and limited in production, `readers`
    limited everywhere.
    """

    project: str
    owner: str
    region: str
    apps: tuple[str, ...]
    seniors: tuple[str, ...] = ()
    juniors: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    health_data: bool = False
    databases: tuple[str, ...] = field(default=())


TEAMS = (
    Team(
        project="billing",
        owner=PLATFORM,
        region=PARIS,
        apps=(
            "billing-api",
            "billing-web",
            "billing-worker",
            "billing-mailer",
            "billing-exports",
            "billing-webhooks",
            "billing-admin",
            "billing-api-staging",
            "billing-web-staging",
            "billing-worker-staging",
            "invoices-archive",
            "payments-psp",
            "legacy-import",
        ),
        seniors=(at("hugo.lemaire"), at("camille.roussel"), CI),
        juniors=(at("nadia.haddad"), at("julien.faure"), at("laura.petit")),
        readers=(MONITORING,),
        databases=("billing-postgres",),
    ),
    Team(
        project="booking",
        owner=PLATFORM,
        region=PARIS,
        apps=(
            "booking-api",
            "booking-web",
            "booking-mobile",
            "booking-notifications",
            "booking-sms",
            "agenda-sync",
            "booking-search",
            "booking-admin",
            "booking-api-staging",
            "booking-web-staging",
            "booking-notifications-staging",
            "video-rooms",
            "status-page",
        ),
        seniors=(at("ines.benali"), at("antoine.girard"), CI),
        juniors=(at("sofia.carvalho"), at("maxime.perrin")),
        readers=(MONITORING, at("sarah.lefebvre")),
    ),
    Team(
        project="website",
        owner=PLATFORM,
        region=PARIS,
        apps=(
            "brumelle-website",
            "website-staging",
            "blog-cms",
            "docs-site",
            "careers-page",
            "landing-pages",
            "support-center",
        ),
        seniors=(at("romain.barbier"), CI),
        juniors=(at("chloe.dumas"), f"manon.riviere@{GALET}"),
    ),
    Team(
        project="data",
        owner=PLATFORM,
        region=PARIS,
        apps=(
            "data-pipeline",
            "data-pipeline-staging",
            "data-api",
            "metabase",
            "event-collector",
            "reports-scheduler",
        ),
        seniors=(at("marion.leclerc"), at("hugo.lemaire")),
        juniors=(at("wei.zhang"), at("olivier.renaud")),
        readers=(at("nicolas.arnaud"),),
        databases=("data-warehouse",),
    ),
    Team(
        project="patient-records",
        owner=HEALTH,
        region=SECNUM,
        apps=(
            "records-api",
            "records-web",
            "records-worker",
            "records-api-staging",
            "records-web-staging",
            "hl7-gateway",
            "audit-trail",
        ),
        seniors=(at("hugo.lemaire"), at("mathilde.aubry"), CI),
        juniors=(at("karim.belkacem"),),
        readers=(at("vincent.moreau"),),
        health_data=True,
        databases=("records-postgres",),
    ),
    Team(
        project="labs",
        owner=CLAIRE,
        region=PARIS,
        apps=("labs-transcription", "labs-triage", "labs-chat", "labs-sandbox", "feature-flags"),
        seniors=(PLATFORM, at("wei.zhang")),
        readers=(at("antoine.girard"),),
    ),
)

# (app, who, limited): what the teams do not say.
ALSO: tuple[tuple[str, str, bool], ...] = (
    ("billing-api", at("vincent.moreau"), True),
    ("billing-api", at("baptiste.colin"), False),
    ("billing-web", at("baptiste.colin"), False),
    ("billing-worker", at("baptiste.colin"), False),
    ("billing-webhooks", at("baptiste.colin"), False),
    ("billing-api-staging", at("baptiste.colin"), False),
    ("payments-psp", at("baptiste.colin"), False),
    ("billing-web", at("sarah.lefebvre"), True),
    ("billing-web", at("thomas.guerin"), True),
    ("billing-admin", at("thomas.guerin"), True),
    ("billing-worker", NIGHTLY, True),
    ("billing-mailer", NIGHTLY, True),
    ("booking-notifications", NIGHTLY, True),
    ("reports-scheduler", NIGHTLY, True),
    ("event-collector", NIGHTLY, True),
    ("booking-web", CLAIRE, False),
    ("billing-api", CLAIRE, False),
    ("data-api", CLAIRE, False),
    ("booking-web", at("thomas.guerin"), True),
    ("booking-admin", at("thomas.guerin"), True),
    ("metabase", at("sarah.lefebvre"), True),
    ("metabase", at("camille.roussel"), True),
    ("metabase", CLAIRE, True),
    ("booking-web", f"fanny.klein@{BOREAL}", False),
    ("booking-web-staging", f"fanny.klein@{BOREAL}", False),
    ("booking-api-staging", f"fanny.klein@{BOREAL}", False),
    ("booking-sms", f"gaspard.meunier@{BOREAL}", False),
    ("booking-mobile", f"gaspard.meunier@{BOREAL}", False),
    ("booking-web-staging", f"gaspard.meunier@{BOREAL}", False),
    ("booking-notifications-staging", f"gaspard.meunier@{BOREAL}", False),
    ("labs-triage", HEALTH, True),
    ("billing-postgres", at("hugo.lemaire"), False),
    ("billing-postgres", at("camille.roussel"), False),
    ("billing-postgres", BACKUPS, False),
    ("data-warehouse", at("marion.leclerc"), False),
    ("data-warehouse", BACKUPS, False),
    ("records-postgres", at("mathilde.aubry"), False),
    ("records-postgres", BACKUPS, False),
)

# (app, who): whose Git account deploys it.
LINKERS: tuple[tuple[str, str], ...] = (
    ("billing-api", at("hugo.lemaire")),
    ("billing-exports", at("laura.petit")),
    ("booking-api", at("antoine.girard")),
    ("booking-web", f"fanny.klein@{BOREAL}"),
    ("brumelle-website", at("romain.barbier")),
    ("data-pipeline", at("marion.leclerc")),
    ("records-api", at("mathilde.aubry")),
)

# Apps with a database beside them, and who else is let into it.
DATABASES: tuple[tuple[str, str], ...] = (
    ("billing-api", "metabase"),
    ("booking-api", "metabase"),
    ("booking-web-staging", ""),
)

# (app, variable). Values are made up where they are set.
VARIABLES: tuple[tuple[str, str], ...] = (
    ("billing-api", "DATABASE_URL"),
    ("billing-api", "STRIPE_API_KEY"),
    ("billing-api", "SENTRY_DSN"),
    ("billing-worker", "DATABASE_URL"),
    ("booking-api", "DATABASE_URL"),
    ("booking-api", "SMS_GATEWAY_TOKEN"),
    ("booking-sms", "SMS_GATEWAY_TOKEN"),
    ("booking-web-staging", "DATABASE_URL"),
    ("booking-web-staging", "SESSION_SECRET"),
    ("records-api", "DATABASE_URL"),
    ("records-api", "VAULT_KEY"),
    ("brumelle-website", "CMS_TOKEN"),
)
