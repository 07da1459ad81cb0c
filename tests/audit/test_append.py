"""What is appended: its bytes, its place, and what happens to it when the rest fails."""

import json
import subprocess
import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from django.db import connection, connections, transaction

from governance.accounts.models import User
from governance.audit import actions
from governance.audit.events import Entry, Source
from governance.audit.models import Event, Head, Personal
from governance.audit.verify import verify


def record(now, **changes):
    found = {"by": None, "source": Source.PAGE, "at": now, **changes}
    return actions.record(found.pop("kind", "user.signed_in"), **found)


def test_an_event_says_what_it_was_told(alice, now):
    app, person = uuid.uuid4(), uuid.uuid4()

    sequence = record(
        now,
        kind="user.roles_changed",
        by=alice,
        source=Source.TERMINAL,
        target=alice,
        app_id=app,
        person_id=person,
        data={"before": ["viewer"], "after": []},
    )

    event = Event.objects.get(sequence=sequence)
    assert (event.kind, event.source, event.occurred_at) == ("user.roles_changed", "terminal", now)
    assert (event.actor_kind, event.actor_id) == ("user", alice.pk)
    assert (event.target_kind, event.target_id) == ("accounts.user", alice.pk)
    assert (event.app_id, event.person_id) == (app, person)
    assert event.data == {"before": ["viewer"], "after": []}


def test_nobody_is_the_system(db, now):
    record(now)

    event = Event.objects.get()
    assert (event.actor_kind, event.actor_id) == ("system", None)


def test_the_clock_of_recording_is_the_database_s(db, now):
    before = datetime.now(UTC)
    record(now)

    assert abs(Event.objects.get().recorded_at - before) < timedelta(minutes=1)


def test_each_line_names_the_hash_of_the_one_before(log):
    previous = bytes(32)
    for number, event in enumerate(Event.objects.order_by("sequence"), start=1):
        line = json.loads(event.line)
        assert (event.sequence, line["sequence"]) == (number, number)
        assert line["previous"] == previous.hex()
        assert sha256(event.line.encode()).digest() == bytes(event.hash)
        previous = bytes(event.hash)

    head = Head.objects.get()
    assert (head.sequence, bytes(head.hash)) == (12, previous)


def test_anybody_can_recompute_a_hash_with_sha256sum(log):
    line = Event.objects.get(sequence=6).line
    following = json.loads(Event.objects.get(sequence=7).line)

    summed = subprocess.run(["sha256sum"], input=line.encode(), capture_output=True, check=True)

    assert summed.stdout.split()[0].decode() == following["previous"]


def test_a_line_is_canonical_whatever_the_data(db, now):
    record(
        now,
        data={
            "zeta": 1,
            "alpha": {"b": [True, False, None, -(2**53 - 1)], "a": 'é\u2028\x7f\x1f"\\/\t😀'},
            "when": datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=1))),
            "id": uuid.UUID(int=7),
        },
    )

    event = Event.objects.get()
    parsed = json.loads(event.line)
    again = json.dumps(parsed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert event.line == again
    assert event.data["when"] == "2026-03-02T09:30:00.000000Z"
    assert event.data["id"] == str(uuid.UUID(int=7))
    assert verify().faults == ()


@pytest.mark.parametrize(
    "value",
    [1.0, 0.1, float("nan"), b"x", object(), {1, 2}, 2**53, -(2**53), "a\0b", "\ud800",
     {"Key": 1}, {1: 1}, {"é": 1}, {"": 1}, datetime(2026, 3, 2)],  # noqa: DTZ001
)  # fmt: skip
def test_what_other_languages_would_write_otherwise_is_refused(db, now, value):
    for data in ({"value": value}, {"nested": [{"value": value}]}):
        with pytest.raises(actions.CannotBeRecorded, match="value"):
            record(now, data=data)

    assert not Event.objects.exists()


def test_an_instant_needs_a_time_zone(db, now):
    with pytest.raises(actions.CannotBeRecorded):
        record(now.replace(tzinfo=None))


def test_a_refused_entry_keeps_the_others_out_too(db, now, entries):
    bad = Entry("user.signed_in", now, Source.PAGE, data={"value": 0.5})

    with pytest.raises(actions.CannotBeRecorded):
        actions.record_many([*entries(3), bad])

    assert not Event.objects.exists()


def test_a_batch_is_one_round_trip_in_order(db, entries, django_assert_num_queries):
    wanted = list(entries(50))

    with django_assert_num_queries(1):
        sequences = actions.record_many(wanted)

    assert sequences == list(range(1, 51))
    found = Event.objects.order_by("sequence")
    assert [event.data["number"] for event in found] == list(range(50))
    assert [event.app_id for event in found] == [entry.app_id for entry in wanted]


def test_nothing_to_append_costs_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert actions.record_many([]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "Joined"},
        {"kind": 'a.b","kind":"c'},
        {"source": "elsewhere"},
        {"actor_kind": "root"},
        {"actor_kind": "user"},
        {"actor_kind": "system", "actor_id": uuid.UUID(int=1)},
        {"target_kind": 'x"'},
    ],
)
def test_the_database_refuses_words_that_it_does_not_know(db, now, changes):
    fields = {"kind": "user.signed_in", "at": now, "source": Source.PAGE, **changes}

    with pytest.raises(Exception, match="audit_"), transaction.atomic():
        actions.record_many([Entry(**fields)])

    assert Head.objects.get().sequence == 0


