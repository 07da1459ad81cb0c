from django.urls import path

from governance.reports.difference import views

app_name = "difference"

urlpatterns = [
    path("", views.difference, name="difference"),
]
