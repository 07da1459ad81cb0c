"""A pretend Scalingo: for trying the product without an account, and for testing it honestly.

    world = World(company="small")
    client = httpx.Client(transport=httpx.WSGITransport(app=wsgi(world)))

Shares no code with the product's client, so that the two cannot share a mistake. See
docs/emulator.md.
"""

from .catalogue import BAD_DAYS
from .clock import Clock
from .faults import Fault
from .history import AccountState, AppState, Entry, Member
from .mutations import Mutation
from .plan import Ending
from .store import Impossible, Unknown
from .world import World
from .wsgi import wsgi

__all__ = [
    "BAD_DAYS",
    "AccountState",
    "AppState",
    "Clock",
    "Ending",
    "Entry",
    "Fault",
    "Impossible",
    "Member",
    "Mutation",
    "Unknown",
    "World",
    "wsgi",
]
