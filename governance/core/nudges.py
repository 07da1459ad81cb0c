"""Tell the workers that a row waits for them. A doorbell: losing one loses nothing."""

import logging
import time
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from kombu import pools
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# A page waits no longer for a broker that is away or stands still, whatever the workers' settings.
_PATIENCE = {
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
}
# Seconds in which nobody rings again after nobody answered.
_SILENCE = 5.0


def after_commit(task_name: str, *, seconds_later: float = 0, **kwargs: Any) -> None:
    """Send `task_name` when the transaction around this call has committed; at once outside one.

    `kwargs` are ids and words that JSON can hold; workers hear it `seconds_later`. A broker that
    cannot be reached is logged and otherwise ignored, since the sweeps of the schedule find what is
    due anyway.
    """
    transaction.on_commit(partial(_send, task_name, seconds_later, kwargs), robust=True)


def listen_again() -> None:
    """Forget that the broker was away, and ring at the next nudge."""
    _Bell.silent_until = 0.0


class _Bell:
    """When it may ring again: so that ten nudges of one page wait for one broker once."""

    silent_until = 0.0


def _send(task_name: str, seconds: float, kwargs: dict[str, Any]) -> None:
    if time.monotonic() < _Bell.silent_until:
        return
    try:
        with _producers().acquire(block=True, timeout=1) as producer:
            _queue().send_task(
                task_name,
                kwargs=kwargs,
                countdown=seconds or None,
                retry=False,
                producer=producer,
            )
    except (OperationalError, OSError) as error:
        _Bell.silent_until = time.monotonic() + _SILENCE
        logger.warning("nudge not sent", extra={"task": task_name, "error": type(error).__name__})


def _queue() -> Any:
    return import_string(settings.QUEUE_APP)


@cache
def _producers() -> Any:
    """The connections that nudges leave by, apart from those that a worker listens on."""
    connection = _queue().connection_for_write()
    connection.transport_options = {**connection.transport_options, **_PATIENCE}
    return pools.producers[connection]
