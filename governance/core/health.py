"""Whether this process runs, and whether it can serve. For load balancers and supervisors."""

import logging
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


@require_safe
@login_not_required
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers, whatever else is down."""
    return JsonResponse({"live": True})


@require_safe
@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database and the broker answer, else 503. Says which, never why."""
    checks = {"database": _answers(_ask_database), "broker": _answers(_ask_broker)}
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


def _answers(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (DatabaseError, RedisError, OSError) as error:
        logger.warning("not ready", extra={"check": ask.__name__, "error": type(error).__name__})
        return False
    return True


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker() -> None:
    cache.get("health")
