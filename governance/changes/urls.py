"""Inviting, changing roles, removing; and what became of all that."""

from django.urls import path

from governance.changes.views import asking, batch, batches, placing

app_name = "changes"
urlpatterns = [
    path("invite/", asking.invite, name="invite"),
    path("people/<uuid:person_id>/offboard/", asking.offboard, name="offboard"),
    path("changes/", batches.batches, name="list"),
    path("changes/roles/", asking.roles, name="roles"),
    path("changes/removals/", asking.removals, name="removals"),
    path("changes/selected/", asking.selected, name="selected"),
    path("changes/plans/<uuid:plan_id>/", placing.plan, name="plan"),
    path("changes/<uuid:batch_id>/", batch.detail, name="detail"),
    path("changes/<uuid:batch_id>/cancel/", batch.cancel, name="cancel"),
    path("changes/<uuid:batch_id>/retry/", batch.retry, name="retry"),
    path("changes/<uuid:batch_id>/download/", batch.download, name="download"),
]
