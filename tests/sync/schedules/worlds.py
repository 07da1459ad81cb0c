"""The companies that schedules begin with, each read once: small, so that a sync costs little."""

from governance.connections.models import Connection
from governance.emulator import World
from tests.sync import slate
from tests.sync.company import PARIS, START, Company

OLIVIA, OSCAR = "olivia@acme.example", "oscar@other.example"


def two_regions(world):
    """As many people at both regions: four on each app, which no guard of an app watches."""
    _staff(world, "billing-web", 2)
    _staff(world, "vault-api", 3)
    world.create_app("vault-web", owner=OLIVIA, region="osc-secnum-fr1")
    _staff(world, "vault-web", 4)


def a_crowd(world):
    """Sixteen people on one app; of whom a lie, or a farewell, ends more than the guard lets by."""
    _in_one_region(world)
    world.create_app("hall", owner=OLIVIA, region=PARIS)
    _staff(world, "hall", 12)
    for number in range(4):
        world.invite("hall", f"guest-{number}@new.example")


def many_apps(world):
    """Four people on each of five apps: together more than the guard lets by, on none too many."""
    _in_one_region(world)
    for number in range(3):
        world.create_app(f"stand-{number}", owner=OLIVIA, region=PARIS)
        _staff(world, f"stand-{number}", 4)
    _staff(world, "billing-web", 2)


def a_guest(world):
    """Most apps are another's, and read one by one."""
    _in_one_region(world)
    for number, people in enumerate((2, 6)):
        world.create_app(f"lodge-{number}", owner=OSCAR, region=PARIS)
        world.add_member(f"lodge-{number}", OLIVIA, limited=bool(number))
        _staff(world, f"lodge-{number}", people)
    world.delete_app("billing-web")


def _in_one_region(world):
    world.delete_app("vault-api")
    for account in world.accounts.values():
        account.regions = (PARIS,)


def _staff(world, app, people):
    for number in range(people):
        address = f"{app}-{number}@staff.example"
        world.add_account(address, two_factor=bool(number % 2), regions=[PARIS])
        world.add_member(app, address, limited=bool(number % 2))


WORLDS = {one.__name__: one for one in (two_regions, a_crowd, many_apps, a_guest)}

_read = {}  # what the first sync of each leaves


def begin(name):
    """The company of that name, read once by olivia. What the tables held before is gone."""
    if not _read:
        _read[""] = slate.take(), START  # the tables as a test finds them
    if name not in _read:
        slate.put(_read[""][0])
        company = _company(name)
        company.connect(OLIVIA)
        if name == "a_guest":
            company.connect(OSCAR)
        run = company.sync()
        assert run.state == "complete", company.problems()
        _read[name] = slate.take(), company.now
    rows, now = _read[name]
    slate.put(rows)
    company = _company(name)
    company.now = now
    company.world.set_clock(now)
    company.olivia = Connection.objects.get(account_email=OLIVIA)
    return company


def read_all():
    """Read all of them now, before anything is planted."""
    for name in WORLDS:
        begin(name)


def _company(name):
    world = World(company="small", anchor=START)
    WORLDS[name](world)
    for number in range(4):
        world.add_account(f"p{number}@acme.example", two_factor=bool(number % 2))
    return Company(world)
