"""One report is of one state, whatever is written meanwhile; and who stops reading releases it."""

import io
import json
import random
import threading
import time

import psycopg
import pytest
from django.db import close_old_connections, connection, transaction
from django.utils import timezone

from governance.inventory.models import Collaboration
from governance.reports.making import Maker, make, stream
from governance.reports.models import Export
from governance.reports.snapshot import snapshot
from tests.factories import CollaborationFactory, PersonFactory
from tests.reports.conftest import asked_by
from tests.reports.test_formats import rows_of_csv

# A few at every run; as many as it takes to believe it with `make deep`.
TRIALS = [10, pytest.param(100, marks=pytest.mark.deep)]
STOPS = [15, pytest.param(200, marks=pytest.mark.deep)]


@pytest.fixture
def busy(company):
    """A sync as it writes: in one transaction everybody goes from an app to another.

    On the second app there is one person less, so that the totals of the two states differ.
    """
    one, other = company.api, company.web
    people = PersonFactory.create_batch(40)
    rows = [CollaborationFactory(app=one, person=person, role="limited") for person in people]
    stop = threading.Event()
    rounds = []

    def move():
        here, there = one, other
        while not stop.is_set():
            now = timezone.now()
            with transaction.atomic():
                Collaboration.objects.filter(app=here, person__in=people, ended_at=None).update(
                    ended_at=now, ended_after=now
                )
                Collaboration.objects.bulk_create(
                    Collaboration(
                        app=there,
                        person=person,
                        collaborator_id=f"{row.collaborator_id}-{len(rounds)}",
                        role="limited",
                        status="accepted",
                        since_at=now,
                        started_at=now,
                    )
                    for person, row in list(zip(people, rows, strict=True))[there == other :]
                )
            rounds.append(now)
            here, there = there, here
        close_old_connections()
        connection.close()

    thread = threading.Thread(target=move)
    thread.start()
    yield {person.email for person in people}, rounds
    stop.set()
    thread.join()


@pytest.mark.parametrize("trials", TRIALS)
def test_a_report_is_one_state_of_what_a_sync_writes_at_the_same_time(busy, carol, trials):
    """Everybody is on one of two apps, together: a mixture would split them, or lose or double."""
    people, rounds = busy
    met = set()
    for number in range(trials):
        out = io.BytesIO()
        way = ("csv", "json")[number % 2]
        asked = asked_by(carol, "access-by-app")
        found = make(asked, way, out, by=Maker.of(carol), at=timezone.now())
        assert found.complete, found.why_partial
        rows = json.loads(out.getvalue())["rows"] if way == "json" else rows_of_csv(out.getvalue())
        theirs = [(row["resource_name"], row["email"]) for row in rows if row["email"] in people]
        apps = {app for app, _ in theirs}
        assert len(apps) == 1
        fewer = apps == {"billing-web"}
        assert len(theirs) == len({email for _, email in theirs}) == len(people) - fewer
        met |= apps
    assert met <= {"billing-api", "billing-web"}
    assert len(rounds) > trials / 10
    assert trials < 100 or len(met) == 2


# --- released -------------------------------------------------------------------------------------


@pytest.fixture
def others():
    """How many connections there are besides our own."""

    def count():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]

    return count


def gone(others, before, seconds=1.0):
    until = time.monotonic() + seconds
    while others() > before:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def long(company):
    """So many rows that most of them are still in the server when somebody stops."""
    CollaborationFactory(app=company.api, person=PersonFactory(), collaborator_id="many")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inventory_collaboration (app_id, person_id, collaborator_id, role, status,"
            " status_said, since_at, started_at) SELECT app_id, person_id, 'many-' || n, 'limited',"
            " 'accepted', '', since_at - n * interval '1 s', since_at - n * interval '1 s'"
            " FROM inventory_collaboration, generate_series(1, 5000) n"
            " WHERE collaborator_id = 'many'"
        )
        cursor.execute("SET ROLE NONE; ANALYZE inventory_collaboration")
    connection.close()
    return company


@pytest.mark.parametrize("stops", STOPS)
def test_whoever_stops_reading_at_any_byte_releases_the_connection(long, carol, others, stops):
    before = others()
    chosen = random.Random(7)
    whole = sum(map(len, _stream(carol)))
    assert whole > 1_000_000
    for _ in range(stops):
        stop, read = chosen.randrange(whole), 0
        pieces = _stream(carol)
        for piece in pieces:
            read += len(piece)
            if read >= stop:
                break
        assert others() > before or read >= whole - 200
        pieces.close()
        assert gone(others, before), f"after {read} of {whole} bytes"


def test_whoever_goes_away_from_a_page_releases_the_connection_too(
    long, client_of, carol, others, sent
):
    client = client_of(carol)
    client.get("/reports/")
    before = others()
    for pieces in (1, 2, 3):
        answer = client.post("/reports/access-by-app/")
        coming = iter(answer.streaming_content)
        for _ in range(pieces):
            next(coming)
        answer.close()
        assert gone(others, before)
        export = Export.objects.order_by("asked_at").last()
        assert (export.state, export.downloads.count()) == ("waiting", 0)


def _stream(user):
    return stream(asked_by(user, "access-by-app"), by=Maker.of(user), at=timezone.now())


def test_a_report_that_fails_in_the_middle_releases_it_too(long, carol, others):
    before = others()

    class Full(io.RawIOBase):
        def write(self, piece):
            raise OSError("no space left")

    for way in ("csv", "json", "xlsx", "pdf"):
        asked = asked_by(carol, "privileged")
        with pytest.raises(OSError, match="no space"):
            make(asked, way, Full(), by=None, at=timezone.now())
        assert gone(others, before)


def test_a_snapshot_cannot_write(db):
    with snapshot() as reading, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reading.row("INSERT INTO inventory_region VALUES (NULL) RETURNING 1", {})
