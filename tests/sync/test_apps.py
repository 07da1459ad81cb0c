"""Apps and dedicated databases: their names, projects and kinds, and who decides on them."""

import pytest

from governance.inventory.models import App, AppPeriod, Collaboration, Project, Scope
from tests.sync.company import PARIS


def names(app):
    found = AppPeriod.objects.filter(app=app).order_by("started_at")
    return [(one.name, one.started_after, one.started_at, one.ended_at) for one in found]


# --- names, projects -----------------------------------------------------------------------------


def test_a_renamed_app_stays_the_same_app(company):
    app, first = company.app("billing-web"), company.now
    company.world.rename_app("billing-web", "billing-front")

    company.sync()

    assert company.app("billing-front").pk == app.pk
    assert App.objects.count() == 4
    assert names(app) == [
        ("billing-web", None, first, company.now),
        ("billing-front", first, company.now, None),
    ]
    assert company.events() == ["platform.app_renamed"]
    assert company.known() == company.truth()


def test_an_app_renamed_between_the_list_and_its_people_is_no_second_app(company):
    company.fault(
        path="/v1/collaborators",
        region=PARIS,
        acts=[{"act": "rename_app", "app": "billing-web", "name": "billing-front"}],
    )
    company.sync()
    company.sync()

    assert App.objects.count() == 4
    assert company.known() == company.truth()


def test_an_app_moved_to_another_project_keeps_its_people(company):
    company.world.add_project("payments", owner="olivia@acme.example", region=PARIS)
    company.world.move_app("billing-web", "payments")
    company.sync()

    assert company.app("billing-web").project.name == "payments"
    assert company.events() == ["platform.app_moved"]
    assert [one.project.name for one in AppPeriod.objects.filter(app__name="billing-web")] == [
        "billing",
        "payments",
    ]


def test_a_renamed_project_is_the_same_project(company):
    project = Project.objects.get(name="billing")
    company.world.rename_project("billing", "invoicing")
    company.sync()

    project.refresh_from_db()
    assert project.name == "invoicing"


def test_a_new_app_is_listed_with_its_people(company):
    company.later(minutes=1)
    company.create_app("ledger")
    company.world.add_member("ledger", "fred@acme.example", limited=False)
    company.sync()

    assert company.app("ledger").first_seen_at == company.now
    assert company.known() == company.truth()


def test_a_review_app_is_marked_with_its_parent_and_has_its_people(company):
    company.world.create_app(
        "billing-api-pr1", owner="olivia@acme.example", region=PARIS, parent="billing-api"
    )
    company.sync()

    assert company.app("billing-api-pr1").is_review_app
    assert company.app("billing-api-pr1").parent_name == "billing-api"
    assert company.known() == company.truth()


def test_review_apps_that_the_list_of_all_leaves_out_still_have_people(company):
    company.world.switch(review_apps_in_collaborators=False)
    company.world.create_app(
        "billing-api-pr1", owner="olivia@acme.example", region=PARIS, parent="billing-api"
    )
    for _ in range(3):
        company.sync()

    assert company.known() == company.truth()


def test_an_app_that_lists_no_project_keeps_the_one_it_had(company):
    company.spoil("drop", path="/v1/apps", m_field="project", times=None)
    company.sync()

    assert company.app("billing-web").project.name == "billing"


# --- dedicated databases -------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("in_apps", [False, True])
@pytest.mark.parametrize("in_collaborators", [False, True])
def test_a_dedicated_database_has_people_like_an_app(company, nested, in_apps, in_collaborators):
    company.world.switch(
        databases_nested=nested,
        databases_in_apps=in_apps,
        databases_in_collaborators=in_collaborators,
    )
    company.world.create_database("ledger-db", owner="olivia@acme.example", region=PARIS)
    company.world.add_member("ledger-db", "fred@acme.example", limited=False)
    for _ in range(3):
        company.sync()

    assert company.app("ledger-db").kind == "database"
    assert company.known() == company.truth()
    assert company.run.state == "complete", company.problems()
    company.world.remove("ledger-db", "fred@acme.example")
    company.sync()
    company.sync()
    assert company.known() == company.truth()


def test_a_database_whose_owner_no_list_tells_is_ours_if_the_list_of_all_has_it(company):
    company.world.create_database("ledger-db", owner="olivia@acme.example", region=PARIS)
    company.world.add_member("ledger-db", "fred@acme.example", limited=False)
    company.sync()
    company.sync()

    assert company.app("ledger-db").owner.email == "olivia@acme.example"
    assert company.app("ledger-db").scope.kind == "collaborators"


def test_a_database_of_another_owner_is_read_by_itself(company):
    company.world.create_database("their-db", owner="oscar@other.example", region=PARIS)
    company.world.add_member("their-db", "olivia@acme.example", limited=False)
    company.world.add_member("their-db", "fred@acme.example", limited=False)
    company.sync()

    assert company.known() == company.truth()
    assert company.app("their-db").scope.kind == "app"


