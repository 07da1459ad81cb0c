"""Schedules of telling: anything may go wrong on any line, and in the end the truth is known.

Each is drawn from one integer and replayed by it: `make test ARGS=tests/changes/test_schedules.py`
with `SCHEDULE=123` before it.

A few changes are placed, told, lost, seen; the platform changes meanwhile; workers die, or are
paused while another takes over. Then the faults stop, and everything must end as it truly is.
"""

import contextlib
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta

import httpx
from django.db import OperationalError, connection

from governance.accounts.models import User
from governance.audit.models import Event, Head
from governance.audit.verify import verify
from governance.changes import actions, plans
from governance.changes.actions.leasing import LEASE
from governance.changes.models import ENDING, OPEN, Batch, Change, Kind, State
from governance.connections.models import Connection
from governance.core.verdict import Refused
from governance.emulator import Impossible, Unknown, World
from governance.inventory.models import App, Collaboration, Person, Status
from governance.sync import actions as sync
from governance.sync.models import Run
from tests.changes.company import Acting
from tests.sync import slate
from tests.sync.company import SECNUM, START, Company

TEXT = {"content-type": "text/plain"}
# What may become of an order, and how often it does.
FATES = {
    "good": 22,
    "no connection": 3,
    "timeout before": 4,
    "timeout after": 6,
    "reset after": 3,
    "500 before": 3,
    "500 after": 4,
    "nonsense after": 2,
    "429": 3,
    "404 page": 3,
    "bearer ended": 3,
    "late": 3,
    "killed before": 4,
    "killed after": 5,
    "paused before": 4,
    "paused after": 5,
    "paused and killed": 3,
}
# Orders that certainly did nothing and may be sent again.
NOTHING_DONE = {"no connection", "429", "bearer ended"}
_JSON = {"content-type": "application/json"}


class Killed(BaseException):
    """As if by SIGKILL."""


class DiesAt:
    """Ends the worker at its nth statement; every third time it is the database that goes."""

    def __init__(self, nth):
        self.nth, self.left = nth, nth

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == 0:
            raise OperationalError("gone") if self.nth % 3 == 0 else Killed
        return execute(sql, params, many, context)


@dataclass
class Order:
    """One request that changes something, as it left."""

    method: str
    app: str  # its Scalingo id
    about: str  # the collaborator's id; of an invitation the address
    change: object
    fate: str
    at: object
    status: int | None = None  # as the platform answered, whether or not that arrived


class Wire(httpx.BaseTransport):
    """The way to the pretend Scalingo, on which a schedule's fates befall the orders."""

    def __init__(self, schedule, inner):
        self._schedule, self._inner = schedule, inner

    def handle_request(self, request):
        path = request.url.path
        if request.method == "GET" or "/tokens/" in path:
            return self._schedule.read(request, self._inner)
        return self._schedule.order(request, self._inner.handle_request)


_first = {}


def tiny():
    """The small company in one region, with two apps that olivia owns; read once."""
    world = World(company="small", anchor=START)
    world.delete_app("other-api")
    world.delete_app("vault-api", region=SECNUM)
    del world.regions[SECNUM]
    for name in ("ann", "bea", "cat"):
        person = world.add_account(f"{name}@acme.example")
        world.add_member("billing-api", person, limited=name != "ann")
        world.add_member("billing-web", person, limited=name == "ann")
    world.invite("billing-web", "pending@new.example")
    world.mails.clear()
    company = Company(world)
    if not _first:
        company.connect("olivia@acme.example")
        for name in ("admin", "other"):
            User.objects.create(email=f"{name}@example.com", name=name, roles=["admin"])
        assert company.sync().state == "complete"
        _first["rows"], _first["now"] = slate.take(), company.now
        return tiny()
    slate.put(_first["rows"])
    company.now = _first["now"]
    company.world.set_clock(company.now)
    company.olivia = Connection.objects.get()
    company.first_event = Head.objects.get().sequence
    return company


