"""A small company: two projects, an owner, and people of each kind."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.factories import (
    AppFactory,
    CollaborationFactory,
    PersonFactory,
    ProjectFactory,
    ScopeFactory,
)


@dataclass
class Company:
    """Names of the rows that the tests speak of."""

    billing: Any
    shop: Any
    api: Any  # of billing: owner, ana (full), ben (limited), an invited address
    web: Any  # of billing: owner, ana (limited)
    index: Any  # of shop: owner, ben (full)
    empty: Any  # of shop: its owner alone
    owner: Any
    ana: Any
    ben: Any
    invited: Any


@pytest.fixture
def company(db):
    scope = ScopeFactory()
    billing, shop = ProjectFactory(name="billing"), ProjectFactory(name="shop")
    api = AppFactory(name="billing-api", project=billing, scope=scope)
    web = AppFactory(name="billing-web", project=billing, scope=scope)
    index = AppFactory(name="shop-index", project=shop, scope=scope)
    empty = AppFactory(name="shop-old", project=shop, scope=scope)
    owner = PersonFactory(username="platform", email="platform@example.com")
    ana = PersonFactory(username="ana", email="ana.lopez@example.com", two_factor="off")
    ben = PersonFactory(username="ben", email="ben@agency.test")
    invited = PersonFactory(username="", email="carl@example.com", two_factor="unknown")
    for app in (api, web, index, empty):
        CollaborationFactory(app=app, person=owner, owner=True)
    CollaborationFactory(app=api, person=ana, role="collaborator")
    CollaborationFactory(app=api, person=ben, role="limited")
    CollaborationFactory(app=api, person=invited, role="limited", pending=True)
    CollaborationFactory(app=web, person=ana, role="limited")
    CollaborationFactory(app=index, person=ben, role="collaborator")
    return Company(billing, shop, api, web, index, empty, owner, ana, ben, invited)


@pytest.fixture
def of_billing(dave, company):
    """Dave, who sees the project billing alone."""
    dave.projects = [company.billing.pk]
    dave.save()
    return dave
