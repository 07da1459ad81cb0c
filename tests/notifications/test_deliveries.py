"""Mails are rows first: sent in the end, or shown as lost; never promised twice."""

import smtplib
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from governance.audit import actions as audit
from governance.audit import checkpoints as signing
from governance.audit.events import Source
from governance.audit.models import Checkpoint, Witness
from governance.notifications import actions, checkpoints, tasks
from governance.notifications.models import Attempt, Delivery

State = Delivery.State


@pytest.fixture(autouse=True)
def _server(settings):
    settings.MAIL_URL = "smtp://mail.example.com"


@pytest.fixture
def checkpoint(db, now):
    """`checkpoint()`: another one, over one event more."""

    def take():
        audit.record("user.signed_in", by=None, source=Source.PAGE, at=now)
        return signing.take(
            private=django_settings.AUDIT_SIGNING_KEY, origin=django_settings.AUDIT_ORIGIN, at=now
        )

    return take


@pytest.fixture
def broken(monkeypatch):
    """A mail server that says no, until `broken.clear()`."""
    says_no = [True]

    def send(message, *_arguments, **_options):
        if says_no:
            raise smtplib.SMTPServerDisconnected("ana@example.com was here")
        return mail.get_connection().send_messages([message])

    monkeypatch.setattr("django.core.mail.EmailMessage.send", send)
    return says_no


def deliver(at):
    return checkpoints.deliver(at=at)


def test_each_recipient_gets_each_checkpoint_once(checkpoint, now):
    one, two = checkpoint(), checkpoint()
    people = ["archive@example.com", "auditor@example.com"]

    for _ in range(3):
        checkpoints.promise(people, at=now)
        deliver(now)

    sent = sorted((message.to[0], message.subject) for message in mail.outbox)
    assert sent == [
        (person, f"Audit log checkpoint: {size} events")
        for person in people
        for size in (one.size, two.size)
    ]


def test_the_mail_carries_the_note_byte_for_byte(checkpoint, now):
    one = checkpoint()
    checkpoints.promise(["archive@example.com"], at=now)

    deliver(now)

    (name, content, _kind) = mail.outbox[0].attachments[0]
    assert (name, content) == (one.file_name, one.note.encode())
    assert one.note in mail.outbox[0].body


def test_a_mail_that_was_taken_is_a_witness(checkpoint, now):
    one = checkpoint()
    checkpoints.promise(["a@example.com", "b@example.com"], at=now)
    assert not Witness.objects.exists()

    assert deliver(now) == 2

    witness = Witness.objects.get()
    assert (witness.checkpoint, witness.kind) == (one, "mail")
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_a_server_that_says_no_is_asked_again_later_and_later(checkpoint, now, broken):
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    tried, at = [], now
    for _ in range(40):
        at += timedelta(minutes=1)
        before = Attempt.objects.count()
        deliver(at)
        if Attempt.objects.count() > before:
            tried.append(round((at - now).total_seconds() / 60))
    broken.clear()
    deliver(now + timedelta(hours=1))

    assert tried == [1, 2, 4, 9, 24]
    assert len(mail.outbox) == 1
    assert Delivery.objects.get().state == State.SENT


def test_what_never_got_through_is_lost_and_can_be_tried_again(checkpoint, now, broken):
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    for hours in range(60):
        deliver(now + timedelta(hours=hours))

    lost = Delivery.objects.get()
    assert lost.state == State.LOST
    assert lost.attempts == len(actions.WAITS) + 1 == Attempt.objects.count()
    assert not Witness.objects.exists()
    broken.clear()
    assert actions.try_again([lost.pk], at=now) == 1
    deliver(now)
    assert Delivery.objects.get().state == State.SENT


def test_an_attempt_says_what_went_wrong_and_no_address(checkpoint, now, broken):
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    deliver(now)

    assert Attempt.objects.get().error == "SMTPServerDisconnected"


def test_without_a_server_nothing_is_sent_and_the_attempt_says_so(checkpoint, now, settings):
    settings.MAIL_URL = ""
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    deliver(now)

    assert mail.outbox == []
    assert Attempt.objects.get().error == "No mail server is set."


