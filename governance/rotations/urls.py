from django.urls import path

from governance.rotations import views

app_name = "rotations"

urlpatterns = [
    path("", views.duties, name="list"),
    path("<uuid:duty_id>/", views.duty, name="detail"),
    path("<uuid:duty_id>/close/", views.close, name="close"),
    path("<uuid:duty_id>/reopen/", views.reopen, name="reopen"),
    path("<uuid:duty_id>/assign/", views.assign, name="assign"),
]
