"""Anything may happen on the platform, and anything may go wrong while it is read.

A schedule is drawn from one source of chance: a seed, or hypothesis, which then looks for a shorter
one. After every sync the tables are checked against what must always hold, and against the
platform's own history. In the end the faults stop, and three clean syncs must make the inventory
the platform.
"""

import contextlib
import threading
from collections import Counter
from datetime import timedelta
from random import Random

from django.db import OperationalError, connections

from governance.accounts.models import User
from governance.inventory.models import App, Collaboration, Scope
from governance.sync import actions, engine
from governance.sync.models import HeldRemoval, Run
from tests.sync import invariants
from tests.sync.schedules import faults, worlds
from tests.sync.schedules.acts import Acts
from tests.sync.schedules.deaths import POINTS, RARE, Death, Killed
from tests.sync.schedules.oracle import Oracle

JUMPS = (-120, -61, -3, 7, 120)  # minutes
# Minutes between syncs: of a busy day, of any days, and of a year in which apps come and go.
YEAR = (10, 720, 720, 800, 1500)
SPANS = ((0, 0, 1, 3, 10), (0, 1, 3, 10, 10, 30, 90, 800, 1500), YEAR)


def run(seed, *, syncs, counts=None):
    """The schedule of that number; always the same. Raises what it finds."""
    try:
        Schedule(Random(seed), Counter() if counts is None else counts).run(syncs)
    except BaseException as error:
        error.add_note(f"To see it again: SCHEDULE={seed} make test ARGS='-k any_schedule'")
        raise


