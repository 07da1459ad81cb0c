"""Select all: of those that are shown, or of all that match, and it says which."""

import re
from html import unescape

import pytest

from governance.dashboard import matching, people
from tests.factories import AppFactory, CollaborationFactory, PersonFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(acting):
    """Sixty more people on billing-api, of whom ten have 2FA off."""
    for number in range(60):
        person = PersonFactory(
            username=f"crowd-{number:02}",
            email=f"crowd-{number:02}@example.com",
            two_factor="off" if number < 10 else "on",
        )
        CollaborationFactory(app=acting.api, person=person, role="limited")
    return acting


@pytest.fixture
def see(client_of, alice):
    def look(address, status=200):
        response = client_of(alice).get(address, follow=True)
        assert response.status_code == status
        return response.content.decode()

    return look


def bare(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def addresses_in(html):
    """What the form of people and apps is filled in with."""
    filled = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.S)[1]
    return unescape(filled).split()


def where_to(html, verb):
    """The address that a button of all that match leads to, as a browser makes it."""
    form = re.search(r'<form class="selection".*?</form>', html, re.S)[0]
    action = re.search(rf'formaction="([^"]+/matching/{verb}/)"', form)[1]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return f"{action}?" + "&".join(f"{name}={unescape(value)}" for name, value in fields)


def test_it_says_how_many_are_shown_and_how_many_match(see, crowd):
    shown = bare(see("/people/"))

    assert "Select all 50 shown" in shown
    assert "Select all 64 that match" in shown


def test_where_all_are_shown_there_are_no_others_to_select(see, crowd):
    shown = bare(see("/people/?two-factor=off"))

    assert "Select all 11 shown" in shown
    assert "that match" not in shown


def test_all_that_match_are_selected_without_a_script_and_led_on(see, crowd):
    link = re.search(r'href="([^"]*select=all[^"]*)"', see("/people/?role=limited"))[1]
    html = see(f"/people/{unescape(link)}")

    assert "All 63 that match are selected." in bare(html)
    assert html.count("checked disabled") == 50
    for verb, title in (("invite", "Invite"), ("roles", "Change roles"), ("removals", "Remove")):
        asked = see(where_to(html, verb))
        assert title in asked
        assert len(addresses_in(asked)) == 63
        assert "ben@agency.test" in addresses_in(asked)


def test_those_that_the_filters_leave_out_are_left_out(see, crowd):
    found = addresses_in(see("/people/matching/removals/?two-factor=off&q=crowd"))

    assert found == [f"crowd-{number:02}@example.com" for number in range(10)]


def test_a_search_or_another_filter_selects_nothing(see, crowd):
    html = see("/people/?role=limited&select=all")

    remove = re.search(r'class="chip">.*?href="([^"]+)"', html, re.S)[1]
    assert "select" not in remove


def test_a_filter_that_is_not_known_selects_nobody(see, crowd):
    """Without it everybody would be meant."""
    html = see("/people/matching/removals/?app=no-such-app")

    assert "<textarea" not in html
    assert "App: “no-such-app” is not known" in bare(html)


def test_more_than_a_plan_takes_are_not_selected_and_the_number_is_said(see, crowd, monkeypatch):
    monkeypatch.setattr(people, "MOST_ROWS", 55)
    monkeypatch.setattr(matching, "MOST_PEOPLE", 55)

    assert "64 match; a plan takes 55." in bare(see("/people/"))
    assert "checked disabled" not in see("/people/?select=all")
    assert "More than 55 match" in bare(see("/people/matching/invite/"))


def test_all_apps_that_match_are_led_on_too(see, acting):
    many = ProjectFactory(name="many")
    for number in range(30):
        CollaborationFactory(app=AppFactory(name=f"many-{number:02}", project=many))

    html = see("/apps/?q=many&select=all")
    asked = see(where_to(html, "invite"))

    assert "Select all 25 shown" in bare(see("/apps/?q=many"))
    assert "All 30 that match are selected." in bare(html)
    assert len(re.findall(r'name="app" value="[^"]+" checked', asked)) == 30


def test_what_may_not_be_seen_is_never_selected(client_of, make_user, crowd):
    """Of an admin who sees everything that is so by itself; a viewer may not ask at all."""
    scoped = make_user("erin", "viewer", scoped=True, projects=[crowd.shop.pk])

    assert client_of(scoped).get("/people/matching/invite/").status_code == 403


def test_rows_of_one_app_say_how_many_can_be_selected(see, acting):
    """The owner cannot be."""
    assert "Select all 3 shown" in bare(see(f"/apps/{acting.api.pk}/"))
    assert "Select all 2 shown" in bare(see(f"/people/{acting.ana.pk}/"))