def test_the_personal_part_stands_beside_the_chain(db, now):
    record(now, personal={"name": "Ana", "email": "ana@example.com"})

    event, personal = Event.objects.get(), Personal.objects.get()
    assert "ana" not in event.line.lower()
    assert personal.fields == '{"email":"ana@example.com","name":"Ana"}'
    committed = sha256(bytes(personal.salt) + personal.fields.encode()).digest()
    assert bytes(event.commitment) == committed
    assert json.loads(event.line)["event"]["commitment"] == committed.hex()


def test_equal_personal_parts_have_different_commitments(db, now):
    record(now, personal={"email": "ana@example.com"})
    record(now, personal={"email": "ana@example.com"})

    assert len(set(Event.objects.values_list("commitment", flat=True))) == 2


def test_erasing_a_person_leaves_a_chain_that_verifies(log, now):
    kept, erased = Event.objects.filter(commitment__isnull=False)[:2]

    sequences = actions.erase_personal([erased.person_id], by=None, source=Source.TERMINAL, at=now)

    assert sequences == [erased.sequence]
    assert Personal.objects.get(sequence=erased.sequence).fields is None
    assert Personal.objects.get(sequence=erased.sequence).salt is None
    assert Personal.objects.get(sequence=kept.sequence).fields is not None
    assert Event.objects.last().kind == "personal.erased"
    assert Event.objects.last().data == {"count": 1, "sequences": sequences}
    assert verify().faults == ()


def test_erasing_again_finds_nothing_and_records_nothing(log, now):
    person = Event.objects.filter(commitment__isnull=False)[0].person_id
    actions.erase_personal([person], by=None, source=Source.TERMINAL, at=now)
    count = Event.objects.count()

    again = actions.erase_personal([person], by=None, source=Source.TERMINAL, at=now)

    assert again == []
    assert Event.objects.count() == count


@pytest.mark.parametrize("role", ["actor_id", "target_id", "person_id"])
def test_erasing_finds_a_person_in_every_role(db, now, role):
    somebody = uuid.uuid4()
    kind = {"actor_kind": "user"} if role == "actor_id" else {}
    entry = Entry("user.signed_in", now, Source.PAGE, personal={"email": "a@example.com"},
                  **{role: somebody}, **kind)  # fmt: skip
    actions.record_many([entry])

    erased = actions.erase_personal([somebody], by=None, source=Source.TERMINAL, at=now)

    assert erased == [1]


def test_a_rollback_leaves_no_gap(db, now):
    record(now)
    with transaction.atomic():
        record(now)
        transaction.set_rollback(True)
    record(now)

    assert list(Event.objects.values_list("sequence", flat=True)) == [1, 2]
    assert verify().faults == ()


def test_a_change_whose_event_cannot_be_appended_does_not_happen(alice, now):
    @transaction.atomic
    def rename():
        User.objects.filter(pk=alice.pk).update(name="Bea")
        record(now, data={"value": 0.5})

    with pytest.raises(actions.CannotBeRecorded):
        rename()

    alice.refresh_from_db()
    assert alice.name == "Alice"


@pytest.mark.django_db(transaction=True)
def test_a_refusal_stays_when_the_refused_transaction_goes(now):
    class Refused(Exception):
        pass

    def refuse():
        actions.record_refusal("user.refused", by=None, source=Source.PAGE, at=now)
        raise Refused

    @transaction.atomic
    def refuse_inside():
        User.objects.create_user("erin@example.com")
        refuse()

    for refusing in (refuse_inside, refuse):
        with pytest.raises(Refused):
            refusing()

    assert not User.objects.exists()
    assert Event.objects.count() == 2
    assert verify().faults == ()


@pytest.mark.django_db(transaction=True)
def test_fifty_writers_at_once_leave_no_gap_and_no_fork(now):
    """They meet inside: all have begun when the first appends, and each holds the head a while.

    Processes of different versions of the application are no other case: sequence, time, line and
    hash are given by the one function of the database that both call.
    """
    writers, each = 50, 4
    ready = threading.Barrier(writers)
    given, failures = [], []

    def write(number):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '60s'")
                ready.wait(60)
                for turn in range(each):
                    entry = Entry("sync.finished", now, Source.SCHEDULE, data={"n": number})
                    if number % 5 == 0 and turn == each - 1:
                        actions.record_many([entry])
                        transaction.set_rollback(True)
                        return
                    given.extend(actions.record_many([entry]))
        except Exception as error:  # noqa: BLE001  It is the test's to look at.
            failures.append(error)
            ready.abort()
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    kept = list(Event.objects.order_by("sequence").values_list("sequence", flat=True))
    assert kept == list(range(1, 40 * each + 1))
    assert verify().faults == ()
