"""The table of roles in the product's own words."""

import pytest

from governance.accounts import permissions
from governance.accounts.models import Role, User
from governance.core.verdict import Refused

#                              nobody  viewer auditor admin operator
TABLE = {
    "may_enter":                (False, True,  True,  True,  True),
    "may_browse":               (False, True,  True,  True,  True),
    "may_export":               (False, False, True,  True,  False),
    "may_change_access":        (False, False, False, True,  False),
    "may_remove":               (False, False, False, True,  False),
    "may_set_policies":         (False, False, False, True,  False),
    "may_manage_connections":   (False, False, False, False, True),
    "may_manage_users":         (False, False, False, False, True),
    "may_see_users":            (False, False, True,  True,  True),
    "may_start_sync":           (False, False, False, True,  True),
    "may_decide_held_removals": (False, False, False, True,  True),
}  # fmt: skip
HOLDING = ([], *([role] for role in Role.values))


@pytest.mark.parametrize("question", TABLE)
def test_each_role_may_what_the_table_says(question):
    ask = getattr(permissions, question)

    answers = tuple(bool(ask(User(roles=roles))) for roles in HOLDING)

    assert answers == TABLE[question]


@pytest.mark.parametrize("question", TABLE)
def test_several_roles_may_what_any_of_them_may(question):
    ask = getattr(permissions, question)

    assert bool(ask(User(roles=list(Role.values))))
    for role in Role.values:
        for other in Role.values:
            both = bool(ask(User(roles=[role, other])))
            assert both == (bool(ask(User(roles=[role]))) or bool(ask(User(roles=[other]))))


@pytest.mark.parametrize("question", TABLE)
def test_a_refusal_is_a_sentence(question):
    verdict = getattr(permissions, question)(User(roles=[]))

    assert verdict.reason.endswith(".")
    with pytest.raises(Refused, match=verdict.reason):
        verdict.enforce()


def test_every_question_is_in_the_table():
    questions = {name for name in vars(permissions) if name.startswith("may_")}

    assert questions - {"may_change_user", "may_stop_operating"} == set(TABLE)


def test_nobody_changes_their_own_rights(olga, alice):
    assert not permissions.may_change_user(olga, olga)
    assert permissions.may_change_user(olga, alice)
    assert not permissions.may_change_user(alice, olga)


def test_the_last_operator_stays_one(olga, alice):
    refused = permissions.may_stop_operating(olga, others=0)

    assert (
        refused.reason == "Olga is the only operator who can sign in. Make somebody else one first."
    )
    assert permissions.may_stop_operating(olga, others=1)
    assert permissions.may_stop_operating(alice, others=0)


def test_only_viewers_can_be_scoped():
    def sees(*roles, scoped=False):
        return User(roles=list(roles), scoped=scoped).sees_everything

    assert sees(Role.VIEWER)
    assert not sees(Role.VIEWER, scoped=True)
    assert sees(Role.VIEWER, Role.AUDITOR, scoped=True)
    assert not sees()


def test_django_s_superuser_does_not_exist(alice):
    assert not hasattr(alice, "is_superuser")
    assert not hasattr(alice, "is_staff")
