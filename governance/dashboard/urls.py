from django.urls import include, path

from governance.core import remembered
from governance.dashboard import app, matching, notes, people, person, search, tree
from governance.dashboard.audit import views as audit
from governance.dashboard.overview import views as overview
from governance.dashboard.settings import views as settings

app_name = "dashboard"

_SETTINGS = [
    path("", settings.home, name="settings"),
    path("people/", settings.people, name="settings-people"),
    path("people/add/", settings.add, name="settings-add"),
    path("people/<uuid:user_id>/", settings.person, name="settings-person"),
    path("people/<uuid:user_id>/deactivate/", settings.deactivate, name="settings-deactivate"),
    path("people/<uuid:user_id>/activate/", settings.activate, name="settings-activate"),
    path("people/<uuid:user_id>/password/", settings.new_password, name="settings-password"),
]
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("people/", people.people, name="people"),
    path("people/<uuid:person_id>/", person.person, name="person"),
    path("people/matching/<slug:verb>/", matching.people, name="matching-people"),
    path("people/<uuid:person_id>/notes/<uuid:note_id>/withdraw/", notes.withdraw, name="withdraw"),
    path("apps/", tree.apps, name="apps"),
    path("apps/matching/<slug:verb>/", matching.apps, name="matching-apps"),
    path("apps/<uuid:app_id>/", app.app, name="app"),
    path("audit/", audit.log, name="audit"),
    path("audit/export/", audit.export, name="audit-export"),
    path("search/", search.search, name="search"),
    path("settings/", include(_SETTINGS)),
    path("theme/", remembered.theme.choose, name="theme"),
    path("slash/", remembered.slash.choose, name="slash"),
]
