import re
from html import unescape

import pytest

from governance.inventory.models import App
from tests.company import company, of_billing
from tests.factories import ConnectionFactory, IdentityFactory

__all__ = ["company", "of_billing"]


@pytest.fixture
def acting(company, sent):
    """The company where each app was read and belongs to the account of a connection.

    Whoever may act can then change who is on them.
    """
    connection = ConnectionFactory()
    IdentityFactory(person=company.owner, value=connection.account_id)
    App.objects.update(digest=b"d" * 32)
    return company


@pytest.fixture
def text():
    """The words of a piece of a page: `text(html)`."""

    def words(html):
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())

    return words


@pytest.fixture
def rows(text):
    """The rows of the first table of a page as text, without its head: `rows(html)`."""

    def found(html):
        body = re.search(r"<tbody>(.*?)</tbody>", html, re.S)
        return [text(row) for row in re.findall(r"<tr.*?</tr>", body[1], re.S)] if body else []

    return found
