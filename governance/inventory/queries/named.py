"""What is called something like a text: the best few people, apps and projects.

Who is called exactly so comes first, then who begins so, then who holds it somewhere; by name
within each. Gone apps are left out; people are found whether or not they have access now.
"""

from typing import TYPE_CHECKING, Any

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.db.models.functions import Lower

from governance.inventory.models import App, Person, Project
from governance.inventory.queries.people import matching
from governance.inventory.words import PERSON_NAME, Pieces, containing

if TYPE_CHECKING:
    from governance.accounts.models import User

FEW = 5


def people_named(user: "User", text: str) -> list[Person]:
    """By user name or address; what is before the @ counts as the whole of an address."""
    text = text.lower()
    found = matching(Person.objects.visible_to(user).filter(merged_into=None), text).alias(
        user_name=Lower("username"), address=Lower("email"), sort_name=PERSON_NAME
    )
    exact = Q(user_name=text) | Q(address=text) | Q(address__startswith=f"{text}@")
    prefix = Q(user_name__startswith=text) | Q(address__startswith=text)
    return _best(found, exact, prefix, "sort_name")


def apps_named(user: "User", text: str) -> list[App]:
    """Apps that are there now, with their project and region."""
    text = text.lower()
    found = (
        App.objects.visible_to(user)
        .listed()
        .alias(text=Lower("name"), pieces=Pieces(F("name")))
        .filter(containing(text))
        .select_related("project", "region")
    )
    return _best(found, Q(text=text), Q(text__startswith=text), "text")


def projects_named(user: "User", text: str) -> list[Project]:
    """Projects that have an app which `user` may see."""
    text = text.lower()
    seen = App.objects.visible_to(user).listed().filter(project__isnull=False)
    found = (
        Project.objects.filter(pk__in=seen.values("project"))
        .alias(text=Lower("name", output_field=CharField()))
        .filter(text__contains=text)
        .select_related("region")
    )
    return _best(found, Q(text=text), Q(text__startswith=text), "text")


def _best(found: "QuerySet[Any]", exact: Q, prefix: Q, name: str) -> list[Any]:
    rank = Case(When(exact, then=Value(0)), When(prefix, then=Value(1)), default=Value(2))
    return list(found.order_by(rank, name, "pk")[:FEW])
