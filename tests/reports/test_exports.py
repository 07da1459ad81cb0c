"""An export is a row before it is a file, and ends whatever becomes of those who make it."""

import gc
import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from governance.audit.events import Source
from governance.audit.models import Checkpoint, Event, Witness
from governance.core.verdict import Refused
from governance.reports import actions, making, tasks
from governance.reports.actions import leasing, taking
from governance.reports.actions import making as jobs
from governance.reports.asked import as_json
from governance.reports.formats import sheet
from governance.reports.models import Chunk, Download, Export
from tests.reports.dying import dies_at

pytestmark = pytest.mark.usefixtures("company")


class Clock:
    """Time as these tests let it pass."""

    def __init__(self):
        self.now = timezone.now()

    def __call__(self):
        return self.now

    def later(self, **span):
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """Files of several pieces, each noted."""
    monkeypatch.setattr(jobs, "PIECE", 300)
    monkeypatch.setattr(jobs, "_NOTE_EVERY", 0.0)


@pytest.fixture
def ask(carol, clock, sent):
    """`ask("access-by-app", at=…)` as Carol, the auditor; CSV."""

    def one(report="access-by-app", *, by=None, at=None, since=None, filters=None, **of_a_pack):
        wanted = actions.Wanted(
            report=report,
            format="zip" if of_a_pack else "csv",
            as_of=at or clock(),
            asked=as_json(at=at, since=since, filters=filters or {}, **of_a_pack),
        )
        return actions.ask(wanted, by=by or carol, source=Source.PAGE, at=clock())

    return one


def kinds():
    found = Event.objects.filter(kind__startswith="report.").order_by("sequence")
    return [kind.removeprefix("report.") for kind in found.values_list("kind", flat=True)]


def file_of(export):
    return b"".join(taking.pieces_of(export))


# --- from asking to the file ----------------------------------------------------------------------


def test_what_was_asked_for_is_made_and_kept_with_its_hash(ask, clock, carol, sent):
    export = ask()
    assert ("reports.make", {}) in sent

    assert actions.make_due(clock=clock) == 1

    export.refresh_from_db()
    data = file_of(export)
    assert (export.state, export.rows, export.bytes) == ("ready", 9, len(data))
    assert export.sha256 == hashlib.sha256(data).hexdigest()
    assert export.chunks.count() > 1
    assert "billing-api" in data.decode()
    assert "population 9 = owners 4 + accepted 4 + pending 1" in export.equation
    assert (export.complete, export.partial_because) == (True, [])
    assert export.expires_at > clock.now
    assert kinds() == ["asked", "made"]
    made = Event.objects.get(kind="report.made")
    assert (made.actor_id, made.data["sha256"]) == (carol.pk, export.sha256)


def test_it_is_as_of_when_it_is_made_where_no_time_was_named(ask, clock):
    export = ask()
    later = clock.later(minutes=2)

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert export.as_of == later


def test_a_time_that_was_named_stays(ask, clock):
    then = clock.now - timedelta(days=30)
    export = ask(at=then)
    clock.later(minutes=2)

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert (export.as_of, export.state) == (then, "ready")


def test_who_is_not_read_makes_it_partial_and_says_why(ask, clock, company):
    company.api.stale_since = clock.now - timedelta(hours=3)
    company.api.save()
    export = ask()

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert (export.state, export.complete) == ("ready", False)
    assert "1 of 4 apps was not read" in export.partial_because[0]
    assert "PARTIAL" in export.file_name
    assert Event.objects.get(kind="report.made").data["standing"] == "PARTIAL"


def test_what_cannot_be_made_fails_with_a_sentence(ask, clock):
    export = ask("no-such-report")

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert (export.state, export.said) == ("failed", "There is no report no-such-report.")
    assert kinds() == ["asked", "failed"]


