"""Tell the workers that a row waits for them. A doorbell: losing one loses nothing."""

import logging
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def after_commit(task_name: str, *, seconds_later: float = 0, **kwargs: Any) -> None:
    """Send `task_name` when the transaction around this call has committed; at once outside one.

    `kwargs` are ids and words that JSON can hold; workers hear it `seconds_later`. A broker that
    cannot be reached is logged and otherwise ignored, since the sweeps of the schedule find what is
    due anyway.
    """
    transaction.on_commit(partial(_send, task_name, seconds_later, kwargs), robust=True)


def _send(task_name: str, seconds: float, kwargs: dict[str, Any]) -> None:
    queue = import_string(settings.QUEUE_APP)
    try:
        queue.send_task(task_name, kwargs=kwargs, countdown=seconds or None, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("nudge not sent", extra={"task": task_name, "error": type(error).__name__})
