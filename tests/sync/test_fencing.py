"""What was observed before something newer is refused, however late it comes."""

import threading

import pytest
from django.db import connection, connections

from governance.inventory.models import Collaboration, Coverage, Scope, TwoFactor
from governance.sync import engine, scopes
from governance.sync.apply import apply_two_factor
from governance.sync.fencing import Fence, Fenced, next_number
from governance.sync.models import Run
from tests.sync import invariants


def enforce(fence):
    with connection.cursor() as cursor:
        fence.enforce(cursor)


def test_numbers_only_grow(company):
    assert next_number() < next_number() < next_number()


def test_of_two_observations_the_later_one_stands(company):
    scope = company.scope("collaborators")
    older = scopes.begin(scope, at=company.now)
    newer = scopes.begin(scope, at=company.now)
    enforce(newer.fence)

    with pytest.raises(Fenced):
        enforce(older.fence)
    enforce(newer.fence)  # in several batches


def test_an_observation_is_late_also_after_one_that_found_everything_as_it_was(company):
    """That one wrote nothing but its coverage."""
    scope = company.scope("collaborators")
    older = scopes.begin(scope, at=company.now)
    company.sync()

    with pytest.raises(Fenced):
        enforce(older.fence)


def test_a_late_observation_does_not_make_a_scope_older(company):
    scope = company.scope("collaborators")
    company.later(minutes=1)
    late = scopes.begin(scope, at=company.now)
    company.sync()
    until = Coverage.objects.get(scope=scope, latest=True).until

    with pytest.raises(Fenced):
        scopes.observed(late, b"another answer")
    assert Coverage.objects.get(scope=scope, latest=True).until == until


def test_a_late_observation_says_nothing_of_2fa(company):
    scope = company.scope("collaborators")
    late = scopes.begin(scope, at=company.now)
    company.sync()
    fred = company.world.account("fred@acme.example").id

    with pytest.raises(Fenced):
        apply_two_factor({fred: TwoFactor.OFF}, at=late.at, fence=late.fence)
    assert company.person("fred@acme.example").two_factor == "on"


def test_what_was_read_of_2fa_before_something_later_is_left_out(company):
    company.world.set_two_factor("olivia@acme.example", False)
    before = company.now
    company.sync()
    olivia = company.world.account("olivia@acme.example").id

    assert apply_two_factor({olivia: TwoFactor.ON}, at=before) == 0
    assert company.person("olivia@acme.example").two_factor == "off"


class Paused:
    """A worker that stops, after an answer came and before it is written, while another works.

    As with SIGSTOP: its lock is gone when it goes on, and it does not know.
    """

    def __init__(self, company, path, meanwhile):
        self.company, self.path, self.meanwhile = company, path, meanwhile
        company.on_answer.append(self)

    def __call__(self, request, _response):
        if not request.url.path.endswith(self.path):
            return
        self.company.on_answer.remove(self)
        thread = threading.Thread(target=self._take_over)
        thread.start()
        thread.join()

    def _take_over(self):
        try:
            self.meanwhile()
            self.company.later(minutes=30)
            run = Run.objects.get(state=Run.State.RUNNING)
            run.attempts += 1
            run.save()
            self.outcome = engine.carry_out(
                run, client_for=self.company.clients, clock=lambda: self.company.now, threads=1
            )
        finally:
            connections.close_all()


@pytest.mark.parametrize(
    "path", ["/osc-fr1/v1/collaborators", "/osc-fr1/v1/apps", "/osc-fr1/v1/databases"]
)
def test_a_paused_worker_brings_nobody_back(company, path):
    """It read that somebody is there, paused, and they left; the other worker saw it."""
    company.world.add_member("billing-web", "oscar@other.example")
    paused = Paused(
        company, path, lambda: company.world.remove("billing-web", "oscar@other.example")
    )
    company.sync()

    assert paused.outcome.state == "complete"
    assert company.known() == company.truth()
    invariants.check(company)
    company.sync()
    invariants.converged(company)


@pytest.mark.parametrize(
    "path", ["/osc-fr1/v1/collaborators", "/osc-fr1/v1/apps", "/osc-fr1/v1/databases"]
)
def test_a_paused_worker_ends_nobody_who_came_back(company, path):
    company.world.remove("billing-web", "lim@acme.example")
    Paused(
        company,
        path,
        lambda: (
            company.world.add_member("billing-web", "lim@acme.example"),
            company.world.change_role("billing-api", "lim@acme.example", limited=False),
            company.world.rename_app("billing-web", "billing-front"),
            company.world.set_two_factor("fred@acme.example", False),
        ),
    )
    company.sync()

    assert company.known() == company.truth()
    assert company.person("fred@acme.example").two_factor == "off"
    invariants.check(company)
    company.sync()
    invariants.converged(company)


def test_what_a_paused_worker_was_refused_is_said_on_its_step(company):
    company.world.add_member("billing-web", "oscar@other.example")
    Paused(
        company,
        "/osc-fr1/v1/collaborators",
        lambda: company.world.remove("billing-web", "oscar@other.example"),
    )
    company.sync()

    assert "too_late" in company.reasons()
    assert not Collaboration.objects.filter(
        app__name="billing-web", person__email="oscar@other.example"
    ).exists()


def test_the_database_refuses_two_open_rows_of_one_collaboration(company):
    from django.db import IntegrityError

    one = company.period("billing-api", "lim@acme.example")
    one.pk = None
    with pytest.raises(IntegrityError):
        one.save()


def test_a_fence_of_another_scope_does_not_matter(company):
    paris, secnum = company.scope("collaborators"), company.scope("collaborators", "osc-secnum-fr1")
    enforce(Fence(paris.pk, next_number(), company.now))
    enforce(Fence(secnum.pk, Scope.objects.get(pk=secnum.pk).applied, company.now))
