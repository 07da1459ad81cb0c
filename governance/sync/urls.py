from django.urls import path

from governance.sync import views

app_name = "sync"

urlpatterns = [
    path("", views.status, name="status"),
    path("start/", views.start, name="start"),
    path("held/<uuid:held_id>/decide/", views.decide, name="decide"),
]
