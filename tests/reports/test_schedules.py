"""Reports that come by mail: each period once, to those who may have it, with the hash."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Checkpoint, Event, Witness
from governance.core.verdict import Refused
from governance.notifications import actions as notifications
from governance.notifications.models import Delivery
from governance.reports import actions, periods
from governance.reports.actions import mailing
from governance.reports.asked import as_json
from governance.reports.models import Every, Export, Mailing, Schedule
from tests.reports.dying import dies_at

pytestmark = pytest.mark.usefixtures("company")
MONTH = timedelta(days=31)


@pytest.fixture(autouse=True)
def _server(settings):
    settings.MAIL_URL = "smtp://mail.example.com"
    settings.SITE_URL = "https://access.example.com"


@pytest.fixture
def start():
    """The middle of a month of the past, so that what is due lies in it too."""
    return timezone.now().replace(day=15) - 3 * MONTH


@pytest.fixture
def monthly(carol, alice, start, sent):
    """`monthly("privileged")`: each month, to Carol and Alice, set up by Carol."""

    def make(report="access-by-app", *, every="month", to=None, by=None, filters=None):
        return actions.schedule(
            actions.Wanted(
                report=report,
                format="csv",
                as_of=start,
                asked=as_json(at=None, since=None, filters=filters or {}),
            ),
            every=every,
            recipients=to if to is not None else [carol, alice],
            by=by or carol,
            source=Source.PAGE,
            at=start,
        )

    return make


def pass_the_time(at):
    """What the sweeps do when it is `at`."""
    actions.schedule_due(at=at)
    actions.make_due(clock=lambda: at)
    notifications.deliver_due(at=at)
    actions.note_sent(at=at)


def kinds():
    found = Event.objects.filter(kind__startswith="report.").order_by("sequence")
    return [kind.removeprefix("report.") for kind in found.values_list("kind", flat=True)]


@pytest.mark.parametrize(
    ("every", "at", "start", "end", "name"),
    [
        ("month", "2026-02-28T22:59", "2026-01-31T23:00", "2026-02-28T23:00", "2026-02"),
        ("month", "2026-03-31T22:00", "2026-03-31T22:00", "2026-04-30T22:00", "2026-04"),
        ("quarter", "2026-11-20T09:00", "2026-09-30T22:00", "2026-12-31T23:00", "2026, quarter 4"),
        ("week", "2026-03-29T12:00", "2026-03-22T23:00", "2026-03-29T22:00", "2026, week 13"),
        ("week", "2027-01-01T12:00", "2026-12-27T23:00", "2027-01-03T23:00", "2026, week 53"),
    ],
)
def test_periods_are_those_of_the_installations_zone(every, at, start, end, name):
    """Europe/Paris: an hour or two before UTC, with a change of the clocks inside."""
    at, start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (at, start, end))

    assert periods.end_of(Every(every), at) == end
    assert periods.start_of(Every(every), end) == start
    assert periods.name_of(Every(every), end) == name


def test_when_a_month_is_over_its_report_is_mailed_with_its_hash(monthly, carol, alice):
    schedule = monthly()
    over = schedule.next_at
    pass_the_time(over - timedelta(seconds=1))
    assert mail.outbox == []

    pass_the_time(over)

    export = Export.objects.get()
    assert (export.as_of, export.state, export.asked_by) == (over, "ready", carol)
    assert {message.to[0] for message in mail.outbox} == {carol.email, alice.email}
    message = mail.outbox[0]
    (name, data, _kind) = message.attachments[0]
    assert (name, len(data)) == (export.file_name, export.bytes)
    assert f"SHA-256: {export.sha256}" in message.body
    assert export.equation.splitlines()[0] in message.body
    assert export.coverage in message.body
    assert f"https://access.example.com/reports/exports/{export.pk}/" in message.body
    assert periods.name_of(Every.MONTH, over) in message.subject
    assert kinds() == ["schedule_made", "asked", "made", "mailed", "mailed"]


def test_a_partial_report_says_so_in_the_mail(monthly):
    """Nothing had been read by then: what the company is was first read much later."""
    schedule = monthly()

    pass_the_time(schedule.next_at)

    export = Export.objects.get()
    message = mail.outbox[0]
    assert export.is_partial
    assert message.subject.startswith("PARTIAL: ")
    assert export.partial_because[0] in message.body


def test_each_period_is_made_once_and_those_slept_through_are_made_up_for(monthly, start):
    schedule = monthly(to=[])
    ends = [schedule.next_at]
    while len(ends) < 3:
        ends.append(periods.end_of(Every.MONTH, ends[-1]))

    for _ in range(3):
        pass_the_time(ends[-1] + timedelta(hours=1))

    assert list(Export.objects.order_by("as_of").values_list("as_of", flat=True)) == ends


def test_what_is_about_a_time_is_about_the_period_that_is_over(monthly):
    schedule = monthly("movers")
    over = schedule.next_at

    actions.schedule_due(at=over)

    kept = Export.objects.get().asked
    assert datetime.fromisoformat(kept["since"]) == periods.start_of(Every.MONTH, over)
    assert datetime.fromisoformat(kept["at"]) == over


def test_filters_are_those_it_was_set_up_with(monthly):
    schedule = monthly(filters={"role": ["owner"]})

    actions.schedule_due(at=schedule.next_at)

    assert Export.objects.get().asked["filters"] == {"role": ["owner"]}


# --- who may --------------------------------------------------------------------------------------


def test_whoever_may_not_export_sets_up_nothing_and_receives_nothing(monthly, bob):
    with pytest.raises(Refused, match="Only auditors and admins"):
        monthly(by=bob)
    with pytest.raises(Refused, match="Bob may not export"):
        monthly(to=[bob])
    assert not Schedule.objects.exists()


def test_whoever_lost_the_right_is_left_out(monthly, alice, carol):
    schedule = monthly()
    alice.roles = ["viewer"]
    alice.save()

    pass_the_time(schedule.next_at)

    assert [message.to for message in mail.outbox] == [[carol.email]]


def test_it_is_paused_when_whoever_set_it_up_may_not_export_any_more(monthly, carol, alice):
    schedule = monthly()
    carol.roles = ["viewer"]
    carol.save()

    pass_the_time(schedule.next_at)

    schedule.refresh_from_db()
    assert schedule.paused_at
    assert "may not export any more" in schedule.paused_because
    assert not Export.objects.exists()
    assert kinds()[-1] == "schedule_paused"
    assert Event.objects.get(kind="report.schedule_paused").actor_kind == "system"


def test_pause_resume_and_end(monthly, carol, bob, start):
    schedule = monthly()
    over = schedule.next_at
    how = {"source": Source.PAGE}
    with pytest.raises(Refused):
        actions.pause(schedule, by=bob, at=start, **how)
    actions.pause(schedule, by=carol, at=start, **how)
    with pytest.raises(actions.AlreadySo):
        actions.pause(schedule, by=carol, at=start, **how)
    pass_the_time(over)
    assert not Export.objects.exists()

    resumed = actions.resume(schedule, by=carol, at=over + timedelta(days=1), **how)
    assert resumed.next_at == periods.end_of(Every.MONTH, over)
    pass_the_time(over + timedelta(days=2))
    assert not Export.objects.exists()

    actions.end(schedule, by=carol, at=over, **how)
    with pytest.raises(actions.AlreadySo):
        actions.end(schedule, by=carol, at=over, **how)
    pass_the_time(resumed.next_at)
    assert not Export.objects.exists()
    assert kinds() == [
        "schedule_made", "schedule_paused", "schedule_resumed", "schedule_ended",
    ]  # fmt: skip


# --- mails ----------------------------------------------------------------------------------------


def test_a_file_too_large_for_mail_is_linked(monthly, monkeypatch):
    monkeypatch.setattr(mailing, "LARGEST", 10)
    schedule = monthly()

    pass_the_time(schedule.next_at)

    message = mail.outbox[0]
    assert message.attachments == []
    assert "too large for a mail" in message.body
    assert Export.objects.get().sha256 in message.body


def test_a_pack_that_was_mailed_is_a_witness_of_the_log(carol, alice, start, sent, monkeypatch):
    def monthly_pack():
        return actions.schedule(
            actions.Wanted(
                report="pack",
                format="zip",
                as_of=start,
                asked=as_json(
                    at=None, since=None, filters={}, reports=["privileged"], formats=["csv"]
                ),
            ),
            every="month",
            recipients=[carol, alice],
            by=carol,
            source=Source.PAGE,
            at=start,
        )

    first = monthly_pack()
    at = first.next_at
    actions.schedule_due(at=at)
    actions.make_due(clock=lambda: at)
    assert not Witness.objects.exists()
    notifications.deliver_due(at=at)
    actions.note_sent(at=at)

    witness = Witness.objects.get()
    assert (witness.checkpoint, witness.kind) == (Checkpoint.objects.get(), "export")

    # One that is only linked stays where it is.
    monkeypatch.setattr(mailing, "LARGEST", 10)
    pass_the_time(at + MONTH)
    assert Checkpoint.objects.count() == 2
    assert Witness.objects.get() == witness


def test_what_could_not_be_made_is_mailed_too(monthly):
    schedule = monthly("no-such-report")

    pass_the_time(schedule.next_at)

    message = mail.outbox[0]
    assert message.subject.startswith("Not made: ")
    assert "There is no report no-such-report." in message.body


def test_a_mail_that_is_lost_is_noted_and_if_it_is_sent_after_all_that_too(monthly, carol):
    schedule = monthly(to=[carol])
    at = schedule.next_at
    actions.schedule_due(at=at)
    actions.make_due(clock=lambda: at)
    Delivery.objects.update(state="lost", settled_at=at)
    actions.note_sent(at=at)
    assert kinds()[-1] == "mail_lost"
    assert Mailing.objects.get().lost_at == at
    assert actions.note_sent(at=at) == 0

    notifications.try_again(Delivery.objects.values_list("pk", flat=True), at=at)
    notifications.deliver_due(at=at)
    actions.note_sent(at=at)

    mailed = Mailing.objects.get()
    assert (mailed.sent_at, mailed.lost_at) == (at, None)
    assert kinds()[-1] == "mailed"


@pytest.mark.parametrize("state", ["lost", "waiting"])
def test_what_was_to_be_mailed_is_not_kept_longer_than_the_file(monthly, carol, settings, state):
    schedule = monthly(to=[carol])
    at = schedule.next_at
    actions.schedule_due(at=at)
    actions.make_due(clock=lambda: at)
    assert Delivery.objects.get().attachment_bytes
    if state == "lost":
        Delivery.objects.update(state="lost", settled_at=at)
    actions.note_sent(at=at)

    late = at + settings.EXPORTS_KEPT
    actions.expire(at=late)
    actions.note_sent(at=late)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attachment_bytes) == ("lost", None)
    assert Mailing.objects.get().lost_at
    assert kinds()[-2:] == (
        ["mail_lost", "deleted"] if state == "lost" else ["deleted", "mail_lost"]
    )
    # A mail that speaks of its file does not go without it.
    assert notifications.try_again([delivery.pk], at=late) == 0
    notifications.deliver_due(at=late)
    assert mail.outbox == []


def test_a_worker_may_die_at_any_statement_and_each_gets_one_mail(monthly, carol):
    came, nth = True, 0
    while came:
        nth += 1
        mail.outbox.clear()
        Schedule.objects.update(ended_at=timezone.now())
        schedule = monthly(to=[carol])
        over = schedule.next_at
        came = dies_at(nth, lambda over=over: pass_the_time(over))
        for minutes in (6, 12):
            pass_the_time(over + timedelta(minutes=minutes))

        export = Export.objects.get(schedule=schedule)
        assert export.state == "ready", nth
        assert Mailing.objects.get(export=export).sent_at, nth
        # Sending is at least once: only whoever died between the server's yes and its note of it
        # sends again.
        assert len(mail.outbox) in {1, 2}, nth
        assert kinds().count("mailed") == Export.objects.count(), nth
    assert nth > 20
