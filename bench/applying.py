"""Writing what was observed: D1, D2, D5, D7, D8 (`python -m bench applying [--large]`).

Every arm starts from validated rows, as a listing gives them. Limits and peers run in the same
rounds: the digests alone; COPY of all rows into a temporary table; an update tag on every row, as
many syncers do; COPY and MERGE; and Django's `update_or_create` and
`bulk_create(update_conflicts)`. The peers write a table with a key and five indexes.
"""

import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from types import SimpleNamespace

from bench import measure
from bench.measure import Figure
from governance.scalingo import Collaborator

ROWS_PER_APP = 20
START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def make_rows(count: int) -> list[Collaborator]:
    """A platform's answer: `count` rows over apps of twenty, people on several apps each."""
    chance = random.Random(7)
    people = count // ROWS_PER_APP
    rows = []
    for number in range(count):
        person = int(people * chance.random() ** 2)
        pending = chance.random() < 0.06
        rows.append(
            Collaborator(
                app_id=f"{number // ROWS_PER_APP:024x}",
                app_name=f"app-{number // ROWS_PER_APP}",
                id=f"{number:024x}",
                email=f"person{person}@company.example",
                username="n/a" if pending else f"person{person}",
                user_id=None if pending else f"us-{person}",
                two_factor=None if pending else person % 10 != 0,
                status="pending" if pending else "accepted",
                is_limited=number % 3 != 0,
            )
        )
    return rows


def changed(rows: list[Collaborator], share: float = 0.01) -> tuple[list[Collaborator], int, int]:
    """`rows` with a share of them changed: a third each removed, of another role, added.

    Returns them with how many ended and how many began.
    """
    chance = random.Random(11)
    victims = chance.sample(range(len(rows)), int(len(rows) * share))
    third = len(victims) // 3
    removed = set(victims[:third])
    flipped = set(victims[third : 2 * third])
    added = victims[2 * third :]
    result = []
    for number, row in enumerate(rows):
        if number in removed:
            continue
        result.append(
            Collaborator(**{**_fields(row), "is_limited": not row.is_limited})
            if number in flipped
            else row
        )
    for number in added:
        new = {
            "id": f"{number + 10**9:024x}",
            "user_id": f"us-new{number}",
            "email": f"new{number}@company.example",
            "username": f"new{number}",
            "status": "accepted",
            "two_factor": True,
        }
        result.append(Collaborator(**{**_fields(rows[number]), **new}))
    return result, len(removed) + len(flipped), len(flipped) + len(added)


def _fields(row: Collaborator) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


