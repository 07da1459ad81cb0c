"""A body is whole, valid JSON of the shape we know, or it is no observation."""

import gzip
import json
import time
import tracemalloc

import httpx
import pytest

from governance.scalingo import Client, NotUnderstood, Unavailable

from .scripts import PARIS, TOKEN, collaborator, in_pieces

GOOD = {"collaborators": [collaborator(id=f"c{n}") for n in range(3)]}
TEXT = json.dumps(GOOD).encode()


def ids(listing):
    return [row.id for row in listing]


def test_the_good_body_that_the_others_are_spoilt_from(read):
    assert ids(read(GOOD)) == ["c0", "c1", "c2"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"true",
        b'"collaborators"',
        b'{"collaborators":null}',
        b'{"collaborators":{}}',
        b'{"collaborators":"[]"}',
        b'{"collaborators":{"collaborators":[]}}',
        b'[{"collaborators":[]}]',
        b'{"apps":[]}',
        b'{"collaborators":[]',
        b'{"collaborators":[}',
        b'{"collaborators":[],}',
        b'{"collaborators":[]}}',
        b'{"collaborators":[]}{"collaborators":[]}',
        b'{"collaborators":[],"collaborators":[]}',
        b'{"collaborators":[,]}',
        b"<!doctype html><title>Maintenance</title>",
        b"Retry later",
        b"\x1f\x8b\x08\x00garbage",
        b'{"collaborators":[{"id":"\xff"}]}',
        b'{"collaborators":[NaN]}',
        TEXT[:-2],
        TEXT[: len(TEXT) // 2],
        TEXT[:-2] + b",]}",
        TEXT.replace(b"}, {", b"}{", 1),
        TEXT.replace(b"}, {", b"},, {", 1),
        TEXT.replace(b'"status": "accepted"', b'"status": accepted', 1),
        TEXT + b"<!-- cached -->",
        TEXT.replace(b'"invitation_link": ""', b'"invitation_link": "\xff"', 1),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"collaborators":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
        b'{"collaborators":[{"x":"' + b"y" * 2_000_000 + b'"}]}',
        b'{"x":"' + b"y" * 2_000_000 + b'","collaborators":[]}',
    ],
)
@pytest.mark.parametrize("size", [1_000_000, 7])
def test_a_body_of_another_shape_is_not_understood(read, body, size):
    if size < 100 and len(body) > 10_000:
        size = 4001

    with pytest.raises(NotUnderstood) as caught:
        read(body, size=size)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("cut", [2, 1, 40, 200])
def test_half_a_body_is_called_that(read, cut):
    with pytest.raises(NotUnderstood) as caught:
        read(TEXT[:-cut])

    assert caught.value.code == ("half_body" if cut > 1 else "not_json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"collaborators":[]}',
        b' { "collaborators" : [ ] } ',
        b'{"meta":{"x":[{},{}]},"collaborators":[]}',
        b'{"note":"collaborators","x":{"collaborators":[1]},"collaborators":[]}',
        b'{"collaborators":[],"meta":{"y":[{},{}]}}',
        b'\n{"collaborators":[\n]}\n',
    ],
)
def test_an_empty_list_is_an_answer(read, body):
    listing = read(body)

    assert ids(listing) == []
    assert not listing.problems


@pytest.mark.parametrize("indent", [None, 1, "\t"])
@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
def test_white_space_does_not_matter(read, indent, separators):
    body = json.dumps(GOOD, indent=indent, separators=separators).encode()

    assert ids(read(body)) == ["c0", "c1", "c2"]


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/octet-stream"])
def test_a_good_body_of_another_kind_by_its_own_word_is_not_understood(read, kind):
    with pytest.raises(NotUnderstood) as caught:
        read(TEXT, kind=kind)

    assert caught.value.code == "not_json"


@pytest.mark.parametrize("kind", ["application/json", "application/JSON;charset=utf-8"])
def test_json_is_called_json(read, kind):
    assert len(read(TEXT, kind=kind)) == 3


@pytest.fixture
def small(script):
    with Client(TOKEN, transport=httpx.MockTransport(script), max_bytes=100_000) as client:
        yield client


