"""Schedules: anything may happen on the platform, and anything may go wrong while it is read.

A state machine for hypothesis. After every step the tables are checked against what must always
hold, and after every sync against the platform's own history. In the end the faults stop, and
three clean syncs must make the inventory the platform.
"""

import contextlib
import threading
from collections import Counter, defaultdict
from datetime import timedelta

from django.db import OperationalError, connection, connections
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from governance.accounts.models import User
from governance.emulator import Impossible, Unknown
from governance.inventory.models import App, Collaboration, Coverage, Scope
from governance.sync import actions, engine
from governance.sync.models import HeldRemoval, Run
from tests.sync import invariants
from tests.sync.company import PARIS, read_company

SECNUM = "osc-secnum-fr1"
REGIONS = (PARIS, SECNUM)
NOT_FOUND = '{"resource":"app","error":"not found"}'
JSON = "application/json; charset=utf-8"

# Answers that are no observation of anything.
NOTHING = {
    "500": {"status": 500},
    "503 html": {"status": 503, "body": "<html>"},
    "403": {"status": 403, "body": '{"error":"no"}'},
    "401": {"status": 401, "body": '{"error":"no"}'},
    "404 app": {"status": 404, "body": NOT_FOUND},
    "404 html": {"status": 404, "body": "<html>"},
    "429": {"status": 429, "body": "Retry later"},
    "html": {"status": 200, "body": "<html>"},
    "empty": {"status": 200, "content_type": JSON},
    "{}": {"mutations": [{"kind": "body", "value": {}}]},
    "null": {"mutations": [{"kind": "root", "value": None}]},
    "cut": {"mutations": [{"kind": "cut", "value": 0.6}]},
    "half": {"ending": "half"},
    "reset": {"ending": "reset"},
    "silence": {"ending": "silence"},
    "repeat": {"mutations": [{"kind": "paginate", "value": 1, "then": "repeat"}]},
}
# Answers that are partly to be believed.
PARTLY = {
    "no email": {"mutations": [{"kind": "drop", "field": "email", "rows": 1}]},
    "no id": {"mutations": [{"kind": "drop", "field": "id", "rows": 1}]},
    "twice": {"mutations": [{"kind": "duplicate", "rows": 1}]},
    "foreign": {"mutations": [{"kind": "foreign", "rows": 1}]},
    "pages": {"mutations": [{"kind": "paginate", "value": 2}]},
    "no account": {"mutations": [{"kind": "drop", "field": "user_id"}]},
}
# Valid answers that are not true: of the lists alone, which canaries and second readings check.
LIES = {
    "nobody": {"mutations": [{"kind": "root", "value": []}]},
    "some": {"mutations": [{"kind": "drop_rows", "rows": 2}]},
}
FAULTS = {**NOTHING, **PARTLY, **LIES}
PLACES = {
    "collaborators": "/v1/collaborators",
    "apps": "/v1/apps",
    "databases": "/v1/databases",
    "app": "/v1/apps/*/collaborators",
    "look": "/v1/apps/*",
    "events": "/v1/apps/*/events",
    "exchange": "/v1/tokens/exchange",
    "regions": "/v1/regions",
    "tfa": "/v1/client/tfa",
}
_OF_NO_REGION = {"exchange", "regions", "tfa"}

# What is wrong with rows is for lists; a lie, for those lists that something checks.
_FITS = {
    **{name: {"collaborators", "apps", "databases", "app"} for name in PARTLY},
    **{name: {"collaborators", "apps"} for name in LIES},
    "repeat": {"collaborators", "apps", "databases", "app"},
}

MOST_OWNED = 5  # in a region: as many as are re-read at each sync, so that no lie goes unseen
MOST_APPS = 9

picks = st.integers(0, 40)
acts = st.tuples(
    st.sampled_from(
        [
            "invite",
            "invite",
            "accept",
            "accept",
            "accept_as_other",
            "join",
            "join",
            "remove",
            "remove",
            "leave",
            "role",
            "role",
            "rename",
            "move",
            "transfer",
            "create_app",
            "delete_app",
            "delete_account",
            "two_factor",
            "two_factor",
            "email",
            "reinvite",
            "crowd",
            "purge",
            "connect",
            "pause",
        ]
    ),
    picks,
    picks,
    st.booleans(),
)
faults = st.tuples(
    st.sampled_from(sorted(FAULTS)),
    st.sampled_from(["collaborators"] * 3 + ["app"] * 3 + sorted(PLACES)),
    st.sampled_from([*REGIONS, None]),
    st.integers(0, 3),
    st.sampled_from([1, 3, None, None]),
)


