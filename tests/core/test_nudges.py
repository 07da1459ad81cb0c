"""Nudges: after the commit, never instead of it."""

import logging

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from governance.celery import app
from governance.core import nudges
from governance.core.nudges import after_commit


@pytest.mark.django_db(transaction=True)
def test_it_is_sent_after_the_commit(sent):
    with transaction.atomic():
        after_commit("sync.carry_out", run_id="1")
        assert sent == []

    assert sent == [("sync.carry_out", {"run_id": "1"})]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_for_what_was_rolled_back(sent):
    with transaction.atomic():
        after_commit("sync.carry_out", run_id="1")
        transaction.set_rollback(True)

    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_it_may_be_heard_later(monkeypatch):
    sent = []
    monkeypatch.setattr(app, "send_task", lambda name, **how: sent.append((name, how)))

    after_commit("changes.tell", seconds_later=30)
    after_commit("changes.tell")

    assert [(name, how["countdown"], how["kwargs"]) for name, how in sent] == [
        ("changes.tell", 30, {}),
        ("changes.tell", None, {}),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("away"), ConnectionError("away")])
def test_a_broker_that_is_away_breaks_nothing(monkeypatch, caplog, error):
    def away(*_, **__):
        raise error

    monkeypatch.setattr(app, "send_task", away)

    with caplog.at_level(logging.WARNING), transaction.atomic():
        after_commit("sync.carry_out", run_id="1")

    assert "nudge not sent" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_who_was_away_is_not_asked_again_at_once(monkeypatch):
    asked = []

    def away(name, **_):
        asked.append(name)
        raise OperationalError("away")

    monkeypatch.setattr(app, "send_task", away)

    after_commit("sync.carry_out", run_id="1")
    after_commit("sync.carry_out", run_id="2")
    assert asked == ["sync.carry_out"]

    nudges.listen_again()
    after_commit("sync.carry_out", run_id="3")
    assert len(asked) == 2


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_nowhere_is_tried_once(monkeypatch, tmp_path, caplog):
    tries = []
    monkeypatch.setattr(app.conf, "broker_url", f"redis+socket://{tmp_path}/nobody.sock")
    monkeypatch.setattr("kombu.utils.functional.sleep", tries.append)
    monkeypatch.setattr(nudges, "_producers", nudges._producers.__wrapped__)

    with caplog.at_level(logging.WARNING):
        after_commit("sync.carry_out", run_id="1")

    assert "nudge not sent" in caplog.text
    assert tries == []  # Celery would try again, and again, for six seconds
