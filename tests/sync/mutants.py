"""Defects that a reader of Scalingo may well have, planted one at a time.

Each is a function that takes pytest's monkeypatch. The schedules must find every one of them: what
they do not find here, they would not find in earnest.
"""

from datetime import UTC, datetime

from django.db import DEFAULT_DB_ALIAS, connections

from governance import scalingo
from governance.audit import actions as audit
from governance.inventory.models import App, Coverage
from governance.scalingo import Collaborator, Listing, ScalingoError
from governance.sync import canaries, collaborators, engine, guard, rows, scopes, suspects
from governance.sync.apply import Batch, collaborations, ends
from governance.sync.fencing import Fence
from governance.sync.known import known_apps


def _nobody():
    return Listing(Collaborator, datetime.now(UTC))


def _empty_instead_of(monkeypatch, is_meant):
    """An error is read as a list of nobody."""
    for name in ("collaborators", "collaborators_of"):
        real = getattr(scalingo.Client, name)

        def asked(self, *arguments, _real=real):
            try:
                return _real(self, *arguments)
            except ScalingoError as error:
                if is_meant(error):
                    return _nobody()
                raise

        monkeypatch.setattr(scalingo.Client, name, asked)


def a_404_is_an_empty_list(monkeypatch):
    _empty_instead_of(monkeypatch, lambda error: error.status == 404)


def a_401_is_an_empty_list(monkeypatch):
    _empty_instead_of(monkeypatch, lambda error: error.status == 401)


def any_error_is_an_empty_list(monkeypatch):
    _empty_instead_of(monkeypatch, lambda error: True)


def html_is_an_empty_list(monkeypatch):
    _empty_instead_of(monkeypatch, lambda error: "is not JSON by its own word" in str(error))


def broken_json_is_an_empty_list(monkeypatch):
    broken = ("is not whole, valid JSON", "ends in the middle")
    _empty_instead_of(monkeypatch, lambda error: any(one in str(error) for one in broken))


def a_missing_key_is_an_empty_list(monkeypatch):
    """As `answer.get("collaborators", [])` would have it."""
    _empty_instead_of(monkeypatch, lambda error: "has no list of" in str(error))


def removed_on_first_absence(monkeypatch):
    """An app that goes to nobody needs no second reading, nor is it asked by itself."""
    monkeypatch.setattr(guard, "_confirmed", lambda _: True)
    monkeypatch.setattr(canaries, "emptied_again", lambda *_: frozenset())
    monkeypatch.setattr(canaries, "choose", lambda *_: frozenset())


def no_guard(monkeypatch):
    """However many are gone, they are ended."""
    real = guard.judge

    def judge(found, **about):
        verdict = real(found, **about)
        verdict.pass_ += verdict.held
        verdict.held = []
        return verdict

    monkeypatch.setattr(guard, "judge", judge)


def whoever_this_run_did_not_touch_is_gone(monkeypatch):
    """As with a mark on every row that was read, and the others cleared away in the end."""
    real = engine._end

    def end(context):
        real(context)
        read = Coverage.objects.filter(latest=True, until__gte=context.run.started_at)
        left = App.objects.filter(gone_at=None).exclude(scope__in=read.values("scope"))
        for app in left.select_related("scope"):
            at = context.clock()
            reading = scopes.Reading(app.scope, Fence(app.scope_id, 2**40, at), None, at)
            known = known_apps(app.region_id, app.authority_id)[app.scalingo_id]
            engine._write(context, suspects._all_of(known, reading), at)

    monkeypatch.setattr(engine, "_end", end)


def fresh_although_it_failed(monkeypatch):
    """A failed reading moves the time of the last good one."""
    real = scopes.not_observed

    def not_observed(scope, *, at, **why):
        scope.coverage.filter(latest=True).update(until=at)
        real(scope, at=at, **why)

    monkeypatch.setattr(scopes, "not_observed", not_observed)


def no_fencing(monkeypatch):
    monkeypatch.setattr(Fence, "enforce", lambda *_: None)


def keyed_by_collaborator_id_alone(monkeypatch):
    """Somebody on two apps is two people."""
    monkeypatch.setattr(rows, "person_key", lambda row: (rows.EMAIL, row.id))


def foreign_rows_are_accepted(monkeypatch):
    """Whatever an answer about one app has is taken to be of that app."""
    from governance.scalingo import _intake

    class Tolerant(_intake.CollaboratorIntake):
        def __init__(self, listing, *, of_app=None):
            super().__init__(listing)
            self._really = of_app

        def _keep(self, found):
            if self._really is not None:
                found = [
                    Collaborator(
                        **{
                            **{name: getattr(one, name) for name in one.__struct_fields__},
                            "app_id": self._really,
                            "id": one.id if one.app_id == self._really else f"f{one.id[1:]}",
                        }
                    )
                    for one in found
                ]
            super()._keep(found)

    import sys

    for module in list(sys.modules.values()):
        if (
            getattr(module, "__name__", "").startswith("governance.scalingo")
            and getattr(module, "CollaboratorIntake", None) is _intake.CollaboratorIntake
            and module is not _intake
        ):
            monkeypatch.setattr(module, "CollaboratorIntake", Tolerant)


def events_are_recorded_on_their_own(monkeypatch):
    """The audit event does not share the transaction of the change."""

    def apart(entries):
        own = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            return audit._append(own, list(entries))
        finally:
            own.close()

    monkeypatch.setattr(collaborations, "record_many", apart)
    monkeypatch.setattr(ends, "record_many", apart)


def the_edge_before_is_now(monkeypatch):
    """The last reading without is taken to be the one with."""
    real = collaborators.find_changes

    def found(batches, *rest, at, **more):
        late = [Batch(one.app_id, one.digest, one.previous and at) for one in batches]
        return real(late, *rest, at=at, **more)

    monkeypatch.setattr(collaborators, "find_changes", found)


def ends_are_forgotten_when_a_worker_dies(monkeypatch):
    """A reading that missed somebody counts as read before anybody knows of it."""
    from governance.sync.context import Place

    monkeypatch.setattr(
        Place, "observed", lambda _, reading, digest: scopes.observed(reading, digest)
    )


def an_approval_is_for_whatever_comes(monkeypatch):
    """It is not bound to the people that were shown."""
    from governance.sync import held
    from governance.sync.models import HeldRemoval

    monkeypatch.setattr(
        engine.held,
        "approved",
        lambda found, *, at: (
            bool(found) and HeldRemoval.objects.filter(state=HeldRemoval.State.APPROVED).exists()
        ),
    )
    assert held


MUTANTS = [
    a_404_is_an_empty_list,
    a_401_is_an_empty_list,
    any_error_is_an_empty_list,
    html_is_an_empty_list,
    broken_json_is_an_empty_list,
    a_missing_key_is_an_empty_list,
    removed_on_first_absence,
    no_guard,
    whoever_this_run_did_not_touch_is_gone,
    fresh_although_it_failed,
    no_fencing,
    keyed_by_collaborator_id_alone,
    foreign_rows_are_accepted,
    events_are_recorded_on_their_own,
    the_edge_before_is_now,
    ends_are_forgotten_when_a_worker_dies,
    an_approval_is_for_whatever_comes,
]
