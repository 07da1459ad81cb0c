from django.urls import path

from governance.core import remembered
from governance.dashboard import app, people, person, search, tree
from governance.dashboard.audit import views as audit
from governance.dashboard.overview import views as overview

app_name = "dashboard"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("people/", people.people, name="people"),
    path("people/<uuid:person_id>/", person.person, name="person"),
    path("apps/", tree.apps, name="apps"),
    path("apps/<uuid:app_id>/", app.app, name="app"),
    path("audit/", audit.log, name="audit"),
    path("audit/export/", audit.export, name="audit-export"),
    path("search/", search.search, name="search"),
    path("theme/", remembered.theme.choose, name="theme"),
    path("slash/", remembered.slash.choose, name="slash"),
]
