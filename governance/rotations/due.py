"""By when secrets have to be changed: days after the departure, by what the app is for."""

from datetime import datetime, timedelta

from governance.facts.models import AppClass

# An app of which nobody said what it is for may be production.
DAYS: dict[str, int] = {
    AppClass.PRODUCTION: 7,
    AppClass.UNKNOWN: 7,
    AppClass.STAGING: 14,
    AppClass.DEVELOPMENT: 30,
}


def class_of(said: str | None, *, is_review_app: bool) -> AppClass:
    """What an app is for: as somebody said; a review app of which nobody did is development."""
    if said and said != AppClass.UNKNOWN:
        return AppClass(said)
    return AppClass.DEVELOPMENT if is_review_app else AppClass.UNKNOWN


def due_at(app_class: AppClass, departed_at: datetime) -> datetime:
    return departed_at + timedelta(days=DAYS[app_class])
