"""What can be done with reports: ask, make, take, have them mailed. One module for each."""

from governance.reports.actions.asking import MOST_WAITING, TooMany, Wanted, ask
from governance.reports.actions.expiring import expire
from governance.reports.actions.leasing import LEASE, MOST_TRIES
from governance.reports.actions.mailing import LARGEST, note_sent
from governance.reports.actions.making import make_due
from governance.reports.actions.scheduling import (
    AlreadySo,
    end,
    pause,
    resume,
    schedule,
    schedule_due,
)
from governance.reports.actions.streaming import stream_now
from governance.reports.actions.taking import NoFile, download

__all__ = [
    "LARGEST",
    "LEASE",
    "MOST_TRIES",
    "MOST_WAITING",
    "AlreadySo",
    "NoFile",
    "TooMany",
    "Wanted",
    "ask",
    "download",
    "end",
    "expire",
    "make_due",
    "note_sent",
    "pause",
    "resume",
    "schedule",
    "schedule_due",
    "stream_now",
]