def test_what_breaks_fails_once_and_is_in_the_log(ask, clock, monkeypatch, caplog):
    def breaks(*_arguments, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr(making, "make", breaks)
    export = ask()

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert export.state == "failed"
    assert "the log of the worker says what" in export.said
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_is_away_is_no_failure(ask, clock, monkeypatch):
    whole = making.make

    def away(*_arguments, **_options):
        raise OperationalError

    monkeypatch.setattr(making, "make", away)
    export = ask()
    actions.make_due(clock=clock)
    monkeypatch.setattr(making, "make", whole)
    assert actions.make_due(clock=clock) == 0

    clock.later(seconds=actions.LEASE.total_seconds() + 1)
    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert export.state == "ready"


# --- who may --------------------------------------------------------------------------------------


def test_whoever_may_not_export_asks_in_vain(ask, bob):
    with pytest.raises(Refused, match="Only auditors and admins can export"):
        ask(by=bob)
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"is_active": False}, "may not sign in here any more"),
        ({"roles": ["viewer"]}, "may not export any more"),
    ],
)
def test_a_right_that_was_lost_meanwhile_ends_it(ask, clock, carol, lost, said):
    export = ask()
    for name, value in lost.items():
        setattr(carol, name, value)
    carol.save()

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert export.state == "failed"
    assert said in export.said
    assert not Chunk.objects.exists()


def test_it_is_made_with_the_scope_it_was_asked_with(ask, clock, company, carol):
    """Whatever rights say later: what was kept with it is what is read."""
    export = ask()
    Export.objects.filter(pk=export.pk).update(everything=False, projects=[company.shop.pk])

    actions.make_due(clock=clock)

    export.refresh_from_db()
    text = file_of(export).decode()
    assert export.rows == 3
    assert "shop-index" in text
    assert "billing" not in text


def test_others_see_only_what_holds_nothing_that_is_hidden_from_them(
    ask, clock, company, of_billing, carol, bob
):
    whole, his, hers = ask(), ask(), ask()
    Export.objects.filter(pk=his.pk).update(everything=False, projects=[company.billing.pk])
    Export.objects.filter(pk=hers.pk).update(everything=False, projects=[company.shop.pk])

    def seen_by(user):
        return set(Export.objects.visible_to(user).values_list("pk", flat=True))

    assert seen_by(of_billing) == {his.pk}
    assert seen_by(bob) == seen_by(carol) == {whole.pk, his.pk, hers.pk}
    Export.objects.filter(pk=whole.pk).update(asked_by=of_billing)
    assert seen_by(of_billing) == {his.pk, whole.pk}


def test_nobody_has_more_than_some_made_at_once(ask, clock):
    for _ in range(actions.MOST_WAITING):
        ask()
    with pytest.raises(actions.TooMany):
        ask()

    actions.make_due(clock=clock)
    assert ask().state == "waiting"


# --- files and who takes them ---------------------------------------------------------------------


def test_a_download_is_on_record_before_a_byte_is_given(ask, clock, alice):
    export = ask()
    actions.make_due(clock=clock)
    export.refresh_from_db()

    pieces = actions.download(export, by=alice, source=Source.PAGE, at=clock())

    assert Download.objects.get().by == alice
    assert kinds()[-1] == "downloaded"
    assert b"".join(pieces) == file_of(export)


@pytest.mark.parametrize("state", ["waiting", "failed", "deleted"])
def test_there_is_nothing_to_take_but_of_what_is_ready(ask, clock, alice, state, settings):
    export = ask("no-such-report" if state == "failed" else "access-by-app")
    if state != "waiting":
        actions.make_due(clock=clock)
    clock.later(days=settings.EXPORTS_KEPT.days + 1)
    actions.expire(at=clock())
    export.refresh_from_db()
    assert export.state == state

    with pytest.raises(actions.NoFile):
        actions.download(export, by=alice, source=Source.PAGE, at=clock())
    assert not Download.objects.exists()


def test_a_file_goes_after_its_time_and_what_is_known_of_it_stays(ask, clock, settings, alice):
    export = ask()
    actions.make_due(clock=clock)
    export.refresh_from_db()
    list(actions.download(export, by=alice, source=Source.PAGE, at=clock()))
    clock.later(seconds=settings.EXPORTS_KEPT.total_seconds() - 1)
    assert actions.expire(at=clock()) == 0

    clock.later(seconds=1)
    assert actions.expire(at=clock()) == 1

    gone = Export.objects.get()
    assert (gone.state, gone.sha256, gone.rows) == ("deleted", export.sha256, export.rows)
    assert not Chunk.objects.exists()
    assert Download.objects.count() == 1
    assert kinds()[-1] == "deleted"
    assert actions.expire(at=clock()) == 0


