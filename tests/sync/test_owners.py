"""Owners, whom Scalingo never lists among the collaborators: rows of ours, from the apps."""

from governance.inventory.models import Attribution, Collaboration


def owner_rows(company, app):
    found = Collaboration.objects.filter(app__name=app, collaborator_id="owner")
    return [(row.person.email, row.ended_at is None) for row in found.order_by("started_at", "id")]


def test_each_app_has_one_owner_with_a_row(company):
    assert owner_rows(company, "billing-api") == [("olivia@acme.example", True)]
    assert owner_rows(company, "other-api") == [("oscar@other.example", True)]
    assert company.app("billing-api").owner.email == "olivia@acme.example"


def test_an_app_given_to_an_account_that_we_do_not_hold_is_kept_and_read_singly(company):
    company.world.transfer_app("billing-web", "fred@acme.example")

    company.sync()

    assert owner_rows(company, "billing-web") == [
        ("olivia@acme.example", False),
        ("fred@acme.example", True),
    ]
    assert company.known() == company.truth()
    assert company.app("billing-web").owner.email == "fred@acme.example"
    vault = company.scope("app", app=company.app("billing-web").scalingo_id)
    assert (vault.stale_since, vault.retired_at) == (None, None)


def test_given_away_and_back_it_is_owned_again(company):
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()
    company.world.transfer_app("billing-web", "olivia@acme.example")
    company.sync()

    assert owner_rows(company, "billing-web")[-1] == ("olivia@acme.example", True)
    assert len(owner_rows(company, "billing-web")) == 3
    assert company.known() == company.truth()
    assert company.app("billing-web").scope.kind == "collaborators"
    company.sync()
    assert company.known() == company.truth()
    assert company.run.state == "complete"


def test_given_away_and_back_between_two_syncs_nothing_happened_to_the_owner(company):
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.world.transfer_app("billing-web", "olivia@acme.example")
    company.sync()

    assert owner_rows(company, "billing-web") == [("olivia@acme.example", True)]
    assert company.known() == company.truth()


def test_another_owner_is_another_membership(company):
    read = company.now
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()

    now = Collaboration.objects.get(app__name="billing-web", collaborator_id="owner", ended_at=None)
    assert (now.since_after, now.since_at) == (read, company.now)


def test_who_gave_an_app_away_is_named_and_so_are_the_places_that_changed_with_it(company):
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()

    edges = {
        (one.edge, one.collaboration.role, one.collaboration.person.email): one
        for one in Attribution.objects.all()
    }
    assert set(edges) == {
        ("start", "owner", "fred@acme.example"),
        ("end", "collaborator", "fred@acme.example"),
        ("start", "collaborator", "olivia@acme.example"),
    }
    assert {one.source for one in edges.values()} == {"event"}
    assert {one.actor.email for one in edges.values()} == {"olivia@acme.example"}


def test_an_app_given_away_while_nobody_can_read_keeps_its_owner_until_it_is_read(company):
    company.fault(path="/v1/apps", status=500, times=None)
    company.world.transfer_app("billing-web", "fred@acme.example")
    company.sync()

    assert owner_rows(company, "billing-web") == [("olivia@acme.example", True)]
    company.world.faults.clear()
    for _ in range(3):
        company.sync()
    assert owner_rows(company, "billing-web")[-1] == ("fred@acme.example", True)
    assert company.known() == company.truth()


def test_an_app_of_which_a_transfer_takes_everybody_is_not_emptied_by_it(company):
    """Vault has fred alone; made its owner, he is no collaborator any more, and olivia is."""
    company.world.transfer_app("vault-api", "fred@acme.example")
    company.sync()

    assert company.known() == company.truth()
    assert owner_rows(company, "vault-api")[-1] == ("fred@acme.example", True)
