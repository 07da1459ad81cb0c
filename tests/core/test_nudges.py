"""Nudges: after the commit, never instead of it."""

import logging

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from governance.celery import app
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
