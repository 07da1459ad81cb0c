"""Invite: put these people on these apps, after a look at what will happen."""

import re
from html import unescape

import pytest
from django.utils import timezone

from governance.changes.models import Batch, Change, Preview
from governance.inventory.models import App, Collaboration, Person
from tests.factories import CollaborationFactory, ConnectionFactory, IdentityFactory, PersonFactory

pytestmark = pytest.mark.django_db
REASON = "Ticket 4711"


@pytest.fixture(autouse=True)
def _can_be_told(company, sent):
    """Each app was read, and belongs to the account of a connection."""
    connection = ConnectionFactory()
    IdentityFactory(person=company.owner, value=connection.account_id)
    App.objects.update(digest=b"d" * 32)


@pytest.fixture
def browser(client_of, alice):
    return client_of(alice)


def text(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(html):
    """The rows of the first table as text, without its head."""
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.S)[1]
    return [text(row) for row in re.findall(r"<tr.*?</tr>", body, re.S)]


@pytest.fixture
def ask(browser):
    def post(status=303, **data):
        response = browser.post("/invite/", data)
        assert response.status_code == status, text(response.text)
        return response

    return post


@pytest.fixture
def preview(browser, ask):
    """The page of the plan for these people and apps, and its address."""

    def planned(people, *apps, **data):
        address = ask(people=people, app=[app.pk for app in apps], **data)["Location"]
        return browser.get(address).text, address

    return planned


def test_from_paste_to_progress(browser, preview, company):
    html, address = preview("new@example.com, Zoe <zoe@example.com>", company.api, company.web)
    assert "Send 4 invitations" in html

    answer = browser.post(address, {"reason": REASON})

    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/changes/{batch.pk}/")
    assert {(change.email, change.app, change.role) for change in batch.changes.all()} == {
        (email, app, "limited")
        for email in ("new@example.com", "zoe@example.com")
        for app in (company.api, company.web)
    }
    page = browser.get(answer["Location"]).text
    assert len(rows(page)) == 4
    assert all("Waiting" in row for row in rows(page))
    assert REASON in page
