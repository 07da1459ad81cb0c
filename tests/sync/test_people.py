"""Who somebody is: by their account, or by the invited address until somebody accepts."""

from governance.inventory.models import Collaboration, Identity, Person


def identities(person):
    return {(one.kind, one.value, one.ended_at is None) for one in person.identities.all()}


def test_accepting_makes_the_collaboration_that_of_the_account(company):
    invited = company.person("waiting@new.example")
    company.world.accept("billing-api", "waiting@new.example")

    company.sync()

    account = company.world.account("waiting@new.example")
    here = company.period_of_now("billing-api", "waiting@new.example")
    assert here.person_id != invited.pk
    assert ("user_id", account.id, True) in identities(here.person)
    assert here.status == "accepted"


def test_the_invited_address_leads_to_the_account_that_accepted(company):
    invited = company.person("waiting@new.example")
    company.world.accept("billing-api", "waiting@new.example")
    company.sync()

    invited.refresh_from_db()
    assert invited.merged_into == company.person("waiting@new.example")
    assert ("email", "waiting@new.example", False) in identities(invited)


def test_an_invitation_accepted_with_another_account_goes_to_that_account(company):
    fred = company.person("fred@acme.example")
    company.world.invite("vault-api", "someone@acme.example")
    company.sync()
    invited = company.person("someone@acme.example")
    company.world.accept("vault-api", "someone@acme.example", account="lim@acme.example")
    company.sync()

    invited.refresh_from_db()
    assert invited.merged_into == company.person("lim@acme.example")
    assert company.known() == company.truth()
    assert company.person("fred@acme.example") == fred


def test_an_address_invited_to_two_apps_stays_somebody_until_both_are_answered(company):
    company.world.invite("vault-api", "waiting@new.example")
    company.sync()
    invited = company.person("waiting@new.example")
    company.world.accept("vault-api", "waiting@new.example")
    company.sync()

    invited.refresh_from_db()
    assert invited.merged_into is None
    assert company.period_of("vault-api", invited).ended_at is not None
    assert company.period_of("billing-api", invited).ended_at is None

    company.world.accept("billing-api", "waiting@new.example")
    company.sync()
    invited.refresh_from_db()
    assert invited.merged_into is not None


def test_nobody_is_merged_because_two_addresses_are_alike(company):
    """An account, and an invitation to its address that nobody has answered, stay two."""
    company.world.invite("vault-api", "lim@acme.example")
    company.sync()

    assert Person.objects.filter(email="lim@acme.example", merged_into=None).count() == 2
    assert company.known() == company.truth()


def test_an_account_that_changes_its_address_stays_the_same_person(company):
    lim = company.person("lim@acme.example")
    company.world.change_email("lim@acme.example", "lim@new.example")

    company.sync()

    lim.refresh_from_db()
    assert lim.email == "lim@new.example"
    assert {("contact", "lim@acme.example", False), ("contact", "lim@new.example", True)} <= (
        identities(lim)
    )
    assert company.known() == company.truth()
    assert Collaboration.objects.filter(person=lim, ended_at=None).count() == 2
    assert not Collaboration.objects.filter(person=lim).exclude(ended_at=None).exists()


def test_an_account_that_changes_its_name_stays_the_same_person(company):
    lim = company.person("lim@acme.example")
    company.world.change_username("lim@acme.example", "lim-the-second")
    company.sync()

    lim.refresh_from_db()
    assert lim.username == "lim-the-second"
    assert ("username", "lim", False) in identities(lim)


def test_an_invited_address_in_another_case_is_the_same_person(company):
    company.world.invite("vault-api", "Waiting@NEW.example")

    company.sync()

    (waiting,) = Person.objects.filter(email__iexact="waiting@new.example")
    assert Collaboration.objects.filter(person=waiting, ended_at=None).count() == 2


def test_two_accounts_of_one_address_in_turn_are_two_people(company):
    """Somebody leaves; later another account is opened with the freed address."""
    old = company.person("lim@acme.example")
    company.world.change_email("lim@acme.example", "gone@acme.example")
    company.sync()
    company.world.add_account("lim@acme.example", username="lim-two")
    company.world.add_member("vault-api", "lim-two", limited=False)
    company.sync()

    new = company.person("lim@acme.example")
    assert new != old
    assert company.known() == company.truth()


def test_a_row_that_leaves_its_account_out_keeps_who_it_was(company):
    """A missing optional field must not make another person of somebody we know."""
    lim = company.person("lim@acme.example")
    before = Person.objects.count()
    for path in ("/v1/collaborators", "/v1/apps/*/collaborators"):
        company.spoil("drop", path=path, m_field="user_id", times=None)
    company.sync()

    assert company.period_of_now("billing-api", "lim@acme.example").person == lim
    assert Person.objects.count() == before
    company.world.faults.clear()
    company.sync()
    assert company.known() == company.truth()
    assert len(company.periods("billing-api", "lim@acme.example")) == 1


def test_an_owner_is_a_person_with_a_row_of_their_own(company):
    owner = Collaboration.objects.get(app__name="other-api", role="owner")

    assert owner.collaborator_id == "owner"
    assert owner.person.email == "oscar@other.example"
    assert Identity.objects.filter(
        person=owner.person,
        kind="user_id",
        value=company.world.account("oscar@other.example").id,
    ).exists()


def test_a_withdrawn_invitation_leaves_its_address_without_access(company):
    waiting = company.person("waiting@new.example")
    company.world.remove("billing-api", "waiting@new.example")
    company.sync()

    assert waiting not in Person.objects.with_access()
    waiting.refresh_from_db()
    assert waiting.merged_into is None
