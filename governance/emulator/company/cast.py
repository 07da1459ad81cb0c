"""The people of Brumelle, who make software for doctors' appointments, bills and records.

Nobody here exists; every address is under `.example`.
"""

from dataclasses import dataclass

HOME = "brumelle.example"
GALET = "studio-galet.example"  # an agency that makes the website
BOREAL = "atelier-boreal.example"  # an agency that helps on booking

# The accounts that own apps.
PLATFORM = f"plateforme@{HOME}"
HEALTH = f"sante@{HOME}"
CLAIRE = f"claire.vasseur@{HOME}"

# Accounts of programs.
CI = f"ci@{HOME}"
NIGHTLY = f"redemarrages@{HOME}"
MONITORING = f"supervision@{HOME}"
BACKUPS = f"sauvegardes@{HOME}"


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody of the story, as they are a year before the anchor."""

    name: str
    email: str
    username: str
    two_factor: bool
    role: str = "person"
    company: str = "Brumelle"
    connect: bool = False
    with_token: bool = False


def _person(name: str, address: str, *, two_factor: bool, at: str = HOME) -> Character:
    first, _, last = address.partition(".")
    company = {HOME: "Brumelle", GALET: "Studio Galet", BOREAL: "Atelier Boréal"}[at]
    username = f"{first[0]}{last}" if last else first
    role = "person" if at == HOME else "external"
    return Character(name, f"{address}@{at}", username, two_factor, role, company)


def _program(name: str, email: str, username: str, *, two_factor: bool = False) -> Character:
    return Character(name, email, username, two_factor, role="service", with_token=True)


OWNERS = (
    Character(
        "Plateforme Brumelle",
        PLATFORM,
        "brumelle",
        two_factor=True,
        role="owner",
        connect=True,
        with_token=True,
    ),
    Character(
        "Brumelle Santé",
        HEALTH,
        "brumelle-sante",
        two_factor=False,
        role="owner",
        connect=True,
        with_token=True,
    ),
    Character("Claire Vasseur", CLAIRE, "cvasseur", two_factor=True, role="owner", with_token=True),
)

PROGRAMS = (
    _program("Intégration continue", CI, "brumelle-ci"),
    _program("Redémarrages de nuit", NIGHTLY, "brumelle-nuit"),
    _program("Supervision", MONITORING, "brumelle-supervision"),
    _program("Sauvegardes", BACKUPS, "brumelle-sauvegardes", two_factor=True),
)

PEOPLE = (
    # Platform and security
    _person("Hugo Lemaire", "hugo.lemaire", two_factor=True),
    _person("Inès Benali", "ines.benali", two_factor=True),
    _person("Vincent Moreau", "vincent.moreau", two_factor=True),
    # Billing
    _person("Camille Roussel", "camille.roussel", two_factor=True),
    _person("Nadia Haddad", "nadia.haddad", two_factor=False),
    _person("Julien Faure", "julien.faure", two_factor=False),
    _person("Laura Petit", "laura.petit", two_factor=False),
    _person("Baptiste Colin", "baptiste.colin", two_factor=True),
    # Booking
    _person("Antoine Girard", "antoine.girard", two_factor=True),
    _person("Sofia Carvalho", "sofia.carvalho", two_factor=False),
    _person("Maxime Perrin", "maxime.perrin", two_factor=False),
    # Patient records
    _person("Mathilde Aubry", "mathilde.aubry", two_factor=True),
    _person("Karim Belkacem", "karim.belkacem", two_factor=True),
    # Data
    _person("Wei Zhang", "wei.zhang", two_factor=False),
    _person("Marion Leclerc", "marion.leclerc", two_factor=True),
    _person("Olivier Renaud", "olivier.renaud", two_factor=False),
    _person("Nicolas Arnaud", "nicolas.arnaud", two_factor=False),
    # Website
    _person("Chloé Dumas", "chloe.dumas", two_factor=False),
    _person("Romain Barbier", "romain.barbier", two_factor=True),
    # Support
    _person("Sarah Lefebvre", "sarah.lefebvre", two_factor=False),
    _person("Thomas Guérin", "thomas.guerin", two_factor=True),
    # Agencies
    _person("Manon Rivière", "manon.riviere", two_factor=True, at=GALET),
    _person("Fanny Klein", "fanny.klein", two_factor=False, at=BOREAL),
    _person("Gaspard Meunier", "gaspard.meunier", two_factor=False, at=BOREAL),
)

# They come during the year.
NEWCOMERS = (
    _person("Théo Garnier", "theo.garnier", two_factor=True),
    _person("Élodie Marchand", "elodie.marchand", two_factor=False),
    _person("Léa Fontaine", "lea.fontaine", two_factor=True),
    _person("Pauline Chevalier", "pauline.chevalier", two_factor=True),
    _person("Aïcha Diallo", "aicha.diallo", two_factor=False),
    _person("Jade Morin", "jade.morin", two_factor=False),
    _person("Adrien Castel", "adrien.castel", two_factor=True),
    _person("Lucas Maillard", "lucas.maillard", two_factor=False),
    _person("Dylan Costa", "dylan.costa", two_factor=False, at=GALET),
    _person("Yann Le Goff", "yann.legoff", two_factor=True, at=GALET),
    _person("Piotr Nowak", "piotr.nowak", two_factor=False, at=BOREAL),
)


def at(address: str) -> str:
    """The whole address of somebody of the house."""
    return f"{address}@{HOME}"
