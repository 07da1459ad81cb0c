"""Search: what is called something like a text, and where one can go."""

import re

import pytest

from tests.factories import AppFactory, CollaborationFactory, PersonFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def find(client_of):
    """The titles found, by group: `find(bob, "ana")`."""

    def look(user, text="", part="found"):
        response = client_of(user).get(
            "/search/", {"q": text}, headers={"HX-Request": "true", "HX-Target": part}
        )
        assert response.status_code == 200, response.content
        html = response.content.decode()
        groups = re.split(r'<h2 class="nav-title">', html)[1:]
        return {
            group.partition("</h2>")[0]: re.findall(r"<bdi>([^<]*)</bdi>", group)
            for group in groups
        }

    return look


def test_exact_comes_before_prefix_before_substring(find, bob):
    for name in ("pre-billing", "billing-web", "billing", "other"):
        AppFactory(name=name)

    assert find(bob, "Billing")["Apps"] == ["billing", "billing-web", "pre-billing"]


def test_what_is_called_so_comes_before_what_is_not_whatever_it_is(find, bob):
    AppFactory(name="booking-web", project=ProjectFactory(name="booking"))

    assert list(find(bob, "booking")) == ["Projects", "Apps"]
    assert list(find(bob, "booki")) == ["Apps", "Projects"]


def test_people_are_found_by_user_name_and_by_address(find, bob):
    CollaborationFactory(person=PersonFactory(username="mleclerc", email="marie@acme.example"))
    CollaborationFactory(person=PersonFactory(username="", email="anne-marie@acme.example"))

    assert find(bob, "marie")["People"] == ["mleclerc", "anne-marie@acme.example"]
    assert find(bob, "mlecl")["People"] == ["mleclerc"]


def test_who_has_no_access_any_more_is_still_found(find, bob):
    CollaborationFactory(person=PersonFactory(username="gone"), ended=True)

    assert find(bob, "gone")["People"] == ["gone"]


def test_no_more_than_five_of_a_kind(find, bob):
    for number in range(7):
        AppFactory(name=f"web-{number}")

    assert find(bob, "web")["Apps"] == [f"web-{number}" for number in range(5)]


def test_only_what_somebody_may_see_is_found(find, bob, dave):
    hidden = ProjectFactory(name="secret-project")
    CollaborationFactory(
        app=AppFactory(name="secret-app", project=hidden),
        person=PersonFactory(username="secret-person"),
    )

    assert {"People", "Apps", "Projects"} <= find(bob, "secret").keys()
    assert find(dave, "secret") == {}


def test_gone_apps_are_not_found(find, bob):
    AppFactory(name="billing-old", gone=True)

    assert "Apps" not in find(bob, "billing-old")


@pytest.mark.parametrize(
    ("who", "sees"), [("bob", False), ("alice", True), ("carol", False), ("olga", False)]
)
def test_actions_are_offered_to_those_who_may(find, request, who, sees):
    user = request.getfixturevalue(who)

    assert ("Invite people" in find(user).get("Actions", [])) is sees


def test_without_a_text_it_says_where_one_can_go(find, bob):
    assert find(bob)["Pages"][:3] == ["Overview", "People", "Apps"]


def test_the_one_thing_that_is_called_so_is_where_enter_goes(client_of, bob):
    app = AppFactory(name="billing")
    AppFactory(name="billing-web")

    assert client_of(bob).get("/search/?q=billing").headers["Location"] == f"/apps/{app.pk}/"
    assert client_of(bob).get("/search/?q=billin").status_code == 200


def test_where_two_are_called_so_one_chooses(client_of, bob):
    AppFactory(name="billing")
    AppFactory(name="billing")

    assert client_of(bob).get("/search/?q=billing").status_code == 200


def test_hostile_names_and_texts_stay_text(find, client_of, bob):
    AppFactory(name="<img src=x>")

    html = client_of(bob).get("/search/?q=<img").content.decode()

    assert "<img" not in html
    assert find(bob, "nothing \0 % _ <script>") == {}


def test_it_costs_the_same_for_many(client_of, bob, django_assert_max_num_queries):
    for number in range(20):
        CollaborationFactory(app=AppFactory(name=f"web-{number}"))
    client = client_of(bob)
    client.get("/search/?q=web")

    with django_assert_max_num_queries(6):
        client.get("/search/?q=we")
