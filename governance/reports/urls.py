from django.urls import path

from governance.reports.views import asking, export, listing, schedules

app_name = "reports"

urlpatterns = [
    path("", listing.reports, name="list"),
    path("exports/<uuid:export_id>/", export.export, name="export"),
    path("exports/<uuid:export_id>/download/", export.download, name="download"),
    path("schedules/", schedules.schedules, name="schedules"),
    path("schedules/<uuid:schedule_id>/pause/", schedules.pause, name="pause"),
    path("schedules/<uuid:schedule_id>/resume/", schedules.resume, name="resume"),
    path("schedules/<uuid:schedule_id>/end/", schedules.end, name="end"),
    path("<slug:name>/", asking.report, name="report"),
    path("<slug:name>/mail/", asking.mail, name="mail"),
]
