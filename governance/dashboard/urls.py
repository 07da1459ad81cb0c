from django.urls import path

from governance.core import theme
from governance.dashboard.overview import views as overview

app_name = "dashboard"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("theme/", theme.choose, name="theme"),
]
