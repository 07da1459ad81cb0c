"""What is answered when a page breaks. Says nothing of why: that is in the log."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from redis.exceptions import ConnectionError as BrokerAway

# Seconds after which a browser or a load balancer may try again.
_AGAIN_AFTER = 30
_AWAY = (OperationalError, InterfaceError, PoolTimeout, BrokerAway)


def broke(request: HttpRequest) -> HttpResponse:
    """503 while the database or the broker cannot be reached, else 500.

    Called by Django while the error is being handled. Needs neither of the two, nor a session.
    """
    error = sys.exc_info()[1]
    # A query that took too long was cancelled by a database that is there.
    if isinstance(error, _AWAY) and not isinstance(error.__cause__, QueryCanceled):
        response = HttpResponse(render_to_string("503.html"), status=503)
        response["Retry-After"] = str(_AGAIN_AFTER)
        return response
    return HttpResponse(render_to_string("500.html"), status=500)
