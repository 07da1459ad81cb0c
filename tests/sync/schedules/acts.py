"""What may happen on the platform while nobody looks."""

from governance.connections.models import Connection
from governance.emulator import Impossible, Unknown
from tests.sync.schedules.worlds import OLIVIA, OSCAR

MOST_OWNED = 5  # in a region: as many as are re-read at each sync, so that no lie goes unseen
MOST_APPS = 9
MOST_PEOPLE = 45
# Their accounts are connected, or may be.
_KEPT = {"olivia", "oscar", "outsider"}


class Acts:
    """Draws what happens and does it. What cannot be done just then does not happen."""

    def __init__(self, company, random, counts):
        self.company, self.world = company, company.world
        self.random, self.counts = random, counts
        self._made = 0

    def some(self, most):
        """Up to that many things."""
        for _ in range(self.random.randint(0, most)):
            self.one(self.random.choice(_LIKELY))

    def one(self, act):
        try:
            act(self)
            self.counts[f"act {act.__name__}"] += 1
        except (Impossible, Unknown):
            pass

    # --- what there is ----------------------------------------------------------------------------

    def apps(self):
        return sorted(self.world.apps(), key=lambda app: app.id)

    def app(self):
        return self.random.choice(self.apps())

    def region(self):
        """One of those that olivia may use."""
        return self.random.choice(self.world.account(OLIVIA).regions)

    def _flag(self):
        return self.random.random() < 0.5

    def _member(self, *, pending=None):
        found = [
            (app, one)
            for app in self.apps()
            for one in app.collaborations.values()
            if pending is None or one.is_pending == pending
        ]
        if not found:
            raise Unknown("nobody")
        return self.random.choice(found)

    def _person(self):
        found = [
            account
            for account in self.world.accounts.values()
            if account.deleted_at is None and account.email.split("@")[0] not in _KEPT
        ]
        return self.random.choice(found)

    def _new_address(self):
        self._made += 1
        return f"new-{self._made}@new.example"

    # --- who is on which app ----------------------------------------------------------------------

    def invite(self):
        address = self._person().email if self._flag() else self._new_address()
        self.world.invite(self.app(), address.title() if self._flag() else address)

    def accept(self):
        app, place = self._member(pending=True)
        self.world.accept(app, place, event=self._flag())

    def accept_as_other(self):
        app, place = self._member(pending=True)
        self.world.accept(app, place, account=self._person())

    def join(self):
        self.world.add_member(self.app(), self._person(), limited=self._flag())

    def remove(self):
        app, place = self._member()
        self.world.remove(app, place, event=self._flag())

    def leave(self):
        app, place = self._member(pending=False)
        self.world.leave(app, place.account_id)

    def role(self):
        app, place = self._member()
        self.world.change_role(app, place, limited=self._flag())

    def reinvite(self):
        app, place = self._member()
        address = self.world.email_of(place)
        self.world.remove(app, place)
        self.world.invite(app, address, limited=self._flag())

    # --- many at once -----------------------------------------------------------------------------

    def many_come(self):
        app = self.app()
        if sum(len(one.collaborations) for one in self.apps()) < MOST_PEOPLE:
            for _ in range(5):
                self.world.invite(app, self._new_address())

    def many_go(self):
        """Two thirds of the people of every app."""
        for app in self.apps():
            self._go(app, 2 * len(app.collaborations) // 3)

    def most_go(self):
        """More than half of an app's people."""
        app = self._app_with_people()
        self._go(app, len(app.collaborations) // 2 + 1)

    def all_go(self):
        """An app's last people."""
        app = self._app_with_people()
        self._go(app, len(app.collaborations))

    def _app_with_people(self):
        found = [app for app in self.apps() if app.collaborations]
        if not found:
            raise Unknown("nobody")
        return self.random.choice(found)

    def _go(self, app, number):
        for place in list(app.collaborations.values())[:number]:
            if place.account_id != self.world.account(OLIVIA).id:
                self.world.remove(app, place)

    # --- apps -------------------------------------------------------------------------------------

    def rename(self):
        self._made += 1
        self.world.rename_app(self.app(), f"renamed-{self._made}")

    def move(self):
        app = self.app()
        projects = self.world.regions[app.region].projects.values()
        self.world.move_app(app, self.random.choice(sorted(projects, key=lambda one: one.id)))

    def transfer(self):
        app, place = self._member(pending=False)
        if self.world.accounts[place.account_id].deleted_at is None:
            self.world.transfer_app(app, place.account_id)
        self._keep_owned_few(app)

    def create_app(self):
        if len(self.apps()) >= MOST_APPS:
            return
        self._made += 1
        owner = OLIVIA if self._flag() else OSCAR
        app = self.world.create_app(f"made-{self._made}", owner=owner, region=self.region())
        self.world.add_member(app, self._person(), limited=False)
        self._keep_owned_few(app)

    def _keep_owned_few(self, app):
        owned = [
            one
            for one in self.world.regions[app.region].apps.values()
            if one.owner_id == app.owner_id
        ]
        if len(owned) > MOST_OWNED:
            self.world.delete_app(owned[0])

    def delete_app(self):
        if len(self.apps()) > 3:
            self.world.delete_app(self.app())

    # --- people -----------------------------------------------------------------------------------

    def delete_account(self):
        person = self._person()
        if not any(app.owner_id == person.id for app in self.apps()):
            self.world.delete_account(person)

    def two_factor(self):
        self.world.set_two_factor(self._person(), self._flag())

    def email(self):
        self.world.change_email(self._person(), self._new_address())

    # --- connections ------------------------------------------------------------------------------

    def connect(self):
        if not Connection.objects.filter(account_email=OSCAR).exists():
            self.company.connect(OSCAR)

    def pause(self):
        paused = self.company.now if self._flag() else None
        Connection.objects.filter(account_email=OSCAR).update(paused_at=paused)


_WEIGHTS = {
    Acts.invite: 2,
    Acts.accept: 3,
    Acts.accept_as_other: 1,
    Acts.join: 3,
    Acts.remove: 4,
    Acts.leave: 1,
    Acts.role: 3,
    Acts.reinvite: 2,
    Acts.many_come: 2,
    Acts.many_go: 2,
    Acts.most_go: 2,
    Acts.all_go: 2,
    Acts.rename: 1,
    Acts.move: 1,
    Acts.transfer: 2,
    Acts.create_app: 2,
    Acts.delete_app: 1,
    Acts.delete_account: 1,
    Acts.two_factor: 2,
    Acts.email: 1,
    Acts.connect: 1,
    Acts.pause: 1,
}
_LIKELY = [act for act, weight in _WEIGHTS.items() for _ in range(weight)]