class Schedule:
    """One schedule. `run` plays it and raises `AssertionError` where something that must hold
    does not. `counts` are over all schedules of this process."""

    counts = Counter()

    def __init__(self, seed):
        self.random = random.Random(seed)
        connection.close_if_unusable_or_obsolete()
        company = tiny()
        company.transport = Wire(self, company.transport)
        self.acting = Acting(company, User.objects.get(email="admin@example.com"))
        self.other = User.objects.get(email="other@example.com")
        self.company, self.world = company, company.world
        self.orders, self.effects, self.touched = [], [], set()
        self.deciders_changed = set()
        self.late, self.broken = [], None
        self.faulty = True
        self.placed, self.died_placing = set(), False
        self.depth = 0

    # --- what a schedule is made of ---------------------------------------------------------------

    def run(self):
        self.somebody_decides()
        steps = {
            self.workers_tell: 6,
            self.a_minute_passes: 3,
            self.a_sync: 1,
            self.the_platform_changes: 3,
            self.somebody_decides: 2,
            self.somebody_cancels: 1,
            self.rights_change: 2,
            self.lists_lag: 1,
        }
        for step in self.random.choices(list(steps), list(steps.values()), k=self._length()):
            step()
        self.recover()
        self.check()

    def _length(self):
        return self.random.choice([1, 1, 2, 2, 3, 4])

    def somebody_decides(self):
        by = self.acting.admin if self.random.random() < 0.75 else self.other
        by = User.objects.get(pk=by.pk)
        try:
            plan = self._plan(by)
            kept = self.acting.keep(plan, by)
        except Person.DoesNotExist:
            return
        if self.random.random() < 0.2:
            self.the_platform_changes()
            self._sync()
        times = 2 if self.random.random() < 0.3 else 1
        for _ in range(times):
            before = self.counts["killed"] + self.counts["database gone"]
            with self._dying(80, often=0.15):
                self._place(kept, by)
            self.died_placing |= before < self.counts["killed"] + self.counts["database gone"]

    def _place(self, kept, by):
        refusals = (Refused, actions.NothingToDo, actions.PlanIsOld, plans.NoSuchPlan)
        with contextlib.suppress(*refusals):
            self.acting.place(kept, by=by)
            self.placed.add(kept.id)
            self.counts["placed"] += 1

    def _plan(self, by):
        kind = self.random.choice(["invite", "invite", "remove", "remove", "role", "again", "all"])
        apps = self.random.sample(["billing-api", "billing-web"], self.random.randint(1, 2))
        # Ids of ours differ from one process to the next: nothing may be drawn by their order.
        ids = [App.objects.get(name=name).pk for name in sorted(apps)]
        at = self.company.now
        if kind == "invite":
            emails = [f"new-{self.random.randint(0, 3)}@new.example"]
            role = self.random.choice(["limited", "collaborator"])
            return plans.plan_invitations(emails, ids, by=by, at=at, role=role)
        rows = Collaboration.objects.open().exclude(role="owner").filter(app__in=ids)
        if kind == "again":
            rows = rows.filter(status=Status.PENDING)
        found = list(
            rows.order_by("app__name", "collaborator_id").values_list("person_id", "app_id", "role")
        )
        if not found:
            raise Person.DoesNotExist
        chosen = self.random.sample(found, min(len(found), self.random.randint(1, 2)))
        pairs = [(person, app) for person, app, _ in chosen]
        if kind == "all":
            return plans.plan_offboarding(Person.objects.get(pk=chosen[0][0]), by=by, at=at)
        if kind == "again":
            return plans.plan_again(pairs, by=by, at=at)
        if kind == "role":
            role = "collaborator" if chosen[0][2] == "limited" else "limited"
            return plans.plan_roles(pairs, role, by=by, at=at)
        return plans.plan_removals(pairs, by=by, at=at)

    def somebody_cancels(self):
        waiting = Change.objects.filter(state=State.WAITING)
        found = list(waiting.order_by("batch__decided_at", "app__name", "address", "position"))
        if found:
            chosen = self.random.choice(found)
            with self._dying(20, often=0.2), contextlib.suppress(actions.TooLate):
                self.acting.cancel(chosen)

    def workers_tell(self):
        with self._dying(60, often=0.2):
            self.acting.tell(seconds=self.random.choice([30, 31, 45]))

    def a_minute_passes(self):
        minutes = self.random.choice([1, 1, 2, 6])
        with self._dying(60, often=0.15):
            self._take_up()
            self.acting.sweep(minutes=minutes)

    def a_sync(self):
        if self.random.random() < 0.2:
            self.broken = self.random.choice(["collaborators", "apps"])
        self._sync()
        self.broken = None

    def _sync(self):
        """The next sync of the schedule; first whatever a dead worker left of another one."""
        self.company.later(seconds=self.random.choice([20, 120, 600]))
        self.arrive()
        self._take_up()
        sync.request(by=None, at=self.company.now, trigger=Run.Trigger.TERMINAL)
        self.company.carry_out()

    def _take_up(self):
        for _ in range(4):
            if not Run.objects.filter(state__in=["waiting", "running"]).exists():
                return
            self.company.carry_out()

    def lists_lag(self):
        self.world.switch(removal_lag=self.random.choice([0.0, 30.0, 90.0]))

    def rights_change(self):
        who = self.random.choice([self.acting.admin, self.other])
        gone = self.random.random() < 0.6
        what = (
            {"is_active": not gone}
            if self.random.random() < 0.5
            else {"roles": ["viewer"] if gone else ["admin"]}
        )
        User.objects.filter(pk=who.pk).update(**what)
        self.deciders_changed.add(who.pk)
        self.counts["rights"] += 1

    def the_platform_changes(self):
        """Somebody does something there, without us."""
        app = self.random.choice(list(self.world.apps()))
        members = sorted(app.collaborations.values(), key=lambda one: one.id)
        act = self.random.choice(["remove", "accept", "role", "invite", "rejoin"])
        with contextlib.suppress(Impossible, Unknown):
            if act == "invite":
                self._touch(app, f"new-{self.random.randint(0, 3)}@new.example", "")
            elif members:
                one = self.random.choice(members)
                self._touch(app, self.world.email_of(one).lower(), one.id)
                getattr(self, f"_{act}")(app, one)
            if act == "invite":
                email = f"new-{self.random.randint(0, 3)}@new.example"
                self._touch(app, email, "")
                self.world.invite(app, email)
        self.counts["act"] += 1

    def _remove(self, app, one):
        self.world.remove(app, one)

    def _accept(self, app, one):
        self.world.accept(app, one)

    def _role(self, app, one):
        self.world.change_role(app, one, limited=not one.limited)

    def _rejoin(self, app, one):
        email = self.world.email_of(one)
        self.world.remove(app, one)
        self.world.invite(app, email)

    def _touch(self, app, address, collaborator_id):
        self.touched |= {(app.id, address), (app.id, collaborator_id)}

    # --- what goes wrong --------------------------------------------------------------------------

    @contextlib.contextmanager
    def _dying(self, within, *, often):
        """The worker may die at one of its statements, or of what befalls its order."""
        nth = self.random.randint(1, within) if self.random.random() < often else 0
        dies = connection.execute_wrapper(DiesAt(nth)) if nth and self.faulty else None
        try:
            with dies or contextlib.nullcontext():
                yield
        except Killed:
            self.counts["killed"] += 1
        except OperationalError:
            self.counts["database gone"] += 1

    def read(self, request, inner):
        path = request.url.path
        if self.broken and path.endswith(f"/v1/{self.broken}"):
            return httpx.Response(500, headers=_JSON, text="{}")
        lost = path.endswith("collaborators") and "/apps/" in path
        if self.faulty and lost and self.random.random() < 0.08:
            self.counts["look failed"] += 1
            raise httpx.ReadTimeout("slow")
        return inner.handle_request(request)

    def order(self, request, send):
        fate = "good"
        if self.faulty and self.depth == 0:
            fate = self.random.choices(list(FATES), list(FATES.values()))[0]
        self.counts[fate] += 1
        order = self._meant(request, fate)
        self.orders.append(order)
        befall = getattr(self, "_" + fate.replace(" ", "_"))
        return befall(request, lambda: self._done(order, request, send))

    def _meant(self, request, fate):
        """The order as a change that somebody who may has decided on, committed before it left."""
        assert not connection.in_atomic_block, "told inside a transaction"
        parts = request.url.path.split("/v1/apps/")[1].split("/")
        app = parts[0]
        if request.method == "POST":
            asked = httpx.Response(200, content=request.content).json()["collaborator"]
            assert set(asked) == {"email", "is_limited"}, "is_limited is always sent"
            about, meant = asked["email"], {"kind": Kind.INVITE, "email": asked["email"]}
        else:
            about = parts[2]
            kinds = [Kind.CHANGE_ROLE] if request.method == "PATCH" else list(ENDING)
            meant = {"kind__in": kinds, "collaborator_id": about}
        change = (
            Change.objects.filter(state=State.TELLING, app__scalingo_id=app, **meant)
            .select_related("batch__decided_by")
            .first()
        )
        assert change is not None, f"nobody decided {request.method} {about}"
        decider = change.batch.decided_by
        assert decider.is_active, "told for somebody who may not any more"
        assert "admin" in decider.roles, "told for somebody who may not any more"
        return Order(request.method, app, about, change.pk, fate, self.company.now)

    def _done(self, order, request, send):
        """Let the platform carry the order out, and note what that did."""
        app = self.world.app(order.app)
        before = {one.id: one.limited for one in app.collaborations.values()}
        mails = len(self.world.mails)
        response = send(request)
        order.status = response.status_code
        after = {one.id: one.limited for one in app.collaborations.values()}
        if len(self.world.mails) > mails:
            self.effects.append(("invited", order.app, order.about, order.change))
        if before.keys() - after.keys():
            self.effects.append(("removed", order.app, order.about, order.change))
        if any(before[one] != after[one] for one in before.keys() & after.keys()):
            self.effects.append(("role", order.app, order.about, order.change))
        return response

    def _good(self, request, done):
        return done()

    def _no_connection(self, request, done):
        raise httpx.ConnectError("refused")

    def _timeout_before(self, request, done):
        raise httpx.ReadTimeout("slow")

    def _timeout_after(self, request, done):
        done()
        raise httpx.ReadTimeout("slow")

    def _reset_after(self, request, done):
        done()
        raise httpx.ReadError("reset")

    def _500_before(self, request, done):
        return httpx.Response(500, headers=_JSON, text='{"error":"oops"}')

    def _500_after(self, request, done):
        done()
        return httpx.Response(500, headers=_JSON, text='{"error":"oops"}')

    def _nonsense_after(self, request, done):
        done()
        return httpx.Response(200, headers=_JSON, text='{"collaborator":{}}')

    def _429(self, request, done):
        return httpx.Response(429, headers=TEXT, text="Retry later\n")

    def _404_page(self, request, done):
        return httpx.Response(404, headers={"content-type": "text/html"}, text="<html>")

    def _bearer_ended(self, request, done):
        return httpx.Response(401, headers=_JSON, text='{"error":"Invalid"}')

    def _late(self, request, done):
        """Nobody waits for the answer any more when it is carried out."""
        self.late.append((self.company.now + timedelta(seconds=20), done))
        raise httpx.ReadTimeout("slow")

    def _killed_before(self, request, done):
        raise Killed

    def _killed_after(self, request, done):
        done()
        raise Killed

    def _paused_before(self, request, done):
        self._taken_over()
        return done()

    def _paused_after(self, request, done):
        response = done()
        self._taken_over()
        return response

    def _paused_and_killed(self, request, done):
        self._taken_over()
        done()
        raise Killed

    def _taken_over(self):
        """While this worker is paused others go on, and look what became of its change."""
        self.depth += 1
        for _ in range(self.random.randint(1, 3)):
            self.acting.sweep(seconds=(LEASE / 2).total_seconds() + 1)
        self.depth -= 1

    def arrive(self):
        """Let what was late be carried out, if its time has come."""
        due = [one for one in self.late if one[0] <= self.company.now]
        self.late = [one for one in self.late if one[0] > self.company.now]
        for _, done in due:
            done()

    # --- the end ----------------------------------------------------------------------------------

    def recover(self):
        """The faults stop; everybody has their rights again; a quarter of an hour at a time."""
        self.faulty = False
        self.world.switch(removal_lag=0.0)
        self.company.later(seconds=21)
        self.arrive()
        for _ in range(10):
            self._take_up()
            self.acting.sweep(minutes=4)
            if not Change.objects.filter(state__in=OPEN).exists():
                break
            if Change.objects.filter(state=State.TOLD).exists():
                self._sync()
        if Change.objects.filter(state=State.FAILED, code="not_sent").exists():
            self._sync()  # what never arrived may have arrived after all

    def check(self):
        """What must hold in the end."""
        changes = list(Change.objects.select_related("app", "batch"))
        assert not [one for one in changes if one.is_open], [str(one) for one in changes]
        follow(changes)
        self._nothing_was_told_too_often(changes)
        for change in changes:
            self._is_true(change)
            self._is_not_lost(change)
            self.counts[f"{change.kind} {change.state} {change.code}".strip()] += 1
        assert Batch.objects.count() == Event.objects.filter(kind="change.batch_placed").count()
        batches = set(Batch.objects.values_list("preview_id", flat=True))
        assert batches == self.placed or self.died_placing, "a form sent twice is one batch"
        assert verify().faults == ()

    def _nothing_was_told_too_often(self, changes):
        kinds = {change.pk: change.kind for change in changes}
        heard = Counter(one.change for one in self.orders if one.fate not in NOTHING_DONE)
        for pk, times in heard.items():
            assert times <= (1 if kinds[pk] == Kind.INVITE else 3), (kinds[pk], times)
        mails = Counter((app, about) for what, app, about, _ in self.effects if what == "invited")
        wishes = Counter(
            (one.app.scalingo_id, one.email) for one in changes if one.kind == Kind.INVITE
        )
        assert all(count <= wishes[key] for key, count in mails.items()), (mails, wishes)
        self._once_in_a_window()

    def _once_in_a_window(self):
        limited = {}
        for order in self.orders:
            window = order.at.timestamp() // 60
            assert limited.get(order.change) != window, "told twice in one window of the limit"
            if order.fate == "429":
                limited[order.change] = window

    def _is_true(self, change):
        """What the change says became of it is what did."""
        app = self.world.app(change.app.scalingo_id)
        done = {what for what, *_, pk in self.effects if pk == change.pk}
        there = {one.id: one for one in app.collaborations.values()}
        mine = there.get(change.collaborator_id)
        theirs = {
            (app.id, change.address),
            (app.id, change.collaborator_id),
        } & self.touched
        if change.state == State.VERIFIED:
            told_at = change.told_at or change.tried_at
            assert change.verified_at > told_at, (str(change), "verified without a reading")
            if change.kind in ENDING:
                assert mine is None, (str(change), "is still there")
            elif not theirs and not self._ended_by_us(app, change):
                assert mine is not None, (str(change), "is not there")
            if change.kind == Kind.CHANGE_ROLE and mine and not theirs:
                later = self._roles_after(change)
                assert later or mine.limited == change.is_limited, str(change)
        elif done and not theirs:
            taken_back = change.kind == Kind.INVITE and self._ended_by_us(app, change)
            assert taken_back, (str(change), change.code, done, "was done")
        if change.kind in ENDING and any(
            one.change == change.pk and one.fate == "good" and one.status == 404
            for one in self.orders
        ):
            assert change.state == State.VERIFIED, (str(change), "not there is what was wanted")
        if change.state in (State.REFUSED, State.CANCELLED) and not theirs:
            assert not done, (str(change), change.code, done)

    def _is_not_lost(self, change):
        """What should end has ended, if nothing stood in the way but what went wrong on it.

        Not where somebody stopped it, where it was refused as it was placed, where others did
        something about the same person on the app, or where whoever decided it lost the right.
        """
        if change.kind not in ENDING or change.state == State.VERIFIED or change.cancelled_by_id:
            return
        app = self.world.app(change.app.scalingo_id)
        if {(app.id, change.address), (app.id, change.collaborator_id)} & self.touched:
            return
        was_placed = change.tries or change.ended_at > change.batch.decided_at
        if not was_placed or change.batch.decided_by_id in self.deciders_changed:
            return
        self.counts["not ended"] += 1
        fates = [one.fate for one in self.orders if one.change == change.pk]
        if change.code == "no_right":
            assert fates.count("bearer ended") > 1, (str(change), fates, "was lost")
        elif not self._ended_by_us(app, change):
            told = (change.state, change.tells)
            assert told == (State.FAILED, 3), (str(change), change.code, fates, "was lost")

    def _ended_by_us(self, app, change):
        """Whether another change of ours took away again what this one gave."""
        return any(
            what == "removed" and where == app.id and about == change.collaborator_id
            for what, where, about, _ in self.effects
        )

    def _roles_after(self, change):
        return Change.objects.filter(
            kind=Kind.CHANGE_ROLE, app=change.app, address=change.address,
            tried_at__gt=change.tried_at,
        ).exists()  # fmt: skip


