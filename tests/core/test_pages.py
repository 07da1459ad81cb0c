"""A page and its named parts, the way on after a POST, and the headers of everything."""

import pytest
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from governance.core.middleware import SecurityHeaders, SessionOver
from governance.core.pages import page, part_asked_for, see_other
from governance.core.verdict import ALLOWED, Refused, Verdict

TEMPLATE = "tests/parts.html"


PARTS = {
    TEMPLATE: "whole {% partialdef list inline %}list{% endpartialdef %}",
    "components/toasts.html": "{% for message in messages %}[{{ message }}]{% endfor %}",
}


@pytest.fixture
def parts(settings):
    """A page of two words, one of which is a part."""
    from_memory = ("django.template.loaders.locmem.Loader", PARTS)
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": [("template_partials.loader.Loader", [from_memory])],
                "builtins": settings.TEMPLATES[0]["OPTIONS"]["builtins"],
            },
        }
    ]


def asked(**headers):
    request = RequestFactory().get("/", headers=headers)
    HtmxMiddleware(lambda _: HttpResponse())(request)
    request._messages = CookieStorage(request)
    return request


def shown(request):
    return page(request, TEMPLATE, partials={"list"}).render()


def test_htmx_gets_the_part_whose_element_it_renews(parts):
    request = asked(HX_Request="true", HX_Target="list")

    assert shown(request).content == b"list"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HX_Target": "list"},
        {"HX_Request": "true"},
        {"HX_Request": "true", "HX_Target": "unheard-of"},
        {"HX_Request": "true", "HX_Target": "list", "HX_Boosted": "true"},
        {"HX_Request": "true", "HX_Target": "list", "HX_History_Restore_Request": "true"},
    ],
)
def test_everything_else_gets_the_whole_page(parts, headers):
    response = shown(asked(**headers))

    assert response.content == b"whole list"
    assert "HX-Request" in response["Vary"]
    assert "HX-Target" in response["Vary"]


def test_a_part_brings_its_messages_along(parts):
    request = asked(HX_Request="true", HX_Target="list")
    messages.success(request, "Ana is <b>invited</b>.")

    assert shown(request).content == b"list[Ana is &lt;b&gt;invited&lt;/b&gt;.]"


def test_after_a_post_a_browser_is_sent_on_and_htmx_is_told():
    assert see_other(asked(), "/sync/").status_code == 303
    assert "HX-Location" in see_other(asked(HX_Request="true"), "/sync/").headers


def test_a_session_that_ended_sends_the_whole_page_to_sign_in(settings):
    request = asked(HX_Request="true", HX_Current_URL="http://testserver/people/?q=a")
    to_sign_in = HttpResponse(status=302, headers={"Location": "/sign-in/?next=/people/"})

    response = SessionOver(lambda _: to_sign_in)(request)

    assert response["HX-Redirect"] == "/sign-in/?next=%2Fpeople%2F%3Fq%3Da"


def test_it_never_comes_back_to_another_site(settings):
    request = asked(HX_Request="true", HX_Current_URL="https://evil.example/")
    to_sign_in = HttpResponse(status=302, headers={"Location": "/sign-in/"})

    assert SessionOver(lambda _: to_sign_in)(request)["HX-Redirect"] == "/sign-in/"


@pytest.mark.parametrize("location", ["/people/", "/sign-in-elsewhere/"])
def test_other_redirects_stay_as_they_are(location):
    request = asked(HX_Request="true")
    elsewhere = HttpResponse(status=302, headers={"Location": location})

    assert SessionOver(lambda _: elsewhere)(request) is elsewhere


def test_every_answer_carries_the_headers():
    response = SecurityHeaders(lambda _: HttpResponse())(asked())

    assert response["Cache-Control"] == "no-store"
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]


def test_a_static_file_keeps_its_own_way_of_being_cached():
    kept = HttpResponse(headers={"Cache-Control": "max-age=600"})

    assert SecurityHeaders(lambda _: kept)(asked())["Cache-Control"] == "max-age=600"


def test_a_verdict_is_true_or_says_why_not():
    assert ALLOWED
    ALLOWED.enforce()
    refusal = Verdict("Only admins can remove people.")
    assert not refusal
    with pytest.raises(Refused, match="Only admins can remove people"):
        refusal.enforce()


def test_the_part_asked_for_is_none_without_htmx():
    assert part_asked_for(RequestFactory().get("/")) is None
