"""Defects that the telling of changes may well have, planted one at a time.

Each is a function that takes pytest's monkeypatch. The schedules must find every one of them.
"""

from dataclasses import replace
from itertools import count

from django.db import DEFAULT_DB_ALIAS, connections

from governance.audit import actions as audit
from governance.changes import moves, permissions
from governance.changes.actions import answers, leasing, placing, seeing, telling
from governance.changes.actions.answers import Outcome
from governance.changes.models import ENDING, Change, Preview, State
from governance.core.verdict import ALLOWED
from governance.scalingo import Unavailable


def re_send_on_time_out(monkeypatch):
    """Whatever got no answer is sent once more, at once."""
    real = telling._call

    def call(client, region, change):
        try:
            return real(client, region, change)
        except Unavailable:
            return real(client, region, change)

    monkeypatch.setattr(telling, "_call", call)


def re_send_after_a_crash(monkeypatch):
    """What a dead worker left is told again, without a look at what became of it."""

    def lost(*, at):
        left = Change.objects.filter(state=State.TELLING, leased_until__lt=at)
        for change in left:
            change.lease += 1
            change.due_at = at
            entry = moves.move(change, State.WAITING, at=at, code="again")
            moves.save([change], [entry])
        return len(left)

    monkeypatch.setattr("governance.changes.actions.give_up_on_the_lost", lost)


def the_outcome_before_the_call(monkeypatch):
    """It is written down as told, and then told."""
    real = telling.tell

    def tell(leased, tellers):
        telling.settle(leased, Outcome(State.TOLD), at=leased.change.tried_at)
        return real(leased, tellers)

    monkeypatch.setattr(telling, "tell", tell)


def no_look_back(monkeypatch):
    """No answer is taken for a failure."""
    real = telling.meaning_of

    def meaning(error, kind, **options):
        found = real(error, kind, **options)
        if found.state == State.UNKNOWN:
            return replace(found, state=State.FAILED, code="not_done")
        return found

    monkeypatch.setattr(telling, "meaning_of", meaning)


def no_fencing(monkeypatch):
    """A worker that was paused writes its outcome over what others found meanwhile."""

    def settle(leased, outcome, *, at):
        with telling.transaction.atomic():
            change = Change.objects.select_for_update(of=("self",)).get(pk=leased.change.pk)
            telling._write(change, outcome, at)
        return change

    monkeypatch.setattr(telling, "settle", settle)


def apply_and_event_in_two_transactions(monkeypatch):
    """The event is written on its own, before the change."""

    def apart(entries):
        own = connections.create_connection(DEFAULT_DB_ALIAS)
        try:
            return audit._append(own, list(entries))
        finally:
            own.close()

    real = moves.save

    def save(changes, entries, *, at=None):
        apart(entries)
        real(changes, [], at=at)

    for module in (telling, leasing, seeing):
        monkeypatch.setattr(module, "save", save)


def a_404_is_a_failure(monkeypatch):
    """Somebody who is gone already could not be removed."""

    def not_found(error, kind):
        return Outcome(State.FAILED, "no_such_person")

    monkeypatch.setattr(answers, "_not_found", not_found)


def a_form_sent_twice_is_two_batches(monkeypatch):
    real = placing.place

    def place(plan_id, **options):
        preview = Preview.objects.get(pk=plan_id)
        if hasattr(preview, "batch"):
            preview.pk, preview._state.adding = None, True
            preview = Preview.objects.create(
                **{
                    name: getattr(preview, name)
                    for name in ("purpose", "made_by", "made_at", "source", "wanted", "rows")
                }
            )
        return real(preview.pk, **options)

    monkeypatch.setattr("governance.changes.actions.place", place)


def no_second_question_about_rights(monkeypatch):
    """Whoever could decide it when it was placed may have it told."""
    monkeypatch.setattr(permissions, "may_change", lambda user, kinds: ALLOWED)


def refuse_a_removal_for_no_reason(monkeypatch):
    """One in four that should end is refused when its turn comes, though nothing is wrong."""
    real, turns = leasing._why_not, count()

    def why_not(change, known):
        code = real(change, known)
        if not code and change.kind in ENDING and next(turns) % 4 == 0:
            return "changed"
        return code

    monkeypatch.setattr(leasing, "_why_not", why_not)


def never_tell_a_removal_again(monkeypatch):
    """What was not done the first time is given up."""
    monkeypatch.setattr(seeing, "MOST_TELLS", 1)


MUTANTS = [
    re_send_on_time_out,
    re_send_after_a_crash,
    the_outcome_before_the_call,
    no_look_back,
    no_fencing,
    apply_and_event_in_two_transactions,
    a_404_is_a_failure,
    a_form_sent_twice_is_two_batches,
    no_second_question_about_rights,
    refuse_a_removal_for_no_reason,
    never_tell_a_removal_again,
]
