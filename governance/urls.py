"""Every address of the product, by prefix. Each domain keeps its own paths."""

from django.urls import include, path

urlpatterns = [
    path("", include("governance.dashboard.urls")),
    path("", include("governance.accounts.urls")),
    path("", include("governance.changes.urls")),
    path("2fa/", include("governance.reports.two_factor.urls")),
    path("rotations/", include("governance.rotations.urls")),
    path("reports/", include("governance.reports.urls")),
    path("difference/", include("governance.reports.difference.urls")),
    path("sync/", include("governance.sync.urls")),
    path("settings/connections/", include("governance.connections.urls")),
    path("health/", include("governance.core.urls")),
]

handler500 = "governance.core.errors.broke"
