"""Pages, should they ever appear: all of them, or none."""

import json

import httpx
import pytest

from governance.emulator import Mutation
from governance.scalingo import NotUnderstood, Unavailable

from .scripts import PARIS, collaborator


def page(rows, **pagination):
    body = {"collaborators": rows}
    if pagination:
        body["meta"] = {"pagination": pagination}
    return httpx.Response(200, json=body)


def person(number):
    return collaborator(id=f"c{number}", app_id=f"app{number}")


@pytest.fixture
def read_pages(client, script):
    def read_pages(*answers):
        script.answers["/v1/collaborators"] = list(answers)
        return client.collaborators(PARIS)

    return read_pages


def asked_pages(script):
    return [r.url.params.get("page") for r in script.asked if r.url.path == "/v1/collaborators"]


@pytest.mark.parametrize("last", [{"next_page": None}, {"next_page": 0}, {"next_page": 3}])
def test_pages_are_followed_to_the_last(read_pages, script, last):
    listing = read_pages(
        page([person(1), person(2)], current_page=1, next_page=2, total_pages=3, total_count=4),
        page([person(3)], current_page=2, next_page=3, total_pages=3, total_count=4),
        page([person(4)], current_page=3, total_pages=3, total_count=4, **last),
    )

    assert [row.id for row in listing] == ["c1", "c2", "c3", "c4"]
    assert asked_pages(script) == [None, "2", "3"]


def test_pages_may_be_counted_without_a_next(read_pages):
    listing = read_pages(
        page([person(1)], current_page=1, total_pages=2),
        page([person(2)], current_page=2, total_pages=2),
    )

    assert len(listing) == 2


@pytest.mark.parametrize("meta", [{}, {"pagination": None}, None, []])
def test_meta_without_pages_is_the_whole(read_pages, meta):
    listing = read_pages(httpx.Response(200, json={"collaborators": [person(1)], "meta": meta}))

    assert len(listing) == 1


@pytest.mark.parametrize(
    "second",
    [
        httpx.Response(500, json={"error": "oops"}),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
    ],
)
def test_a_page_that_fails_fails_the_whole(read_pages, second):
    first = page([person(1)], current_page=1, next_page=2, total_pages=2, total_count=2)

    with pytest.raises(Unavailable):
        read_pages(first, second)


@pytest.mark.parametrize(
    "second",
    [
        page([person(1)], current_page=1, next_page=2, total_pages=2, total_count=2),
        page([person(1)], current_page=2, next_page=None, total_pages=2, total_count=2),
        page([person(2)], current_page=2, next_page=None, total_pages=2, total_count=3),
        page([person(2)], current_page=1, next_page=None, total_pages=2, total_count=2),
        page([], current_page=2, next_page=None, total_pages=2, total_count=2),
        page([person(2)], current_page=2, next_page=None, total_pages=5, total_count=2),
        page([person(2)]),
        httpx.Response(200, json={"collaborators": [person(2)], "meta": {"pagination": []}}),
        httpx.Response(200, text="<html>", headers={"content-type": "text/html"}),
        httpx.Response(200, json={}),
    ],
)
def test_pages_that_do_not_make_one_whole_are_not_understood(read_pages, second):
    first = page([person(1)], current_page=1, next_page=2, total_pages=2, total_count=2)

    with pytest.raises(NotUnderstood):
        read_pages(first, second)


def test_a_total_that_changes_between_pages_is_not_one_whole(read_pages):
    with pytest.raises(NotUnderstood):
        read_pages(
            page([person(1)], current_page=1, next_page=2, total_pages=2, total_count=3),
            page([person(2)], current_page=2, next_page=None, total_pages=2, total_count=2),
        )


def test_pages_without_end_are_cut(read_pages, script):
    numbers = iter(range(1, 10_000))

    def endless(request):
        n = next(numbers)
        return page([person(n)], current_page=n, next_page=n + 1)

    with pytest.raises(NotUnderstood):
        read_pages(endless)

    assert len(asked_pages(script)) <= 2_000


@pytest.fixture
def olivia(client_of):
    return client_of()


@pytest.fixture
def paris(olivia):
    return next(region for region in olivia.regions() if region.name == "osc-fr1")


@pytest.mark.parametrize("then", ["", "cycle"])
def test_a_platform_that_begins_to_page_is_read_whole(olivia, paris, world, then):
    whole = {row.id for row in olivia.collaborators(paris)}
    spoilt = Mutation("paginate", value=2, then=then)
    world.fault(path="/v1/collaborators", times=None, mutations=[spoilt])

    assert {row.id for row in olivia.collaborators(paris)} == whole


def test_a_platform_that_gives_the_same_page_for_ever_is_not_believed(olivia, paris, world):
    spoilt = Mutation("paginate", value=2, then="repeat")
    fault = world.fault(path="/v1/collaborators", times=None, mutations=[spoilt])

    with pytest.raises(NotUnderstood):
        olivia.collaborators(paris)

    assert fault.hits <= 4


@pytest.mark.parametrize("last_repeats", [False, True])
@pytest.mark.parametrize("previous", [False, True])
def test_events_are_read_page_after_page_however_they_end(client, script, last_repeats, previous):
    before = "previous_page" if previous else "prev_page"

    def events(request):
        number = int(request.url.params.get("page", 1))
        rows = [
            {
                "id": f"e{number}-{n}",
                "type": "new_collaborator",
                "created_at": "2026-03-02T09:00:00Z",
            }
            for n in range(2)
        ]
        after = number + 1 if number < 3 else (3 if last_repeats else None)
        meta = {"current_page": number, "next_page": after, before: number - 1 or None}
        return httpx.Response(200, json={"events": rows, "meta": {"pagination": meta}})

    script.answers["/v1/apps/app1/events"] = events

    listing = client.events(PARIS, "app1", hours=48)

    assert len(listing) == 6
    assert script.asked[-1].url.params["from"] == "48"


def test_events_that_come_again_count_once(client, script):
    row = {"id": "e1", "type": "new_collaborator", "created_at": "2026-03-02T09:00:00Z"}
    meta = {"current_page": 1, "next_page": 2}
    body = {"events": [row, row], "meta": {"pagination": meta}}
    script.answers["/v1/apps/app1/events"] = lambda request: httpx.Response(200, json=body)

    listing = client.events(PARIS, "app1")

    assert [event.id for event in listing] == ["e1"]
    assert not listing.problems
    assert len(script.paths()) == 3
    assert json.dumps(script.paths()).count("events") == 2


@pytest.mark.parametrize(("hours", "asked"), [(0, "1"), (72, "72"), (1000, "72")])
def test_events_are_asked_for_hours_that_the_platform_knows(client, script, hours, asked):
    script.answers["/v1/apps/app1/events"] = httpx.Response(200, json={"events": []})

    client.events(PARIS, "app1", hours=hours)

    assert script.asked[-1].url.params["from"] == asked