def test_a_worker_that_died_gives_it_back(checkpoint, now, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)
    with monkeypatch.context() as patch:
        patch.setattr(actions, "_send", die)
        with pytest.raises(Killed):
            deliver(now)

    assert deliver(now + timedelta(minutes=1)) == 0
    assert deliver(now + timedelta(minutes=6)) == 1
    assert len(mail.outbox) == 1


def test_two_workers_do_not_send_the_same(checkpoint, now, monkeypatch):
    """The second comes while the first is sending."""
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)
    seconds = []
    send = actions._send

    def while_sending(delivery):
        if not seconds:
            seconds.append(None)
            seconds[0] = deliver(now)
        return send(delivery)

    monkeypatch.setattr(actions, "_send", while_sending)

    assert deliver(now) == 1
    assert seconds == [0]
    assert len(mail.outbox) == 1


def test_after_a_long_silence_the_newest_speak_for_all(checkpoint, now, monkeypatch):
    monkeypatch.setattr(checkpoints, "_AT_ONCE", 3)
    numbers = [checkpoint().pk for _ in range(5)]

    checkpoints.promise(["a@example.com"], at=now)
    checkpoints.promise(["a@example.com"], at=now)

    promised = sorted(int(one) for one in Delivery.objects.values_list("reference", flat=True))
    assert promised == numbers[2:]


def test_a_new_recipient_gets_what_is_there(checkpoint, now):
    one = checkpoint()
    checkpoints.promise(["a@example.com"], at=now)
    checkpoints.promise(["a@example.com", "b@example.com"], at=now)

    found = set(Delivery.objects.values_list("recipient", "reference"))
    assert found == {("a@example.com", str(one.pk)), ("b@example.com", str(one.pk))}


def test_the_task_promises_and_delivers(checkpoint, settings):
    settings.CHECKPOINT_MAIL = ["archive@example.com"]
    checkpoint()

    tasks.deliver_due()

    assert len(mail.outbox) == 1
    assert Witness.objects.count() == Checkpoint.objects.count() == 1


def test_the_database_refuses_a_settled_delivery_without_its_time(checkpoint, now):
    from django.db import IntegrityError, transaction

    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_delivery SET state = 'sent'")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp://ana:pa%40ss@mail.example.com", ("mail.example.com", 587, "pa@ss", True, False)),
        ("smtp://mail.example.com:25?tls=no", ("mail.example.com", 25, "", False, False)),
        ("smtps://mail.example.com", ("mail.example.com", 465, "", False, True)),
    ],
)
def test_a_mail_server_is_named_by_one_address(url, found):
    from governance.settings import _mail

    made = _mail(url)

    names = ("HOST", "PORT", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(made[f"EMAIL_{name}"] for name in names) == found


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://"])
def test_another_address_is_no_mail_server(url):
    from governance.settings import _mail

    with pytest.raises(ImproperlyConfigured, match="MAIL_URL"):
        _mail(url)


def test_mail_may_be_written_to_a_folder(checkpoint, now, settings, tmp_path):
    from governance.settings import _mail

    for name, value in _mail(f"file://{tmp_path}").items():
        setattr(settings, name, value)
    checkpoint()
    checkpoints.promise(["a@example.com"], at=now)

    deliver(now)

    assert "Audit log checkpoint" in next(tmp_path.iterdir()).read_text()


def test_a_file_of_any_bytes_comes_whole_and_is_not_kept_once_it_was_taken(db, now):
    data = bytes(range(256)) * 3
    actions.promise(
        [
            Delivery(
                topic="test",
                reference="1",
                recipient="a@example.com",
                subject="A file",
                body="Here.",
                attachment_name="all.bin",
                attachment_bytes=data,
                created_at=now,
                due_at=now,
            )
        ]
    )

    deliver(now)

    (name, content, _kind) = mail.outbox[0].attachments[0]
    assert (name, content) == ("all.bin", data)
    assert Delivery.objects.get().attachment_bytes is None