STATE_AFTER = {"placed": "waiting", "put_back": "waiting"}
NEXT = {
    "": {"placed", "refused", "cancelled"},
    "waiting": {"telling", "refused", "cancelled", "verified"},
    "telling": {"told", "put_back", "refused", "failed", "unknown"},
    "told": {"verified", "put_back", "failed"},
    "unknown": {"verified", "failed", "put_back"},
    "failed": {"unknown", "verified"},
    "verified": set(),
    "refused": set(),
    "cancelled": set(),
}


def follow(changes):
    """Every step of each change has its one event, and leads to where the change is."""
    steps = defaultdict(list)
    found = Event.objects.filter(target_kind="changes.change").order_by("sequence")
    for target, kind in found.values_list("target_id", "kind"):
        steps[target].append(kind.removeprefix("change."))
    assert steps.keys() == {change.pk for change in changes}, "an event of no change"
    for change in changes:
        state = ""
        for step in steps[change.pk]:
            assert step in NEXT[state], (steps[change.pk], str(change))
            state = STATE_AFTER.get(step, step)
        assert state == change.state, (steps[change.pk], str(change))


def play(seed):
    """One schedule; its failure says by which integer it is replayed."""
    try:
        Schedule(seed).run()
    except AssertionError as broken:
        raise AssertionError(f"SCHEDULE={seed}: {broken}") from broken
