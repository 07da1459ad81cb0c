"""A worker like any other, in which minutes are seconds: what is lost is found while we watch."""

from datetime import timedelta

import django

from governance.celery import app

django.setup()

from governance.changes.actions import leasing, seeing, telling  # noqa: E402

__all__ = ["app"]

leasing.LEASE = telling.LEASE = timedelta(seconds=8)
telling._TIME_TO_ANSWER = timedelta(seconds=4)
telling.SETTLED = seeing.LAG = timedelta(seconds=5)
telling._LONGEST_PAUSE = timedelta(seconds=5)
seeing.PAUSE = timedelta(seconds=1)
