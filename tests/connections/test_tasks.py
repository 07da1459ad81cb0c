"""A lost message loses nothing: the sweep finds what waits."""

import pytest

from governance.connections import actions, tasks
from governance.connections.models import State

pytestmark = pytest.mark.django_db


def test_the_sweep_finds_what_waits_and_nothing_else(
    working, acme, sent, now, django_capture_on_commit_callbacks
):
    waiting = actions.add("Waiting", acme.token_of("fred@acme.example"), by=None, at=now)
    sent.clear()

    with django_capture_on_commit_callbacks(execute=True):
        tasks.test_untested()
    assert sent == [("connections.test", {"connection_id": str(waiting.pk)})]

    tasks.test(**sent.pop()[1])
    waiting.refresh_from_db()
    assert waiting.state == State.WORKING
    with django_capture_on_commit_callbacks(execute=True):
        tasks.test_untested()
    assert sent == []


def test_both_tasks_have_the_names_that_the_schedule_knows():
    from governance.celery import app

    app.loader.import_default_modules()
    assert {"connections.test", "connections.test_untested"} <= set(app.tasks)
    assert "connections.test_untested" in {
        entry["task"] for entry in app.conf.beat_schedule.values()
    }