def test_while_databases_cannot_be_listed_their_people_are_still_read(company):
    company.world.create_database("their-db", owner="oscar@other.example", region=PARIS)
    company.world.add_member("their-db", "olivia@acme.example", limited=False)
    company.sync()
    company.fault(path="/v1/databases", status=500, times=None)
    company.world.add_member("their-db", "fred@acme.example", limited=False)
    company.sync()

    assert company.known() == company.truth()
    assert company.app("their-db").suspect_since is None
    assert company.scope("app", app=company.app("their-db").scalingo_id).retired_at is None


# --- who decides ---------------------------------------------------------------------------------


def test_an_app_seen_by_two_connections_is_one_app(company):
    oscar = company.connect("oscar@other.example")
    company.sync()

    assert App.objects.filter(name="other-api").count() == 1
    assert company.app("other-api").authority_id == oscar.pk
    assert company.known() == company.truth()
    assert company.run.state == "complete"


def test_the_owners_connection_becomes_the_authority_and_its_reading_the_freshness(company):
    company.connect("oscar@other.example")
    company.sync()
    company.sync()

    scope = company.app("other-api").scope
    assert scope.kind == "collaborators"
    assert scope.coverage.get(latest=True).until == company.now
    assert company.run.coverage == {"expected": 4, "read": 4, "failed": 0}


def test_only_the_authority_ends_anything(company):
    """Oscar's list, of his own app, decides; olivia's view of it does not."""
    company.connect("oscar@other.example")
    company.world.add_member("other-api", "fred@acme.example", limited=False)
    company.sync()
    company.fault(path="/v1/collaborators", account="oscar@other.example", status=500, times=None)
    company.world.remove("other-api", "fred@acme.example")
    company.sync()
    company.sync()
    assert company.period("other-api", "fred@acme.example").ended_at is None

    company.world.faults.clear()
    company.sync()
    assert company.period("other-api", "fred@acme.example").ended_at is not None


def test_when_the_owners_connection_is_paused_another_that_sees_the_app_takes_over(company):
    oscar = company.connect("oscar@other.example")
    company.sync()
    oscar.paused_at = company.now
    oscar.save()
    company.world.add_member("other-api", "fred@acme.example", limited=False)
    company.sync()

    assert company.app("other-api").authority_id == company.olivia.pk
    assert company.known() == company.truth()
    assert company.app("other-api").scope.kind == "app"

    oscar.paused_at = None
    oscar.save()
    company.world.remove("other-api", "fred@acme.example")
    company.sync()
    assert company.app("other-api").authority_id == oscar.pk
    assert company.known() == company.truth()


def test_when_the_authority_no_longer_sees_an_app_another_that_does_takes_over(company):
    """Two collaborators are connected, the owner is not; the first one is removed."""
    company.world.add_member("other-api", "fred@acme.example", limited=False)
    fred = company.connect("fred@acme.example")
    company.sync()
    assert company.app("other-api").authority_id == company.olivia.pk

    company.world.remove("other-api", "olivia@acme.example")
    company.world.invite("other-api", "new@acme.example")
    for _ in range(3):
        company.sync()

    other = company.app("other-api")
    assert (other.authority_id, other.suspect_since) == (fred.pk, None)
    assert company.known() == company.truth()


def test_an_app_that_nobody_of_us_sees_any_more_is_not_said_to_be_read(company):
    company.world.remove("other-api", "olivia@acme.example")
    company.sync()

    assert company.app("other-api").suspect_since is not None
    assert company.run.coverage == {"expected": 4, "read": 3, "failed": 1}
    assert "not_listed" in company.reasons()
    assert Collaboration.objects.open().filter(app__name="other-api").count() == 2
    other = company.scope("app", app=company.app("other-api").scalingo_id)
    assert other.retired_at is not None


def test_a_region_that_is_no_longer_named_goes_stale_with_words(company):
    company.spoil("drop_rows", path="/v1/regions", m_where={"name": "osc-secnum-fr1"})
    company.sync()

    assert company.reasons() == {"region_not_listed"}
    stale = Scope.objects.filter(region__name="osc-secnum-fr1").values_list("stale_reason")
    assert set(stale) == {("region_not_listed",)}
    assert company.known() == company.truth()
    company.sync()
    assert company.run.state == "complete"


def test_a_new_region_is_read_as_soon_as_it_is_named(company):
    company.world.add_region("osc-new-1", "New")
    for account in company.world.accounts.values():
        account.regions = tuple(company.world.regions)
    company.create_app("faraway", region="osc-new-1")
    company.world.add_member("faraway", "fred@acme.example")
    company.sync()

    assert company.known() == company.truth()


def test_two_regions_may_have_apps_of_one_name(company):
    company.create_app("billing-api", region="osc-secnum-fr1")
    company.sync()

    assert App.objects.filter(name="billing-api").count() == 2
