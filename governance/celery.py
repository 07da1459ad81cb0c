"""The queue: a doorbell. Truth is rows in Postgres; a message carries an id at most.

Two queues, so that a person never waits behind a sync. Losing, doubling or delaying a message
changes nothing: what is due is found again by the sweeps of the schedule.
"""

import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")

from django.conf import settings

app = Celery("governance")
app.conf.update(
    broker_url=settings.REDIS_URL,
    task_queues=[Queue("interactive"), Queue("sweep")],
    task_default_queue="sweep",
    task_routes={
        "connections.*": {"queue": "interactive"},
        "changes.*": {"queue": "interactive"},
        "sync.read_asked": {"queue": "interactive"},
        "reports.make": {"queue": "interactive"},
        # A person may wait for the one that covers their export.
        "audit.checkpoint": {"queue": "interactive"},
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=25 * 60,
    task_soft_time_limit=24 * 60,
    broker_transport_options={
        "visibility_timeout": 3600,  # longer than any task, or Redis delivers it twice
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
    },
    broker_connection_retry_on_startup=True,
    accept_content=["json"],
    task_ignore_result=True,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    timezone="UTC",
    beat_schedule={
        # A tick that nobody took before the next one comes is of no use.
        "sync-when-due": {
            "task": "sync.run_due",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "tell-and-verify-changes": {
            "task": "changes.sweep",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "read-what-changes-ask-for": {
            "task": "sync.read_asked",
            "schedule": 30.0,
            "options": {"expires": 30},
        },
        "rotate-what-leavers-know": {
            "task": "rotations.sweep",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "read-links-to-source-code": {
            "task": "sync.read_links",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "make-and-mail-reports": {
            "task": "reports.sweep",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "count-two-factor": {
            "task": "two_factor.catch_up",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        # A clock and not a count of seconds, which would begin anew whenever beat does.
        "open-reviews": {
            "task": "two_factor.open_review",
            "schedule": crontab(hour=5, minute=0),
            "options": {"expires": 3600},
        },
        "test-untested-connections": {
            "task": "connections.test_untested",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "sign-checkpoints": {
            "task": "audit.checkpoint",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "check-the-audit-log": {
            "task": "audit.check",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "deliver-mail": {
            "task": "notifications.deliver_due",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Celery would replace the handlers; Django has already set them."""
