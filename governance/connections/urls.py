"""Below settings/connections/."""

from django.urls import path

from governance.connections import views

app_name = "connections"
urlpatterns = [
    path("", views.connections, name="list"),
    path("add/", views.add, name="add"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/replace-token/", views.replace_token, name="replace-token"),
    path("<uuid:pk>/test/", views.test, name="test"),
    path("<uuid:pk>/pause/", views.pause, name="pause"),
    path("<uuid:pk>/resume/", views.resume, name="resume"),
    path("<uuid:pk>/remove/", views.remove, name="remove"),
]
