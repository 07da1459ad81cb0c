"""The product's addresses, and one that says hello: the least that a page costs."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello {request.user}")


urlpatterns = [path("hello/", hello), path("", include("governance.urls"))]
