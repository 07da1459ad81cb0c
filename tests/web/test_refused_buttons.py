"""A button that somebody may not use is there, disabled, with the reason beside it."""

import re

import pytest

pytestmark = pytest.mark.django_db
INVITE, OFFBOARD = "Only admins can change who has access.", "Only admins can remove people."


@pytest.fixture
def head(client_of, acting):
    """The head of a page: what stands before its filters."""

    def look(user, address):
        html = client_of(user).get(address).content.decode()
        return html[html.index("<h1") : html.index('<form class="filters"')]

    return look


@pytest.fixture
def pages(acting):
    """The address of each page, the word on its button and why it may not be used."""
    return [
        ("/people/", "Invite", INVITE),
        (f"/apps/{acting.api.pk}/", "Invite", INVITE),
        (f"/people/{acting.ana.pk}/", "Offboard", OFFBOARD),
    ]


@pytest.mark.parametrize("who", ["bob", "carol", "olga"])
def test_it_is_disabled_and_says_why(head, pages, request, who):
    for address, word, reason in pages:
        shown = head(request.getfixturevalue(who), address)

        button = re.search(rf"<button[^>]*>(?:(?!</button>).)*{word}</button>", shown, re.S)[0]
        assert 'disabled aria-describedby="why-not"' in button
        assert f'id="why-not">{reason}<' in shown
        assert "<a " not in shown[shown.index(button) :].split("</span>")[0]


def test_whoever_may_use_it_gets_no_reason(head, pages, alice):
    for address, word, _reason in pages:
        shown = head(alice, address)

        assert word in shown
        assert "disabled" not in shown
        assert "why-not" not in shown


def test_in_the_past_there_is_nothing_to_do(head, pages, bob, alice):
    for address, _word, _reason in pages:
        for user in (bob, alice):
            assert "why-not" not in head(user, f"{address}?at=2026-03-14")


def test_rows_have_no_buttons_that_may_not_be_used(client_of, acting, bob):
    html = client_of(bob).get(f"/apps/{acting.api.pk}/").content.decode()

    assert 'class="ghost" name="one"' not in html
