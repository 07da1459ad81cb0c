"""The words of every template: escaped, exact, and the same everywhere."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from governance.core.templatetags import interface

NOW = datetime(2026, 3, 14, 9, 2, 11, tzinfo=UTC)
HOSTILE = "<b onclick=x>\"'&amp;"


def render(template, address="/", **context):
    return Template(template).render(
        Context({"request": RequestFactory().get(address), "now": NOW, **context})
    )


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(seconds=50), "50 s ago"),
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=80), "2 months ago"),
        (timedelta(days=900), "2 years ago"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_it_says_how_long_ago(span, words):
    assert interface.ago(NOW - span, NOW) == words


def test_a_moment_is_relative_in_the_row_and_exact_on_hover():
    shown = render("{% when moment %}", moment=NOW - timedelta(days=3))

    assert shown == (
        '<time datetime="2026-03-11T09:02:11+00:00" title="2026-03-11 10:02:11 UTC+01:00">'
        "3 days ago</time>"
    )


def test_a_moment_that_never_was_is_a_dash_or_the_given_word():
    assert ">—<" in render("{% when moment %}", moment=None)
    assert ">never<" in render('{% when moment "never" %}', moment=None)


@pytest.mark.parametrize(
    ("tag", "query"),
    [
        ('{% query sort="name" %}', "?app=a&app=b&sort=name"),
        ("{% query app=None %}", "?sort=email"),
        ('{% query "two-factor" "off" sort=None %}', "?app=a&app=b&two-factor=off"),
        ('{% query after="xyz" %}', "?app=a&app=b&sort=email&after=xyz"),
    ],
)
def test_a_link_changes_the_query_and_leaves_the_page_it_was_on(tag, query):
    shown = render(tag, address="/?app=a&app=b&sort=email&after=abc&before=def")

    assert shown.replace("&amp;", "&") == query


def test_nothing_from_outside_becomes_markup():
    shown = render(
        '{% badge "clock" "warn" text text %}{% avatar key text %}{% query q=text %}',
        text=HOSTILE,
        key=HOSTILE,
    )

    assert "<b" not in shown
    assert 'onclick=x>"' not in shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("ana.silva@example.com", "AS"),
        ("Ana Maria Silva", "AM"),
        ("deploy", "DE"),
        ("élodie", "ÉL"),
        ("", "?"),
        ("...", "?"),
        ("‮evil", "EV"),
    ],
)
def test_initials(name, letters):
    assert interface.initials(name) == letters


def test_a_person_keeps_a_colour_and_a_service_has_a_square():
    key = UUID("12345678-1234-5678-1234-567812345678")

    assert interface.avatar(key, "Ana") == interface.avatar(str(key), "Ana")
    assert "square" in interface.avatar(key, "bot", kind="service")


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "—"),
        (0, 9, "0 %"),
        (1, 3, "33 %"),
        (1, 9999, "<1 %"),
        (9998, 9999, ">99 %"),
        (5, 5, "100 %"),
    ],
)
def test_a_share_is_never_rounded_into_none_or_all(part, whole, words):
    assert interface.percent(part, whole) == words


def test_an_icon_outside_the_shared_file_is_drawn_into_the_page():
    assert "<use href=" in interface.icon("search")
    assert "<path" in interface.icon("anchor")