def test_a_body_longer_than_allowed_is_cut_off(small, script):
    rows = [collaborator(id=f"c{n}") for n in range(1000)]
    script.body("/v1/collaborators", json.dumps({"collaborators": rows}).encode())

    with pytest.raises(NotUnderstood) as caught:
        small.collaborators(PARIS)

    assert caught.value.code == "too_large"


def test_packed_bodies_are_read(read):
    assert len(read(gzip.compress(TEXT), content_encoding="gzip")) == 3
    assert len(read(gzip.compress(TEXT), content_encoding="gzip", size=1)) == 3
    members = gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])
    assert len(read(members, content_encoding="gzip")) == 3


def test_a_bomb_is_cut_off_before_it_goes_off(small, script):
    bomb = gzip.compress(b'{"collaborators":[' + b" " * 50_000_000)
    script.body("/v1/collaborators", bomb, content_encoding="gzip")

    small.exchange()

    tracemalloc.start()
    try:
        with pytest.raises(NotUnderstood) as caught:
            small.collaborators(PARIS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.code == "too_large"
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("body", "packing"),
    [
        (gzip.compress(TEXT)[:-20], "gzip"),
        (gzip.compress(TEXT)[:-4], "gzip"),  # all of the text, but not the proof that it is all
        (gzip.compress(TEXT) + b"rest", "gzip"),
        (TEXT, "gzip"),
        (b"", "gzip"),
        (TEXT, "br"),
        (TEXT, "gzip, gzip"),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_not_understood(read, body, packing):
    with pytest.raises(NotUnderstood):
        read(body, content_encoding=packing)


def test_a_body_that_breaks_off_keeps_nothing(client, script):
    class Breaks(httpx.SyncByteStream):
        def __iter__(self):
            yield TEXT[:400]
            raise httpx.ReadError("reset")

    headers = {"content-type": "application/json"}
    script.answers["/v1/collaborators"] = httpx.Response(200, headers=headers, stream=Breaks())

    with pytest.raises(Unavailable):
        client.collaborators(PARIS)


def test_a_long_answer_is_read_in_little_memory_and_time(client, script):
    count = 20_000
    rows = [collaborator(id=f"c{n}", app_id=f"app{n // 50}") for n in range(count)]
    body = json.dumps({"collaborators": rows}).encode()
    script.body("/v1/collaborators", body)
    client.exchange()

    tracemalloc.start()
    try:
        with client.collaborators(PARIS) as listing:
            assert sum(1 for _ in listing) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    # The body alone has more than four million bytes, and as objects several times that.
    assert len(body) > 4_000_000
    assert peak < 4_000_000
    began = time.process_time()
    with client.collaborators(PARIS):
        spent = time.process_time() - began
    assert spent / count < 40e-6  # five times the goal, for slow machines and coverage


@pytest.mark.parametrize("path", ["/v1/users/self", "/v1/client/tfa", "/v1/regions"])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"user":7,"tfa":[]}'])
def test_small_answers_are_whole_or_not_understood(client, script, path, body):
    ask = {
        "/v1/users/self": client.self_account,
        "/v1/client/tfa": client.own_two_factor,
        "/v1/regions": client.regions,
    }[path]
    script.answers[path] = lambda request: in_pieces(body)

    with pytest.raises(NotUnderstood):
        ask()


@pytest.mark.parametrize(
    "regions",
    [None, {}, [1], [{}], [{"name": ""}], [{"name": "a", "api": "x"}, {"name": "a", "api": "y"}]],
)
def test_a_list_of_regions_that_makes_no_sense_is_not_understood(client, script, regions):
    script.answers["/v1/regions"] = httpx.Response(200, json={"regions": regions})

    with pytest.raises(NotUnderstood):
        client.regions()


def test_whether_2fa_is_on_is_never_guessed(client, script):
    script.answers["/v1/client/tfa"] = httpx.Response(200, json={"tfa": {"enabled": None}})

    with pytest.raises(NotUnderstood):
        client.own_two_factor()