# --- workers that die, and two at once ------------------------------------------------------------


def test_a_worker_may_die_at_any_statement(ask, clock):
    """Wherever it died, another makes the whole file, once, and says so once."""
    came, nth, pieces = True, 0, 0
    while came:
        nth += 1
        export = ask()
        asked = Event.objects.count()
        came = dies_at(nth, lambda: actions.make_due(clock=clock))
        clock.later(seconds=actions.LEASE.total_seconds() + 1)
        actions.make_due(clock=clock)

        export.refresh_from_db()
        data = file_of(export)
        assert export.state == "ready", nth
        assert export.sha256 == hashlib.sha256(data).hexdigest(), nth
        assert set(export.chunks.values_list("lease", flat=True)) == {export.lease}, nth
        assert kinds()[-1] == "made", nth
        assert Event.objects.count() == asked + 1, nth
        pieces = export.chunks.count()
    assert nth > 2 * pieces > 6


def test_whoever_asks_may_die_at_any_statement_too(ask, clock):
    """Either nothing was asked for, or it is made without a message having been heard."""
    came, nth = True, 0
    while came:
        nth += 1
        before = Export.objects.count()
        came = dies_at(nth, ask)
        asked = Export.objects.count() - before
        assert asked == kinds().count("asked") - before
        actions.make_due(clock=clock)
        assert not Export.objects.under_way().exists()
        assert kinds().count("made") == Export.objects.count()
    assert asked == 1
    assert nth > 3


def test_one_that_ends_its_workers_is_given_up(ask, clock):
    export = ask()
    for _ in range(actions.MOST_TRIES):
        assert leasing.take(at=clock()) is not None  # and then it died
        clock.later(seconds=actions.LEASE.total_seconds() + 1)

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert export.state == "failed"
    assert "never came back" in export.said


def test_two_workers_take_different_exports(ask, clock):
    one, two = ask(), ask()

    taken = {leasing.take(at=clock()).export.pk for _ in range(2)}

    assert taken == {one.pk, two.pk}
    assert leasing.take(at=clock()) is None


def test_a_late_worker_writes_nothing_over_what_another_made(ask, clock):
    export = ask()
    late = leasing.take(at=clock())
    leasing.keep(late, 0, b"half a file", at=clock(), done=1)
    clock.later(seconds=actions.LEASE.total_seconds() + 1)
    actions.make_due(clock=clock)
    export.refresh_from_db()
    whole = file_of(export)

    with pytest.raises(leasing.Lost):
        leasing.keep(late, 1, b"more of it", at=clock(), done=2)
    with pytest.raises(leasing.Lost):
        leasing.publish(late, leasing.Outcome("x", 1, 1, "x"), at=clock())
    with pytest.raises(leasing.Lost):
        leasing.give_up(late, "No.", at=clock())

    export.refresh_from_db()
    assert file_of(export) == whole
    assert kinds() == ["asked", "made"]


def test_who_goes_on_making_keeps_it(ask, clock):
    ask()
    leased = leasing.take(at=clock())
    for _ in range(5):
        clock.later(seconds=actions.LEASE.total_seconds() - 1)
        leasing.hold(leased, at=clock(), done=1, expected=9)
        assert leasing.take(at=clock()) is None


def test_how_far_it_is_can_be_read_meanwhile(ask, clock, monkeypatch):
    export, seen = ask(), []
    keep = leasing.keep

    def look(leased, number, data, **how):
        keep(leased, number, data, **how)
        seen.append(Export.objects.get(pk=export.pk).state)

    monkeypatch.setattr(leasing, "keep", look)
    actions.make_due(clock=clock)

    assert set(seen) == {"making"}
    export.refresh_from_db()
    assert (export.done, export.expected) == (9, 9)


