from django.urls import path

from governance.core import health

app_name = "health"

urlpatterns = [
    path("live/", health.live, name="live"),
    path("ready/", health.ready, name="ready"),
]