class Bench:
    """One inventory of a size, and the arms that write into it."""

    def __init__(self, count: int) -> None:
        from governance.connections.models import Connection
        from governance.inventory.models import Region

        self.rows = make_rows(count)
        self.other, self.ended, self.began = changed(self.rows)
        self.now = self.tag = START
        self.region = Region.objects.create(name=f"bench-{count}", first_seen_at=START)
        self.connection = Connection.objects.create(
            name=f"bench-{count}",
            sealed_token=b"-",
            account_id=f"us-owner-{count}",
            token_set_at=START,
        )
        self._list_apps()
        self._prepare_copy()

    def _prepare_copy(self) -> None:
        """What `apply` would copy if it copied every row, made outside the time of the limit."""
        from governance.sync.known import known_apps
        from governance.sync.rows import Digests, row_digests, seen

        ids = {name: app.id for name, app in known_apps(self.region.pk, self.connection.pk).items()}
        digests = Digests().read(self.rows)
        self.copied = [
            (ids[row.app_id], *seen(row, digests, owned=True), digest)
            for row, digest in zip(self.rows, row_digests(self.rows), strict=True)
        ]

    def _list_apps(self) -> None:
        from governance.inventory.models import Scope
        from governance.sync import scopes
        from governance.sync.apply import ListedApp, apply_apps

        reading = scopes.begin(
            scopes.scope_of(self.connection.pk, self.region, Scope.Kind.APPS), at=self.now
        )
        apply_apps(
            [
                ListedApp(
                    scalingo_id=f"{number:024x}",
                    name=f"app-{number}",
                    kind="app",
                    owner_id=self.connection.account_id,
                    owner_email="owner@company.example",
                    owner_username="owner",
                )
                for number in range(len(self.rows) // ROWS_PER_APP)
            ],
            region_id=self.region.pk,
            connection_id=self.connection.pk,
            account_id=self.connection.account_id,
            live_connections=[self.connection.pk],
            fence=reading.fence,
            previous=None,
            at=reading.at,
        )

    def prepare(self) -> None:
        """What a run asks its database before it sends the request: what is known, and a number."""
        from governance.inventory.models import Scope
        from governance.sync import scopes
        from governance.sync.known import known_apps

        self.now += timedelta(minutes=10)
        self.known = known_apps(self.region.pk, self.connection.pk)
        self.reading = scopes.begin(
            scopes.scope_of(self.connection.pk, self.region, Scope.Kind.COLLABORATORS), at=self.now
        )

    def sync(self, rows: list[Collaborator]) -> None:
        """A whole sync of the scope."""
        self.prepare()
        self.write(rows)

    def write(self, rows: list[Collaborator]) -> None:
        """Exactly what a run does between a listing's last row and its coverage, ends included."""
        from governance.sync import scopes
        from governance.sync.answers import Answers
        from governance.sync.apply import write_ends
        from governance.sync.collaborators import apply_answers
        from governance.sync.rows import Digests

        context = SimpleNamespace(
            clock=lambda: self.now,
            timelines={},
            staged=[],
            causes={},
            joined=0,
            changed=0,
            two_factor=0,
            count=lambda _: None,
        )
        place = SimpleNamespace(
            context=context,
            api=None,
            client=None,
            # Who did it is asked over the network; here every timeline is empty.
            reader=SimpleNamespace(many=lambda calls: ((key, nullcontext([])) for key, _ in calls)),
        )
        digests = Digests().read(rows)
        apply_answers(place, self.reading, self.known, Answers(rows, digests, {}))
        write_ends(context.staged, at=self.now, causes=context.causes)
        scopes.observed(self.reading, digests.whole())

    def digest_only(self) -> None:
        from governance.sync.rows import Digests

        Digests().read(self.rows)

    def copy_temporary(self) -> None:
        """The limit of every way that copies all rows: into a temporary table as `apply` has."""
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE raw (app_id uuid, collaborator_id text, kind text, key text,"
                " email text, username text, role text, status text, status_said text,"
                " two_factor text, digest bytea) ON COMMIT DROP"
            )
            with cursor.copy("COPY raw FROM STDIN") as copy:
                for row in self.copied:
                    copy.write_row(row)

    def copy_bare(self) -> None:
        """The same with Scalingo's own fields as text: no app of ours, no person's key, no digest.

        Nothing could be compared with it; it only says what the columns cost.
        """
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE raw (app_id text, id text, email text, app_name text,"
                " username text, user_id text, two_factor boolean, status text,"
                " is_limited boolean) ON COMMIT DROP"
            )
            with cursor.copy("COPY raw FROM STDIN") as copy:
                for values in map(_everything, self.rows):
                    copy.write_row(values)

    def make_peer_table(self) -> None:
        """A table with what ours has for the same pages: its key and five indexes, and a tag."""
        with _owner() as owner:
            owner.execute(
                "DROP TABLE IF EXISTS peer;"
                " CREATE TABLE peer (id bigint GENERATED BY DEFAULT AS IDENTITY"
                " PRIMARY KEY, app text NOT NULL, member text NOT NULL, user_id text,"
                " email text NOT NULL, role text NOT NULL, status text NOT NULL,"
                " tag timestamptz NOT NULL, UNIQUE (app, member));"
                " CREATE INDEX ON peer (tag);"
                " CREATE INDEX ON peer (user_id, app);"
                " CREATE INDEX ON peer (email);"
                " CREATE INDEX ON peer (app, role, status);"
                " GRANT SELECT, INSERT, UPDATE, DELETE ON peer TO governance_app"
            )
        self.update_tag()
        _vacuum()

    def update_tag(self) -> None:
        """COPY, upsert with a tag on every row, delete the untagged: what many syncers do."""
        from django.db import connection, transaction

        self.tag += timedelta(minutes=10)
        with transaction.atomic(), connection.cursor() as cursor:
            _stage(cursor, self.rows)
            cursor.execute(
                "INSERT INTO peer (app, member, user_id, email, role, status, tag)"
                " SELECT app, member, user_id, email, role, status, %s FROM staged"
                " ON CONFLICT (app, member) DO UPDATE SET user_id = EXCLUDED.user_id,"
                " email = EXCLUDED.email, role = EXCLUDED.role, status = EXCLUDED.status,"
                " tag = EXCLUDED.tag",
                [self.tag],
            )
            cursor.execute("DELETE FROM peer WHERE tag < %s", [self.tag])

    def merge(self) -> None:
        """COPY, then MERGE: only rows that differ are written."""
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            _stage(cursor, self.rows)
            cursor.execute("ANALYZE staged")
            cursor.execute(
                "MERGE INTO peer p USING staged s ON p.app = s.app AND p.member = s.member"
                " WHEN MATCHED AND (p.user_id, p.email, p.role, p.status)"
                " IS DISTINCT FROM (s.user_id, s.email, s.role, s.status)"
                " THEN UPDATE SET user_id = s.user_id, email = s.email, role = s.role,"
                " status = s.status"
                " WHEN NOT MATCHED THEN INSERT (app, member, user_id, email, role, status, tag)"
                " VALUES (s.app, s.member, s.user_id, s.email, s.role, s.status, now())"
            )
            cursor.execute(
                "DELETE FROM peer p WHERE NOT EXISTS"
                " (SELECT 1 FROM staged s WHERE s.app = p.app AND s.member = p.member)"
            )

    def one_by_one(self, sample: int) -> Callable[[], None]:
        """Django's usual way, over the first `sample` rows of the peer's table."""
        model = _peer_model()

        def write() -> None:
            for row in self.rows[:sample]:
                model.objects.update_or_create(
                    app=row.app_id,
                    member=row.id,
                    defaults={
                        "user_id": row.user_id,
                        "email": row.email,
                        "role": str(row.is_limited),
                        "status": row.status,
                        "tag": self.tag,
                    },
                )

        return write

    def bulk_create(self) -> None:
        """Django's faster way: `bulk_create(update_conflicts=True)` of all rows."""
        model = _peer_model()
        model.objects.bulk_create(
            (
                model(
                    app=row.app_id,
                    member=row.id,
                    user_id=row.user_id,
                    email=row.email,
                    role=str(row.is_limited),
                    status=row.status,
                    tag=self.tag,
                )
                for row in self.rows
            ),
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["app", "member"],
            update_fields=["user_id", "email", "role", "status", "tag"],
        )


_everything = attrgetter(*Collaborator.__struct_fields__)


def _stage(cursor, rows: list[Collaborator]) -> None:
    """What both peers that copy begin with."""
    cursor.execute(
        "CREATE TEMP TABLE staged (app text, member text, user_id text, email text,"
        " role text, status text) ON COMMIT DROP"
    )
    with cursor.copy("COPY staged FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                (row.app_id, row.id, row.user_id, row.email, str(row.is_limited), row.status)
            )


_models: dict[str, type] = {}


def _peer_model():
    from django.db import models

    if "peer" not in _models:

        class Peer(models.Model):
            app = models.TextField()
            member = models.TextField()
            user_id = models.TextField(null=True)  # noqa: DJ001
            email = models.TextField()
            role = models.TextField(default="")
            status = models.TextField()
            tag = models.DateTimeField()

            class Meta:
                app_label = "sync"
                managed = False
                db_table = "peer"

            def __str__(self) -> str:
                return self.member

        _models["peer"] = Peer
    return _models["peer"]


def _owner():
    """A session of the role that owns the tables."""
    import os

    import psycopg

    return psycopg.connect(os.environ["MIGRATION_DATABASE_URL"], autocommit=True)


def _vacuum() -> None:
    """Start each size as `VACUUM ANALYZE` leaves a table; the owner does it."""
    with _owner() as owner:
        owner.execute("VACUUM ANALYZE")


def _written() -> dict[str, int]:
    """Rows inserted, updated and deleted so far, by table."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    connection.close()  # its counts arrive a moment after it ended
    time.sleep(1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables"
            " WHERE schemaname = 'public'"
        )
        return dict(cursor.fetchall())


def idle_writes(bench: Bench, syncs: int) -> Figure:
    """D7: what a number of syncs without any change write."""
    before = _written()
    for _ in range(syncs):
        bench.sync(bench.rows)
    after = _written()
    rows = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    extra = sum(count for name, count in rows.items() if name != "inventory_coverage")
    return measure.number(
        f"D7 rows written by {syncs} idle syncs, besides the scope's own",
        extra,
        "= 0",
        met=extra == 0 and rows.get("inventory_coverage") == syncs,
        unit="rows",
        written=rows,
    )


def history(bench: Bench) -> Figure:
    """D8: periods closed and opened by one changed sync, against the changes that were made."""
    from governance.inventory.models import Collaboration

    def count() -> tuple[int, int]:
        of_region = Collaboration.objects.filter(app__region=bench.region)
        return of_region.count(), of_region.filter(ended_at=None).count()

    bench.sync(bench.rows)
    rows, live = count()
    bench.sync(bench.other)
    rows_after, live_after = count()
    began = rows_after - rows
    ended = began - (live_after - live)
    bench.sync(bench.rows)
    return measure.number(
        f"D8 history rows for {bench.ended + bench.began} edges at {len(bench.rows):,}",
        began + ended,
        f"= {bench.ended + bench.began}",
        met=(began, ended) == (bench.began, bench.ended),
        unit="edges",
        began=began,
        ended=ended,
    )


def _of_size(times: dict[str, list[float]], size: int, sample: int) -> list[Figure]:
    """The ratios of one size."""

    def rate(of: str, against: str, arm: str, words: str, goal: float) -> Figure:
        name = f"{of}, rate / {words}, at {size:,}"
        # The goals are for a hundred thousand and more: below, what is fixed weighs most.
        return measure.at_least(name, times[against], times[arm], goal if size >= 100_000 else 0)

    idle, busy = "D1 nothing changed", "D2 1 % changed"
    figures = [rate(idle, "digest", "idle", "digest alone", 0.85)]
    if "copy" in times:
        figures += [
            rate(idle, "tag", "idle", "update tag", 40),
            rate(idle, "merge", "idle", "COPY and MERGE", 5),
            rate(busy, "copy", "busy", "COPY to temporary", 0.5 if size > 500_000 else 0.9),
            rate(busy, "bare", "busy", "COPY of bare fields (no goal)", 0),
        ]
    if "bulk" in times:
        times["whole"] = [seconds * size / sample for seconds in times["one by one"]]
        figures += [
            rate(busy, "bulk", "busy", "bulk_create", 18),
            rate(busy, "whole", "busy", "update_or_create", 800),
        ]
    return figures


_SAMPLE = 100  # rows that `update_or_create` writes one by one


def _arms(bench: Bench, *, peers: bool, djangos: bool) -> dict[str, Callable[[], None]]:
    """What runs side by side at one size: ours and its limit; the peers; Django's own ways."""
    arms: dict[str, Callable[[], None]] = {
        "digest": bench.digest_only,
        "idle": lambda: bench.write(bench.rows),
        "busy": lambda: bench.write(bench.other),
    }
    if peers:
        bench.make_peer_table()
        arms |= {
            "copy": bench.copy_temporary,
            "bare": bench.copy_bare,
            "tag": bench.update_tag,
            "merge": bench.merge,
        }
    if peers and djangos:
        arms |= {"bulk": bench.bulk_create, "one by one": bench.one_by_one(_SAMPLE)}
    return arms


def run(*, sizes: tuple[int, ...], large: bool = False) -> int:
    """All figures; returns 1 if one missed its goal.

    The peers run at the sizes that their goals are for; beyond, only what growth is measured by.
    """
    figures: list[Figure] = []
    growing: dict[str, list[list[float]]] = {"digest": [], "idle": [], "busy": []}
    for size in sizes:
        bench = Bench(size)
        bench.sync(bench.rows)
        _vacuum()
        bench.sync(bench.other)

        def as_before(bench: Bench = bench) -> None:
            bench.sync(bench.rows)
            bench.prepare()

        times = measure.rounds(
            _arms(bench, peers=large or size == 100_000, djangos=not large),
            count=5,
            before={"idle": as_before, "busy": as_before},
        )
        for name, of_size in growing.items():
            of_size.append(times[name])
        figures += _of_size(times, size, _SAMPLE)
        figures.append(history(bench))
        if size == min(sizes):
            figures.append(idle_writes(bench, 100))
    figures += [
        measure.exponent("D5 growth of an idle sync", list(sizes), growing["idle"], 1.08),
        measure.exponent("D5 growth with 1 % changed", list(sizes), growing["busy"], 1.08),
        # Memory is slower than a processor's caches, for whoever walks over the rows.
        measure.exponent("D5 of it, the digest alone (no goal)", list(sizes), growing["digest"], 9),
    ]
    return measure.report("Applying what was observed", figures)