def test_how_many_rows_are_written_is_noted_while_they_are(ask, clock, monkeypatch):
    ask()
    noted, hold = [], leasing.hold

    def note(leased, *, at, done=None, expected=None):
        noted.append((done, expected))
        hold(leased, at=at, done=done, expected=expected)

    monkeypatch.setattr(leasing, "hold", note)
    actions.make_due(clock=clock)

    assert (9, 9) in noted


def test_a_pack_is_held_while_a_long_workbook_of_it_is_written(clock, carol, sent, monkeypatch):
    """A workbook is written to the file at its end alone; its lease would be over by then."""
    monkeypatch.setattr(sheet, "_EVERY", 1)
    reports = ["privileged", "access-by-app"]
    wanted = actions.Wanted(
        report="pack",
        format="zip",
        as_of=clock(),
        asked=as_json(at=None, since=None, filters={}, reports=reports, formats=["xlsx"]),
    )
    export = actions.ask(wanted, by=carol, source=Source.PAGE, at=clock())
    noted, hold = [], leasing.hold

    def note(leased, *, at, done=None, expected=None):
        hold(leased, at=at, done=done, expected=expected)
        noted.append((done, expected))
        # A minute passes at each sign: three minutes without one, and another would take it.
        clock.later(minutes=1)
        assert leasing.take(at=clock()) is None

    monkeypatch.setattr(leasing, "hold", note)
    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert (export.state, export.rows, export.lease) == ("ready", 15, 1)
    rows = [done for done, expected in noted if expected == 15]
    assert set(range(1, 16)) <= set(rows), "each row, and the second workbook after the first"
    assert rows == sorted(rows)


def test_a_broker_that_lost_everything_loses_nothing(ask, clock, redis_url):
    export = ask()

    tasks.sweep()
    tasks.make(of_a_later_version=1)

    export.refresh_from_db()
    assert export.state == "ready"


# --- given while it is made -----------------------------------------------------------------------


@pytest.fixture
def stream(carol, clock):
    def begin(export, by=carol):
        return actions.stream_now(export, by=by, source=Source.PAGE, clock=clock)

    return begin


def test_what_is_given_while_it_is_made_is_kept_and_on_record_with_its_last_byte(
    ask, stream, clock, carol
):
    export = ask()
    pieces = stream(export)
    data = next(pieces)
    assert data.startswith(b"region,")
    for piece in pieces:
        export.refresh_from_db()
        if export.state == "ready":
            break
        assert not Download.objects.exists()
        data += piece

    assert len(piece) == 1
    data += piece
    assert list(pieces) == []
    assert (export.rows, export.bytes, export.complete) == (9, len(data), True)
    assert export.sha256 == hashlib.sha256(data).hexdigest()
    assert file_of(export) == data
    assert export.chunks.count() > 1
    assert "population 9 = owners 4 + accepted 4 + pending 1" in export.equation
    assert Download.objects.get().by == carol
    assert kinds() == ["asked", "made", "downloaded"]
    assert actions.make_due(clock=clock) == 0


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_whoever_goes_away_leaves_it_to_the_workers_and_took_nothing(
    ask, stream, clock, sent, taken
):
    export = ask()
    pieces = stream(export)
    for _ in range(taken):
        next(pieces)
    sent.clear()

    pieces.close()

    export.refresh_from_db()
    assert (export.state, export.leased_until, export.chunks.count()) == ("waiting", None, 0)
    assert ("reports.make", {}) in sent
    actions.make_due(clock=clock)
    export.refresh_from_db()
    assert export.sha256 == hashlib.sha256(file_of(export)).hexdigest()
    assert not Download.objects.exists()
    assert kinds() == ["asked", "made"]


def test_what_is_only_forgotten_is_made_when_its_lease_is_over(ask, stream, clock):
    """Python may give it up in the middle of another statement, where nothing can be written."""
    export = ask()
    pieces = stream(export)
    next(pieces)
    cycle = [pieces]
    cycle.append(cycle)
    del pieces, cycle

    with connection.execute_wrapper(lambda execute, *rest: (gc.collect(), execute(*rest))[1]):
        assert Export.objects.get().state == "making"

    assert actions.make_due(clock=clock) == 0
    clock.later(seconds=actions.LEASE.total_seconds() + 1)
    actions.make_due(clock=clock)
    export.refresh_from_db()
    assert (export.state, export.lease) == ("ready", 2)


