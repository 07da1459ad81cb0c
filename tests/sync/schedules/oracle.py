"""What a sync may have done, judged by the platform's own history and not by what it answered.

It knows of every lie that was told: a valid answer that leaves out an app's people again, a minute
later or more, can be told from a farewell by nobody.
"""

from collections import defaultdict
from datetime import timedelta

from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration, Coverage, Identity, Role, Scope, Status
from governance.sync.models import HeldRemoval
from tests.sync import invariants
from tests.sync.schedules.faults import NOTHING

_OWNER = Collaboration.OWNER_ID


class Oracle:
    """Compares what is known before and after a sync.

    `lies` is when each app (region, id) said that nobody is on it. `twisted`: the clock jumped.
    """

    def __init__(self, company, counts):
        self.company, self.world, self.counts = company, company.world, counts
        self.lies = defaultdict(set)
        self.twisted = False

    def look(self):
        """Remember what is known before a sync."""
        self.begun = self.company.now
        self.before = set(Collaboration.objects.open().values_list("pk", flat=True))
        self.read = _read_until()
        self.waiting = set(HeldRemoval.objects.filter(state="waiting").values_list("pk", flat=True))

    def judge(self, laid, *, alone=True, still=True, odd=False):
        """What this sync did. `alone`: no other one beside it; `still`: nothing happened meanwhile.

        `odd`: what people are may have been said in words that nobody knows.
        """
        invariants.check_tables()
        self.ended = list(
            Collaboration.objects.filter(pk__in=self.before, ended_at__isnull=False)
            .exclude(collaborator_id=_OWNER)
            .select_related("app__region", "person")
        )
        self.later = self._later_periods()
        self._nobody_was_ended_who_is_there()
        self._what_is_held_stays()
        if alone:
            self._the_guard_was_asked()
        if still and not odd and not self.twisted:
            self._what_was_read_is_the_platform()
        self._what_failed_is_not_fresh(laid)
        if not self.twisted:
            self._edges_are_true()

    def _later_periods(self):
        """The ended rows that go on in another period."""
        pairs = Collaboration.objects.filter(app__in={row.app_id for row in self.ended})
        last = {}
        for app, who, pk in pairs.values_list("app_id", "collaborator_id", "pk").order_by("pk"):
            last[app, who] = pk
        return {row.pk for row in self.ended if last[row.app_id, row.collaborator_id] > row.pk}

    def _key(self, row):
        return row.app.region.name, row.app.scalingo_id

    def _decided(self):
        return _planned(HeldRemoval.objects.filter(state__in=["approved", "applied"]))

    # --- what must never be -----------------------------------------------------------------------

    def _nobody_was_ended_who_is_there(self):
        """Ids of collaborations are never given twice: whoever is there did not leave."""
        there = {
            (app.region, app.id, one.id)
            for app in self.world.apps()
            for one in app.collaborations.values()
        }
        decided = self._decided()
        for row in self.ended:
            if row.pk in self.later or (*self._key(row), row.collaborator_id) not in there:
                continue
            told = self.lies[self._key(row)]
            self.counts["ended by a lie"] += 1
            assert row.pk in decided or _were_two_readings(told), (row.app, row.person)

    def _the_guard_was_asked(self):
        """Unless decided: no more than ten at once, nor most of an app, nor its last at once."""
        decided = self._decided()
        by_app = defaultdict(list)
        for row in self.ended:
            if row.pk not in self.later and row.app.gone_at is None:
                by_app[row.app].append(row)
        total = 0
        for app, rows in by_app.items():
            left = app.collaborations.open().exclude(collaborator_id=_OWNER).count()
            here = left + len(rows)
            self.counts["ended"] += len(rows)
            rows = [row for row in rows if row.pk not in decided]
            assert here < 5 or 2 * len(rows) <= here, (app, rows)
            if not left and not self.twisted:
                assert all(row.ended_at < self.begun for row in rows), (app, "at first sight")
            total += len(rows)
        assert total <= 10, by_app

    def _what_is_held_stays(self):
        """As long as a plan waits for a person, nobody of it ends."""
        waiting = HeldRemoval.objects.filter(
            pk__in=self.waiting, state="waiting", reason=HeldRemoval.Reason.TOO_MANY
        )
        planned = _planned(waiting)
        for row in self.ended:
            assert row.pk not in planned or row.app.gone_at, (row.app, row.person, "was held")

    # --- what was read ----------------------------------------------------------------------------

    def _what_was_read_is_the_platform(self):
        fresh = Scope.objects.filter(
            stale_since=None,
            retired_at=None,
            coverage__latest=True,
            coverage__until__gte=self.begun,
        )
        apps = App.objects.listed().filter(
            scope__in=fresh, stale_since=None, suspect_since=None, digest__isnull=False
        )
        accounts = dict(Connection.objects.values_list("pk", "account_id"))
        planned = _planned(HeldRemoval.objects.exclude(state=HeldRemoval.State.VOID))
        for app in apps.select_related("region").prefetch_related("collaborations"):
            real = self.world.regions[app.region.name].apps.get(app.scalingo_id)
            if real is None or (real.region, real.id) in self.lies:
                continue
            reader = accounts[app.authority_id]
            on_it = {one.account_id for one in real.collaborations.values()}
            if reader == real.owner_id or reader in on_it:
                self._is_the_platforms(app, real, planned)

    def _is_the_platforms(self, app, real, planned):
        rows = {
            row.collaborator_id: row
            for row in app.collaborations.all()
            if row.ended_at is None and row.collaborator_id != _OWNER
        }
        for one in real.collaborations.values():
            row = rows.pop(one.id, None)
            assert row is not None, (app, one)
            status = self.world.status_of(one).replace("user account deleted", "deleted")
            role = "limited" if one.limited else "collaborator"
            assert (row.role, row.status) == (role, status), (app, one)
            assert row.missing_at is None, (app, one)
        somebody = bool(real.collaborations)
        for row in rows.values():
            assert row.missing_at is not None, (app, row.person, "neither there nor missing")
            # Whoever is missing and not ended waits for a person, or for a second reading.
            assert row.pk in planned or not somebody, (app, row.person)

    def _what_failed_is_not_fresh(self, laid):
        now = _read_until()
        for one in laid:
            if one.name not in NOTHING or one.times is not None or not one.hit:
                continue
            if one.place not in {"collaborators", "apps", "databases"}:
                continue
            scopes = Scope.objects.filter(kind=one.place)
            if one.region:
                scopes = scopes.filter(region__name=one.region)
            for pk in scopes.values_list("pk", flat=True):
                assert now.get(pk) == self.read.get(pk), (one.name, one.place)

    # --- when -------------------------------------------------------------------------------------

    def _edges_are_true(self):
        """The platform changed between the two sides of every edge that this sync wrote."""
        new = Collaboration.objects.exclude(pk__in=self.before).exclude(collaborator_id=_OWNER)
        new = list(new.filter(pk__gt=max(self.before, default=0)).select_related("app__region"))
        if not new and not self.ended:
            return
        changes = defaultdict(list)
        for entry in self.world.history.entries:
            if entry.key[0] == "member":
                changes[entry.key[1:]].append(entry.at)
        odd = _ever_odd({row.app_id for row in [*new, *self.ended]})
        given = self._given_away()
        for row in [*new, *self.ended]:
            if (row.app_id, row.collaborator_id) in odd or self._key(row) in self.lies:
                continue
            told = changes[*self._key(row), row.collaborator_id]
            if row.pk not in self.before and row.started_after is not None:
                self._changed_between(told, row.started_after, row.started_at, row)
            # Given away while the list of apps cannot be read, an app looks as if nobody were on
            # it: they are first missed too early, though nobody is ended for that.
            if row.ended_at is not None and self._key(row) not in given:
                self._changed_between(told, _not_before(row), row.ended_at, row)

    def _given_away(self):
        """The apps (region, id) that ever had another owner."""
        owners = defaultdict(set)
        for entry in self.world.history.entries:
            if entry.key[0] == "app" and entry.state is not None:
                owners[entry.key[1:]].add(entry.state.owner_id)
        return {key for key, found in owners.items() if len(found) > 1}

    def _changed_between(self, told, after, until, row):
        self.counts["edge"] += 1
        assert any(after <= at <= until for at in told), (row.app, row.pk, after, until, told)


def _read_until():
    """When each scope was last believed."""
    return dict(Coverage.objects.filter(latest=True).values_list("scope_id", "until"))


def _planned(plans):
    return {one["collaboration"] for plan in plans for one in plan.plan}


def _were_two_readings(told):
    return bool(told) and max(told) - min(told) >= timedelta(seconds=60)


def _not_before(row):
    """The earliest that a period may have ended.

    A list is written some seconds after it was asked for; whoever changed in between has an end
    that says "not before it was written".
    """
    after = row.ended_after or row.started_at
    return row.started_after or after if after == row.started_at else after


def _ever_odd(apps):
    """Who was once something that we have no word for: Scalingo said so, and nothing changed.

    Or whose account it did not name, though they had accepted: then they are an address alone.
    """
    rows = Collaboration.objects.filter(app__in=apps)
    odd = rows.filter(role=Role.UNKNOWN) | rows.filter(status=Status.UNKNOWN)
    accounts = Identity.objects.filter(kind=Identity.Kind.USER_ID).values("person")
    unnamed = rows.filter(status=Status.ACCEPTED).exclude(person__in=accounts)
    return {
        place
        for found in (odd, unnamed)
        for place in found.values_list("app_id", "collaborator_id")
    }
