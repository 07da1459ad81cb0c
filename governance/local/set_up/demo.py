"""The pretend company."""

from governance.local.company import Company
from governance.local.places import Places


def prepare(places: Places) -> Company:
    return Company(sentence="demo", anchor="2026-01-01T00:00:00+00:00")