def test_what_breaks_in_the_middle_is_cut_and_made_by_a_worker(
    ask, stream, clock, monkeypatch, caplog
):
    export = ask()
    real, kept = leasing.keep, []

    def away(*arguments, **options):
        kept.append(1)
        if len(kept) == 2:
            raise OperationalError
        return real(*arguments, **options)

    monkeypatch.setattr(leasing, "keep", away)
    with pytest.raises(OperationalError):
        list(stream(export))
    assert "export not given" in caplog.text

    actions.make_due(clock=clock)

    export.refresh_from_db()
    assert (export.state, export.lease) == ("ready", 2)
    assert not Download.objects.exists()


def test_a_reader_so_slow_that_another_took_it_gets_no_end(ask, stream, clock):
    export = ask()
    pieces = stream(export)
    next(pieces)
    clock.later(seconds=actions.LEASE.total_seconds() + 1)
    actions.make_due(clock=clock)

    with pytest.raises(leasing.Lost):
        list(pieces)

    export.refresh_from_db()
    assert (export.state, export.lease) == ("ready", 2)
    assert not Download.objects.exists()


def test_what_another_is_at_is_left_to_them(ask, stream, clock):
    export = ask()
    leasing.take(at=clock())

    assert stream(export) is None


def test_a_web_process_may_die_at_any_statement_and_it_is_made(ask, stream, clock):
    came, nth = True, 0
    while came:
        nth += 1
        export = ask()
        came = dies_at(nth, lambda export=export: list(stream(export)))
        for _ in range(2):
            clock.later(seconds=actions.LEASE.total_seconds() + 1)
            actions.make_due(clock=clock)
        export.refresh_from_db()
        assert export.state == "ready", nth
        assert export.sha256 == hashlib.sha256(file_of(export)).hexdigest(), nth
    assert nth > 10


# --- what the database refuses --------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "ready"},
        {"state": "making"},
        {"state": "failed", "ended_at": timezone.now()},
        {"complete": False},
        {"everything": True, "projects": ["0" * 32]},
        {"leased_until": timezone.now()},
    ],
)
def test_the_database_refuses_what_cannot_be(ask, changes):
    export = ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Export.objects.filter(pk=export.pk).update(**changes)


def test_the_bytes_are_those_of_the_report_itself(ask, clock, made):
    """The row in between changes nothing of what is asked."""
    export = ask(filters={"role": ["owner"]})
    actions.make_due(clock=clock)

    _found, data = made("access-by-app", filters={"role": ("owner",)})

    def rows(text):
        return [line for line in text.decode().splitlines() if line.startswith("osc-fr1,")]

    export.refresh_from_db()
    assert len(rows(data)) == 4
    assert rows(file_of(export)) == rows(data)


# --- what is in a pack vouches for the log --------------------------------------------------------


def test_a_pack_that_was_taken_is_a_witness_of_the_log(ask, clock, alice):
    export = ask("pack", reports=["access-by-app"], formats=["csv"])
    actions.make_due(clock=clock)
    export.refresh_from_db()
    checkpoint = Checkpoint.objects.get()
    assert export.checkpoint == checkpoint
    assert not Witness.objects.exists()

    pieces = actions.download(export, by=alice, source=Source.PAGE, at=clock.later(minutes=1))
    next(pieces)
    assert not Witness.objects.exists()  # whoever stops here has no checkpoint
    list(pieces)
    list(actions.download(export, by=alice, source=Source.PAGE, at=clock.later(minutes=1)))

    witness = Witness.objects.get()
    assert (witness.checkpoint, witness.kind) == (checkpoint, "export")
    assert witness.at == clock.now - timedelta(minutes=1)


def test_a_report_alone_holds_no_checkpoint_and_is_no_witness(ask, clock, alice):
    export = ask()
    actions.make_due(clock=clock)
    list(actions.download(export, by=alice, source=Source.PAGE, at=clock()))

    assert not Witness.objects.exists()