class Schedule:
    """One company, what happens to it, and the syncs that read it."""

    def __init__(self, random, counts):
        self.random, self.counts = random, counts
        self.world_name = random.choice(sorted(worlds.WORLDS))
        self.company = worlds.begin(self.world_name)
        self.company.step = timedelta(seconds=1)
        self.world = self.company.world
        self.regions = self.world.account(worlds.OLIVIA).regions
        self.acts = Acts(self.company, random, counts)
        self.oracle = Oracle(self.company, counts)
        self.admin = User.objects.create(email="admin@example.com", name="A", roles=["admin"])
        self.laid = []  # what is wrong, in this sync or in some to come
        self.deaths = [Death(random, RARE)] if random.random() < 0.8 else []
        self.jumps = random.random() < 0.1
        self.spans = random.choice(SPANS)
        if self.spans is YEAR:
            self.acts.one(Acts.delete_app)
            self._wait_for(("an app is buried",))

    def run(self, syncs):
        """So many syncs, with whatever happens between them; and then the clean ones."""
        for _ in range(syncs):
            self._between()
            self.random.choice(_SYNCS)(self)
            if self.random.random() < 0.6:
                self._decide(approve=self.random.random() < 0.6)
        self._end()

    # --- between syncs ----------------------------------------------------------------------------

    def _between(self):
        self.company.later(minutes=self.random.choice(self.spans), seconds=1)
        if self.random.random() < 0.7:
            self.acts.some(4)
            self.company.later(seconds=self.random.choice([1, 20, 300]))
        if self.jumps and self.random.random() < 0.2:
            self.company.later(minutes=self.random.choice(JUMPS))
            self.oracle.twisted = True
            self.counts["jump"] += 1

    def _decide(self, *, approve, still=False):
        """With `still`, nothing happens on the platform meanwhile."""
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
            if approve and not still and self.random.random() < 0.5:
                # More go than the plan had: they were not approved.
                self.acts.one(self.random.choice([Acts.many_go, Acts.most_go]))

    # --- syncs ------------------------------------------------------------------------------------

    def a_sync(self):
        """With one thing wrong, two, or none."""
        if not self.random.randint(0, 5):
            self._sync(connection=self.company.olivia)
            return
        self._lay_some(self.random.choice([0, 1, 2, 2, 3]))
        self._sync()

    def a_sync_that_is_lied_to(self):
        """The list of all leaves an app out; or the app itself says so too."""
        with_people = [app for app in self.acts.apps() if app.collaborations]
        if with_people:
            app = self.random.choice(with_people)
            syncs = self.random.choice([1, 2, 2, 3])
            self._lay(faults.listing_without(app, syncs=syncs))
            if self.random.random() < 0.5:
                self._lay(faults.app_without_anybody(app, syncs=syncs))
                self._wait_for(("all are back",))
        self._lay_some(self.random.randint(0, 1))
        self._sync()

    def a_sync_with_foreign_rows(self):
        """The list of one app has rows of another."""
        apps = self.acts.apps()
        self._lay(faults.foreign_rows(*self.random.sample(apps, 2), syncs=1))
        self._lay_some(self.random.randint(0, 1))
        self._sync()

    def a_sync_while_things_happen(self):
        """They happen between two of its requests, or three."""
        when = [self.random.randint(3, 10) for _ in range(self.random.randint(1, 2))]
        asked = []

        def happen(request):
            # Not a fault of the platform: that would hide what is laid on the same request.
            asked.append(request)
            if len(asked) in when:
                self._meanwhile(1)

        self._lay_some(self.random.randint(0, 1))
        self.company.on_request.append(happen)
        try:
            self._sync(still=False)
        finally:
            self.company.on_request.remove(happen)

    def a_sync_whose_worker_dies(self):
        """It, or the first after it that comes to where death waits."""
        self.deaths = [*self.deaths[-4:], Death(self.random, [*POINTS])]
        self.a_sync()

    def _wait_for(self, points):
        if self.random.random() < 0.6:
            self.deaths.append(Death(self.random, points))

    def a_sync_whose_worker_is_paused(self):
        """Another takes its run over, and only then does it go on."""
        where = self.random.choice(["/collaborators", "v1/collaborators", "v1/apps"])
        region = self.random.choice(self.regions)
        paused = []

        def pause(request, _response):
            path = request.url.path
            if not paused and f"/{region}/" in path and path.endswith(where):
                paused.append(request)
                self.counts["paused"] += 1
                thread = threading.Thread(target=self._take_over)
                thread.start()
                thread.join()

        self.company.on_answer.append(pause)
        try:
            self._sync(still=False, alone=False)
        finally:
            self.company.on_answer.clear()

    def _take_over(self):
        try:
            self.company.later(minutes=3)
            self._meanwhile(3)
            self.company.later(minutes=3)
            run = Run.objects.get(state=Run.State.RUNNING)
            run.attempts += 1
            run.save()
            engine.carry_out(
                run, client_for=self.company.clients, clock=lambda: self.company.now, threads=1
            )
        finally:
            connections.close_all()

    def _meanwhile(self, most):
        try:
            self.acts.some(most)
        finally:
            if threading.current_thread() is not threading.main_thread():
                connections.close_all()

    def _lay_some(self, number):
        for _ in range(number):
            any(self._lay(faults.drawn(self.random, self.regions)) for _ in range(3))

    def _lay(self, fault):
        """Unless nobody could tell: a list that lies while the readings that check it fail.

        Whether it was laid.
        """
        if fault.place in {one.place for one in self.laid}:
            return False  # the first would hide the other
        laid = [*self.laid, fault]
        if any(one.is_lie_of_list for one in laid) and any(one.blinds for one in laid):
            return False
        self.laid.append(fault)
        return True

    def _sync(self, *, connection=None, still=True, alone=True):
        """One sync, or the rest of one whose worker died."""
        self.company.later(seconds=1)
        self.oracle.look()
        for one in self.laid:
            one.lay(self.world)
        with contextlib.suppress(actions.AlreadyAsked):
            actions.request(
                by=None, at=self.company.now, trigger=Run.Trigger.TERMINAL, connection=connection
            )
        finished = self._carry_out()
        self._note_lies(twice=not alone)
        if finished is not None:
            self._count(finished)
            odd = any(one.name in faults.UNKNOWN for one in self.laid)
            self.oracle.judge(self.laid, still=still, alone=alone, odd=odd)
        else:
            invariants.check_tables()
        self.world.faults.clear()
        self.laid = [one for one in self.laid if one.syncs]

    def _carry_out(self):
        """The run, or None if its worker died."""
        try:
            with contextlib.ExitStack() as stack:
                for death in self.deaths:
                    stack.enter_context(death.waits())
                return self.company.carry_out()
        except (Killed, OperationalError):
            met = [death for death in self.deaths if death.met]
            if not met:
                raise
            self.deaths = [death for death in self.deaths if not death.met]
            for death in met:
                self.counts[f"death {death.point}"] += 1
                self.counts[f"death {death.how}"] += 1
            return None

    def _note_lies(self, *, twice):
        for one in self.laid:
            self.counts[f"fault {one.name}"] += one.hit
            if one.name == faults.NOBODY and one.hit:
                told = self.oracle.lies[one.region, one.app]
                told.add(self.oracle.begun)
                if twice:  # two workers have heard it, minutes apart
                    told.add(self.company.now)

    def _count(self, run):
        self.counts[f"sync {run.state}"] += 1
        self.counts["sync"] += 1
        self.counts["resumed"] += run.attempts > 1
        self.counts["left"] += run.found.get("left", 0)
        self.counts["joined"] += run.found.get("joined", 0)
        self.counts["held"] += HeldRemoval.objects.filter(run=run).count()
        self.counts["waits"] += Collaboration.objects.exclude(missing_at=None).exists()
        self.counts["suspect"] += App.objects.exclude(suspect_since=None).exists()
        self.counts["one by one"] += Scope.objects.exclude(one_by_one_since=None).exists()
        for reason in self.company.reasons(run):
            self.counts[f"said {reason}"] += 1

    # --- the end ----------------------------------------------------------------------------------

    def _end(self):
        """Faults stop, what a person must decide is decided: three syncs, and all is as it is."""
        self.laid, self.deaths = [], []
        self.company.later(hours=25)  # what was discarded is asked again
        for _ in range(4):
            if not Run.objects.filter(state=Run.State.RUNNING).exists():
                break
            self.company.carry_out()
        for left in (2, 1, 0):
            self.company.later(minutes=10)
            self._sync()
            if HeldRemoval.objects.filter(state=HeldRemoval.State.WAITING).exists():
                self._decide(approve=True, still=True)
                self._sync()
            if self._converged(last=not left):
                break
        self.counts["gone"] += App.objects.exclude(gone_at=None).exists()
        self.counts["schedules"] += 1
        invariants.no_secret(self.company)

    def _converged(self, *, last):
        try:
            invariants.converged(self.company)
        except AssertionError:
            if last:
                raise
            return False
        return True


_WEIGHTS = {
    Schedule.a_sync: 7,
    Schedule.a_sync_that_is_lied_to: 2,
    Schedule.a_sync_with_foreign_rows: 1,
    Schedule.a_sync_while_things_happen: 2,
    Schedule.a_sync_whose_worker_dies: 7,
    Schedule.a_sync_whose_worker_is_paused: 1,
}
_SYNCS = [sync for sync, weight in _WEIGHTS.items() for _ in range(weight)]
