"""The product's addresses, and two with nothing behind them: the least that a page can cost."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello {request.user}")


def frame(request: HttpRequest) -> HttpResponse:
    """The frame that every page has, with nothing in it."""
    template = engines["django"].from_string('{% extends "base.html" %}')
    return HttpResponse(template.render({}, request))


urlpatterns = [
    path("hello/", hello),
    path("frame/", frame),
    path("", include("governance.urls")),
]
