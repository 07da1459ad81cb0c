"""Who somebody is here, and what they may see."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance.accounts.models import Role, User
from governance.inventory.models import Project

_ALL, _SOME = "all", "some"


class RightsForm(forms.Form):
    """Roles and scope of somebody who signs in here."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        help_text=gettext_lazy(
            "A person may hold several. Without any they can sign in and see nothing."
        ),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    sees = forms.ChoiceField(
        label=gettext_lazy("A viewer sees"),
        help_text=gettext_lazy("Auditors, admins and operators see all apps in any case."),
        choices=[(_ALL, gettext_lazy("all apps")), (_SOME, gettext_lazy("some projects alone"))],
        initial=_ALL,
        widget=forms.RadioSelect,
    )
    projects = forms.MultipleChoiceField(
        label=gettext_lazy("These projects"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.MultipleChoiceField", self.fields["projects"])
        field.choices = [
            (str(one.pk), f"{one.name} · {one.region.name}")
            for one in Project.objects.select_related("region")
        ]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("sees") == _SOME and not found.get("projects") and not self.has_error("sees"):
            self.add_error("projects", _("Choose at least one project, or all apps."))
        return found

    @property
    def scope(self) -> list[Any] | None:
        """The ids of the projects, None for all apps. For a valid form."""
        return self.cleaned_data["projects"] if self.cleaned_data["sees"] == _SOME else None


class PersonForm(RightsForm):
    """Somebody new."""

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=254)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)

    field_order = ("email", "name", "roles", "sees", "projects")


def rights_of(user: User) -> dict[str, Any]:
    """What the form shows first."""
    return {
        "roles": list(user.roles),
        "sees": _SOME if user.scoped else _ALL,
        "projects": [str(one) for one in user.projects],
    }
