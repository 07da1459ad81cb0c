"""The form with which admins say what an app is for or who a person is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from governance.accounts.models import User
from governance.facts import permissions
from governance.facts.actions import AlreadyDescribed, NothingNew


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a form: kept, or shown again with a status."""

    status: int = 200
    kept: bool = False


def answer(
    request: HttpRequest, form: forms.Form, describe: Callable[[dict[str, Any]], object], said: str
) -> Answer:
    """Let `describe` keep what a valid form says. `said` is what the person is told then.

    Raises `Refused` for those who may not describe. The second of two who write at once is told
    who was first, with 409.
    """
    if request.method != "POST":
        return Answer()
    # Before what was typed: whoever may not describe is told so, not what is wrong with the form.
    permissions.may_describe(cast(User, request.user)).enforce()
    if not form.is_valid():
        return Answer(status=422)
    try:
        describe(form.cleaned_data)
    except AlreadyDescribed as error:
        messages.warning(request, str(error))
        return Answer(status=409)
    except NothingNew as error:
        messages.info(request, str(error))
    else:
        messages.success(request, said)
    return Answer(kept=True)
