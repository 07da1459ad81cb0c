"""The pretend company: its people to sign in as, its connected accounts, and its past year.

Put into an empty database and no other. When it is interrupted, the next start goes on where it
stopped: the company's year is the same for the same end.
"""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from governance.accounts.models import User
from governance.connections.models import Connection
from governance.emulator import World
from governance.local.company import Company
from governance.local.files import read_json, write_json
from governance.local.places import Places
from governance.local.set_up import replay, sign_ins
from governance.local.set_up.descriptions import describe

COMPANY = "demo"
DOMAIN = "brumelle.example"
# The project whose apps alone the scoped viewer sees.
SCOPE = "billing"

PEOPLE = [
    ("Ada Admin", f"ada@{DOMAIN}", "admin", "invites, changes roles, removes"),
    ("Olga Operator", f"olga@{DOMAIN}", "operator", "connects accounts, watches syncs"),
    ("Aude Auditor", f"aude@{DOMAIN}", "auditor", "exports evidence"),
    ("Vera Viewer", f"vera@{DOMAIN}", "viewer", "reads everything"),
    ("Basile Billing", f"basile@{DOMAIN}", "viewer", f"reads the project {SCOPE} alone"),
]
ADMIN, SCOPED = PEOPLE[0][1], PEOPLE[4][1]


def prepare(places: Places) -> Company:
    """Make the demo where nothing is yet, or say that something is."""
    state = read_json(places.demo).get(sign_ins.database_key())
    if state is None:
        if User.objects.exists() or Connection.objects.exists():
            return Company(
                sentence="The database holds data already, so the pretend company was left out.",
                sign_ins=sign_ins.kept(places),
            )
        # A state of the company that outlived its database would be of another year.
        places.company.unlink(missing_ok=True)
        anchor = datetime.now(UTC).replace(microsecond=0)
        state = _keep(places, anchor, replayed=False)
    anchor = datetime.fromisoformat(state["anchor"])
    if not state["replayed"]:
        _replay(places, anchor)
        _keep(places, anchor, replayed=True)
    return Company(
        sentence="It shows Brumelle, a pretend company, with a year of its past.",
        sign_ins=sign_ins.kept(places),
        anchor=anchor.isoformat(),
        # What whoever starts it has set themselves is kept.
        settings={
            **({} if settings.COMPANY_DOMAINS else {"COMPANY_DOMAINS": DOMAIN}),
            **({} if settings.ACT_AS else {"ACT_AS": ADMIN}),
        },
    )


def _keep(places: Places, anchor: datetime, *, replayed: bool) -> dict[str, Any]:
    """Write down which year this database holds, and whether it holds all of it."""
    everything = read_json(places.demo)
    state = {"anchor": anchor.isoformat(), "replayed": replayed}
    write_json(places.demo, everything | {sign_ins.database_key(): state})
    return state


def _replay(places: Places, anchor: datetime) -> None:
    world = World.at_start_of_year(COMPANY, anchor=anchor)
    people = sign_ins.make(PEOPLE, places, at=world.clock.now())
    replay.connect(world)
    replay.year(world)
    describe(world, by=people[ADMIN], scoped=people[SCOPED], project=SCOPE, at=anchor)
    replay.rotations(world, anchor)
    replay.links(world, anchor)
