"""What holds for a time: rows with edges."""

from datetime import datetime

from django.db.models import Q


def counts_at(at: datetime) -> Q:
    """The rows that count as being so at `at`: the last reading before it said so.

    How far that is known is another question: see `queries/asof.py`.
    """
    return Q(ended_at=None, started_at__lte=at) | Q(ended_at__gt=at, started_at__lte=at)
