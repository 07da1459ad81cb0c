"""Plans: what would happen if somebody placed them, and why the rest would not.

A plan is made from what is known now (`plan_…`), kept as it was shown (`keep`), found again by its
id (`find`), and placed by `actions.place`.
"""

from governance.changes.plans.keeping import NoSuchPlan, find, keep
from governance.changes.plans.making import (
    as_known_now,
    make,
    plan_again,
    plan_invitations,
    plan_offboarding,
    plan_removals,
    plan_retry,
    plan_roles,
)
from governance.changes.plans.values import Pace, Plan, Row, Wanted

__all__ = [
    "NoSuchPlan",
    "Pace",
    "Plan",
    "Row",
    "Wanted",
    "as_known_now",
    "find",
    "keep",
    "make",
    "plan_again",
    "plan_invitations",
    "plan_offboarding",
    "plan_removals",
    "plan_retry",
    "plan_roles",
]