class Killed(BaseException):
    """As if by SIGKILL."""


class Schedule(RuleBasedStateMachine):
    counts = Counter()

    def __init__(self):
        super().__init__()
        connection.close_if_unusable_or_obsolete()
        self.company = read_company()
        self.company.step = timedelta(seconds=1)
        self.world = self.company.world
        self.admin = User.objects.create(email="admin@example.com", name="A", roles=["admin"])
        self.jumped = self.dirty = False
        self.laid = []
        self.made = 0
        for number in range(4):
            self.world.add_account(f"p{number}@acme.example", two_factor=bool(number % 2))

    # --- what happens on the platform -------------------------------------------------------------

    @rule(wanted=st.lists(acts, min_size=1, max_size=4), minutes=st.integers(0, 30))
    def something_happens(self, wanted, minutes):
        self.company.later(minutes=minutes, seconds=1)
        for name, one, two, flag in wanted:
            self._act(name, one, two, flag)

    def _act(self, name, one, two, flag):
        try:
            getattr(self, f"_{name}")(one, two, flag)
            self.counts[f"act {name}"] += 1
        except (Impossible, Unknown):
            pass
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections.close_all()

    def _app(self, number):
        apps = sorted(self.world.apps(), key=lambda app: app.id)
        return apps[number % len(apps)]

    def _member(self, number, *, pending=None):
        found = [
            (app, one)
            for app in sorted(self.world.apps(), key=lambda app: app.id)
            for one in app.collaborations.values()
            if pending is None or one.is_pending == pending
        ]
        if not found:
            raise Unknown("nobody")
        return found[number % len(found)]

    def _person(self, number):
        """Anybody but the accounts that are connected or may be."""
        found = [
            account
            for account in self.world.accounts.values()
            if account.deleted_at is None
            and account.email.split("@")[0] not in {"olivia", "oscar", "outsider"}
        ]
        return found[number % len(found)]

    def _address(self, number, flag):
        return self._person(number).email if flag else f"somebody-{number % 7}@new.example"

    def _invite(self, one, two, flag):
        address = self._address(two, flag)
        self.world.invite(self._app(one), address.title() if one % 5 == 0 else address)

    def _accept(self, one, two, flag):
        app, place = self._member(one, pending=True)
        self.world.accept(app, place, event=flag)

    def _accept_as_other(self, one, two, flag):
        app, place = self._member(one, pending=True)
        self.world.accept(app, place, account=self._person(two))

    def _join(self, one, two, flag):
        self.world.add_member(self._app(one), self._person(two), limited=flag)

    def _remove(self, one, two, flag):
        app, place = self._member(one)
        self.world.remove(app, place, event=flag)

    def _leave(self, one, two, flag):
        app, place = self._member(one, pending=False)
        self.world.leave(app, place.account_id)

    def _role(self, one, two, flag):
        app, place = self._member(one)
        self.world.change_role(app, place, limited=flag)

    def _rename(self, one, two, flag):
        self.made += 1
        self.world.rename_app(self._app(one), f"renamed-{self.made}")

    def _move(self, one, two, flag):
        app = self._app(one)
        projects = sorted(
            (one for one in self.world.regions[app.region].projects.values()), key=lambda p: p.id
        )
        self.world.move_app(app, projects[two % len(projects)])

    def _transfer(self, one, two, flag):
        app, place = self._member(one, pending=False)
        if self.world.accounts[place.account_id].deleted_at is None:
            self.world.transfer_app(app, place.account_id)
        self._keep_owned_few(app)

    def _keep_owned_few(self, app):
        owned = [
            a for a in self.world.regions[app.region].apps.values() if a.owner_id == app.owner_id
        ]
        if len(owned) > MOST_OWNED:
            self.world.delete_app(owned[0])

    def _create_app(self, one, two, flag):
        if len(list(self.world.apps())) >= MOST_APPS:
            return
        self.made += 1
        owner = "olivia@acme.example" if flag else "oscar@other.example"
        app = self.world.create_app(f"made-{self.made}", owner=owner, region=REGIONS[one % 2])
        self.world.add_member(app, self._person(two), limited=False)
        self._keep_owned_few(app)

    def _delete_app(self, one, two, flag):
        if len(list(self.world.apps())) > 3:
            self.world.delete_app(self._app(one))

    def _delete_account(self, one, two, flag):
        if flag and one % 3 == 0:
            person = self._person(two)
            if not any(app.owner_id == person.id for app in self.world.apps()):
                self.world.delete_account(person)

    def _two_factor(self, one, two, flag):
        self.world.set_two_factor(self._person(one), flag)

    def _email(self, one, two, flag):
        self.made += 1
        self.world.change_email(self._person(one), f"changed-{self.made}@acme.example")

    def _reinvite(self, one, two, flag):
        app, place = self._member(one)
        address = self.world.email_of(place)
        self.world.remove(app, place)
        self.world.invite(app, address, limited=flag)

    def _crowd(self, one, two, flag):
        app = self._app(one)
        if len(app.collaborations) < 12:
            self.made += 1
            for number in range(6):
                self.world.invite(app, f"crowd-{self.made}-{number}@new.example")

    def _purge(self, one, two, flag):
        app = self._app(one)
        for place in list(app.collaborations.values())[: max(4, 2 * len(app.collaborations) // 3)]:
            self.world.remove(app, place)

    def _connect(self, one, two, flag):
        from governance.connections.models import Connection

        if not Connection.objects.filter(account_email="oscar@other.example").exists():
            self.company.connect("oscar@other.example")

    def _pause(self, one, two, flag):
        from governance.connections.models import Connection

        paused = self.company.now if flag else None
        Connection.objects.filter(account_email="oscar@other.example").update(paused_at=paused)

    # --- time -------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 20, 90, 800, 1500]))
    def time_passes(self, minutes):
        self.company.later(minutes=minutes)

    @rule(minutes=st.sampled_from([-120, -61, -3, 7, 120]))
    def the_clock_jumps(self, minutes):
        self.company.later(minutes=minutes)
        self.jumped = True
        self.counts["jump"] += 1

    # --- syncs ------------------------------------------------------------------------------------

    @rule(plan=st.lists(faults, max_size=2), alone=st.booleans())
    def a_sync(self, plan, alone):
        self._lay(plan)
        self._sync(connection=self.company.olivia if alone and not plan else None)

    @rule()
    def a_clean_sync(self):
        self._sync()

    @rule(meanwhile=st.lists(acts, min_size=1, max_size=2), skip=st.integers(2, 9))
    def a_sync_while_things_happen(self, meanwhile, skip):
        def does():
            for name, one, two, flag in meanwhile:
                self._act(name, one, two, flag)

        self.dirty = True
        self.world.fault(path="/v1/**", skip=skip, does=does)
        self._sync()

    @rule(nth=st.integers(1, 240), plan=st.lists(faults, max_size=1))
    def a_sync_whose_worker_dies(self, nth, plan):
        self._lay(plan)
        left = [nth]

        def dies(execute, sql, params, many, context):
            left[0] -= 1
            if left[0] == 0:
                self.counts["crash"] += 1
                raise Killed
            return execute(sql, params, many, context)

        with contextlib.suppress(Killed), connection.execute_wrapper(dies):
            self._sync(judge=False)
        self.world.faults.clear()
        self.laid = []
        invariants.check(self.company)

    @rule(
        meanwhile=st.lists(acts, min_size=1, max_size=3),
        path=st.sampled_from(["v1/collaborators", "v1/apps", "/collaborators", "v1/databases"]),
        region=st.sampled_from(REGIONS),
    )
    def a_sync_whose_worker_is_paused(self, meanwhile, path, region):
        """Another takes its run over, and only then does it go on."""

        def take_over():
            try:
                self.company.later(minutes=3)
                for name, one, two, flag in meanwhile:
                    self._act(name, one, two, flag)
                self.company.later(minutes=3)
                run = Run.objects.get(state=Run.State.RUNNING)
                run.attempts += 1
                run.save()
                engine.carry_out(
                    run,
                    client_for=self.company.clients,
                    clock=lambda: self.company.now,
                    threads=1,
                )
            finally:
                connections.close_all()

        def pause(request, _response):
            where = request.url.path
            if f"/{region}/" in where and where.endswith(path):
                self.company.on_answer.clear()
                self.counts["paused"] += 1
                thread = threading.Thread(target=take_over)
                thread.start()
                thread.join()

        self.dirty = True
        self.company.on_answer.append(pause)
        self._sync()
        self.company.on_answer.clear()

    @rule(approve=st.booleans())
    def somebody_decides(self, approve):
        plan = HeldRemoval.objects.filter(state=HeldRemoval.State.WAITING).first()
        if plan is None:
            return
        with contextlib.suppress(actions.AlreadyDecided):
            actions.decide_held(
                plan.pk,
                bytes(plan.digest).hex(),
                approve=approve,
                by=self.admin,
                at=self.company.now,
            )
            self.counts["approved" if approve else "discarded"] += 1

    def _lay(self, plan):
        for name, place, region, skip, times in plan:
            if place not in _FITS.get(name, PLACES):
                continue
            what = FAULTS[name]
            self.laid.append(
                (
                    name,
                    place,
                    self.world.fault(
                        path=PLACES[place],
                        region="" if place in _OF_NO_REGION else region,
                        skip=0 if times is None else skip,
                        times=times,
                        **{
                            "mutations": [dict(one) for one in what.get("mutations", [])],
                            **{k: v for k, v in what.items() if k != "mutations"},
                        },
                    ),
                )
            )

    def _sync(self, *, connection=None, judge=True):
        """One sync, or the rest of one whose worker died."""
        self.company.later(seconds=1)
        begun = self.company.now
        before = set(Collaboration.objects.open().values_list("pk", flat=True))
        read = _read_until()
        with contextlib.suppress(actions.AlreadyAsked):
            actions.request(
                by=None, at=self.company.now, trigger=Run.Trigger.TERMINAL, connection=connection
            )
        try:
            run = self.company.carry_out()
        except OperationalError:
            run = None
        if run is not None:
            self._count(run)
            if judge:
                self._judge(run, before, begun, read)
        self.world.faults.clear()
        self.laid = []
        self.dirty = False

    def _count(self, run):
        self.counts[f"sync {run.state}"] += 1
        self.counts["sync"] += 1
        self.counts["resumed"] += run.attempts > 1
        self.counts["left"] += run.found.get("left", 0)
        self.counts["joined"] += run.found.get("joined", 0)
        self.counts["held"] += HeldRemoval.objects.filter(run=run).count()
        self.counts["waits"] += Collaboration.objects.exclude(missing_at=None).exists()
        self.counts["suspect"] += App.objects.exclude(suspect_since=None).exists()
        self.counts["gone"] += App.objects.exclude(gone_at=None).exists()
        self.counts["one by one"] += Scope.objects.exclude(one_by_one_since=None).exists()
        for name, _, fault in self.laid:
            self.counts[f"fault {name}"] += fault.hits > 0

    # --- the oracle -------------------------------------------------------------------------------

    def _judge(self, run, before, begun, read):
        invariants.check(self.company)
        self._nobody_was_ended_who_is_there(before)
        self._the_guard_was_asked(before, begun)
        self._what_was_read_is_the_platform(begun)
        self._what_failed_is_not_fresh(read)
        if not self.jumped:
            self._edges_are_true(before)

    def _nobody_was_ended_who_is_there(self, before):
        """Ids of collaborations are never given twice: whoever is there did not leave."""
        there = {
            (app.region, app.id, one.id)
            for app in self.world.apps()
            for one in app.collaborations.values()
        }
        ended = Collaboration.objects.filter(pk__in=before, ended_at__isnull=False)
        for row in ended.exclude(collaborator_id="owner").select_related("app__region"):
            key = (row.app.region.name, row.app.scalingo_id, row.collaborator_id)
            followed = Collaboration.objects.filter(
                app=row.app, collaborator_id=row.collaborator_id, pk__gt=row.pk
            ).exists()
            assert followed or key not in there, key

    def _the_guard_was_asked(self, before, begun):
        """Unless decided: no more than ten at once, nor most of an app, nor its last at once."""
        decided = {
            one["collaboration"]
            for plan in HeldRemoval.objects.filter(state__in=["approved", "applied"])
            for one in plan.plan
        }
        by_app = defaultdict(list)
        ended = Collaboration.objects.filter(pk__in=before, ended_at__isnull=False)
        for row in ended.filter(app__gone_at=None).exclude(collaborator_id="owner"):
            same = Collaboration.objects.filter(app=row.app, collaborator_id=row.collaborator_id)
            if not same.filter(pk__gt=row.pk).exists():
                by_app[row.app].append(row)
        total = 0
        for app, rows in by_app.items():
            left = app.collaborations.open().exclude(collaborator_id="owner").count()
            here = left + len(rows)
            self.counts["ended"] += len(rows)
            rows = [row for row in rows if row.pk not in decided]
            assert here < 5 or 2 * len(rows) <= here, (app, rows)
            if not left and rows and not self.jumped:
                assert all(row.ended_at < begun for row in rows), (app, "nobody at first sight")
            total += len(rows)
        assert total <= 10, by_app

    def _what_was_read_is_the_platform(self, begun):
        if self.dirty or self.jumped:
            return
        fresh = Scope.objects.filter(
            stale_since=None, retired_at=None, coverage__latest=True, coverage__until__gte=begun
        )
        apps = App.objects.listed().filter(
            scope__in=fresh, stale_since=None, suspect_since=None, digest__isnull=False
        )
        for app in apps.select_related("region"):
            real = self.world.regions[app.region.name].apps.get(app.scalingo_id)
            if real is not None and self._is_seen(app, real):
                self._is_the_platforms(app, real)

    def _is_seen(self, app, real):
        from governance.connections.models import Connection

        reader = Connection.objects.get(pk=app.authority_id).account_id
        on_it = {one.account_id for one in real.collaborations.values()}
        return reader == real.owner_id or reader in on_it

    def _is_the_platforms(self, app, real):
        rows = {
            row.collaborator_id: row
            for row in app.collaborations.filter(ended_at=None).exclude(collaborator_id="owner")
        }
        for one in real.collaborations.values():
            row = rows.pop(one.id, None)
            assert row is not None, (app, one)
            status = self.world.status_of(one).replace("user account deleted", "deleted")
            role = "limited" if one.limited else "collaborator"
            assert (row.role, row.status) == (role, status), (app, one)
            assert row.missing_at is None, (app, one)
        for row in rows.values():
            assert row.missing_at is not None, (app, row.person, "neither there nor missing")
            self._is_explained(app, row)

    def _is_explained(self, app, row):
        """Whoever is missing and not ended waits for a person, or for a second reading."""
        planned = {
            one["collaboration"]
            for plan in HeldRemoval.objects.exclude(state=HeldRemoval.State.VOID)
            for one in plan.plan
        }
        others = app.collaborations.filter(ended_at=None, missing_at=None).exclude(
            collaborator_id="owner"
        )
        assert row.pk in planned or not others.exists(), (app, row.person)

    def _what_failed_is_not_fresh(self, read):
        now = _read_until()
        for name, place, fault in self.laid:
            if name not in NOTHING or fault.times is not None or not fault.hits:
                continue
            if place not in {"collaborators", "apps", "databases"}:
                continue
            scopes = Scope.objects.filter(kind=place)
            if fault.region:
                scopes = scopes.filter(region__name=fault.region)
            for scope in scopes:
                assert now.get(scope.pk) == read.get(scope.pk), (name, place)

    def _edges_are_true(self, before):
        """The platform changed between the two sides of every edge that this sync wrote."""
        changes = defaultdict(list)
        for entry in self.world.history.entries:
            if entry.key[0] == "member":
                changes[entry.key[1:]].append(entry)
        new = Collaboration.objects.exclude(pk__in=before)
        ended = Collaboration.objects.filter(pk__in=before, ended_at__isnull=False)
        for row in (new | ended).exclude(collaborator_id="owner").select_related("app__region"):
            told = changes[row.app.region.name, row.app.scalingo_id, row.collaborator_id]
            if row.pk not in before and row.started_after is not None:
                self._changed_between(told, row.started_after, row.started_at, row)
            if row.ended_at is not None:
                after = row.ended_after or row.started_at
                self._changed_between(told, after, row.ended_at, row)

    def _changed_between(self, told, after, until, row):
        self.counts["edge"] += 1
        assert any(after <= entry.at <= until for entry in told), (
            row.app,
            row.person,
            after,
            until,
            [(entry.at, entry.state) for entry in told],
        )

    # --- the end ----------------------------------------------------------------------------------

    def teardown(self):
        if not hasattr(self, "admin"):
            return
        self.world.faults.clear()
        self.laid = []
        self._recovers()
        invariants.check(self.company)
        invariants.converged(self.company)

    def _recovers(self):
        """Whatever was left running ends; what a person must decide is decided; three syncs."""
        self.company.later(hours=25)  # what was discarded is asked again
        for _ in range(4):
            if not Run.objects.filter(state=Run.State.RUNNING).exists():
                break
            self.company.carry_out()
        for _ in range(3):
            self.company.later(minutes=10)
            self._sync()
            self.somebody_decides(approve=True)
            self.company.carry_out()


def _read_until():
    """When each scope was last believed."""
    return dict(Coverage.objects.filter(latest=True).values_list("scope_id", "until"))
