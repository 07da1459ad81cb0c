"""Schedules of anything that may happen: see `schedule`."""

from tests.sync.schedules.schedule import Schedule, run

__all__ = ["Schedule", "run"]
