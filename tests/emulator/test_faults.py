"""Bad days: what is asked for happens, to those requests alone, and then no more."""

import gzip
import zlib

import httpx
import pytest

from governance.emulator import Fault, Mutation, wsgi

from .conftest import BILLING, FULL, LIMITED, OWNER, PARIS, SECNUM

PEOPLE = f"{BILLING}/collaborators"
ALL = f"{PARIS}/v1/collaborators"


def listed(client, path=ALL):
    return client.get(path).json()["collaborators"]


def test_the_next_requests_get_it_and_then_no_more(world, ask):
    world.fault(path="/v1/apps", status=503, body="<html>Down</html>", times=2)
    olivia = ask(OWNER)

    answers = [olivia.get(f"{PARIS}/v1/apps") for _ in range(3)]

    assert [one.status_code for one in answers] == [503, 503, 200]
    assert answers[0].headers["Content-Type"].startswith("text/html")
    assert answers[0].text == "<html>Down</html>"


def test_it_lasts_until_it_is_cleared(world, ask):
    world.fault(path="/v1/apps", status=500, times=None)
    assert [ask(OWNER).get(f"{PARIS}/v1/apps").status_code for _ in range(3)] == [500] * 3

    world.faults.clear()

    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


@pytest.mark.parametrize(
    ("where", "hit"),
    [
        ({"path": "/v1/apps/*"}, [BILLING]),
        ({"path": "/v1/apps/**"}, [BILLING, PEOPLE]),
        ({"path": "/v1/apps/*/collaborators"}, [PEOPLE]),
        ({"path": "/v1/apps/billing-*"}, [BILLING]),
        ({"path": "/v1/apps", "region": "osc-secnum-fr1"}, [f"{SECNUM}/v1/apps"]),
        ({"path": "**", "region": ""}, ["/v1/users/self"]),
        ({"path": "/v1/apps", "query": "page=2"}, [f"{PARIS}/v1/apps?page=2"]),
        ({"path": "**", "method": "post"}, []),
        ({"path": "**", "account": FULL}, []),
    ],
)
def test_only_matching_requests_meet_it(world, ask, where, hit):
    world.fault(**where, status=418, times=None)
    paths = [
        BILLING,
        PEOPLE,
        f"{PARIS}/v1/apps",
        f"{PARIS}/v1/apps?page=2",
        f"{SECNUM}/v1/apps",
        "/v1/users/self",
    ]

    met = [path for path in paths if ask(OWNER).get(path).status_code == 418]

    assert met == hit


def test_it_can_be_for_one_account(world, ask):
    world.fault(account="FRED@acme.example", status=500, times=None)

    assert ask(FULL).get(f"{PARIS}/v1/apps").status_code == 500
    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


def test_some_may_pass_first(world, ask):
    world.fault(path="/v1/apps", status=500, skip=2)

    assert [ask(OWNER).get(f"{PARIS}/v1/apps").status_code for _ in range(4)] == [
        200,
        200,
        500,
        200,
    ]


def test_chance_is_the_same_at_every_start(world, ask):
    def run():
        world.reset()
        world.fault(path="/v1/apps", status=500, times=None, chance=0.5)
        return [ask(OWNER).get(f"{PARIS}/v1/apps").status_code for _ in range(30)]

    first = run()

    assert run() == first
    assert {200, 500} == set(first)


def test_headers_are_sent_as_given(world, ask):
    world.answer_next_with(429, "Retry later\n", Retry_After="7")

    answer = ask(OWNER).get(f"{PARIS}/v1/apps")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_redirect_leads_elsewhere(world, ask):
    world.answer_next_with(302, Location="http://evil.example/")

    answer = ask(OWNER).get(f"{PARIS}/v1/apps")

    assert (answer.status_code, answer.headers["Location"]) == (302, "http://evil.example/")


def test_before_means_that_nothing_was_done(world, ask):
    world.fault(method="POST", status=500)

    answer = ask(OWNER).post(PEOPLE, json={"collaborator": {"email": "new@acme.example"}})

    assert answer.status_code == 500
    assert world.mails == []


def test_processed_means_that_it_was_done_all_the_same(world, ask):
    world.fault(method="POST", status=500, processed=True)

    answer = ask(OWNER).post(PEOPLE, json={"collaborator": {"email": "new@acme.example"}})

    assert answer.status_code == 500
    assert [mail["to"] for mail in world.mails] == ["new@acme.example"]


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        ("reset", httpx.ReadError),
        ("half", httpx.ReadError),
        ("unended", httpx.ReadError),
        ("silence", httpx.ReadTimeout),
    ],
)
def test_a_connection_can_break(world, ask, ending, error):
    world.fault(path="/v1/apps", ending=ending)

    with pytest.raises(error):
        ask(OWNER).get(f"{PARIS}/v1/apps")

    assert ask(OWNER).get(f"{PARIS}/v1/apps").status_code == 200


@pytest.mark.parametrize(("ending", "share"), [("half", 0.5), ("unended", 1.0)])
def test_what_came_before_the_break_was_received(world, ask, ending, share):
    whole = ask(OWNER).get(f"{PARIS}/v1/apps").content
    world.fault(path="/v1/apps", ending=ending)
    received = []

    with ask(OWNER).stream("GET", f"{PARIS}/v1/apps") as answer, pytest.raises(httpx.ReadError):
        received.extend(answer.iter_raw())

    assert b"".join(received) == whole[: int(len(whole) * share)]


def test_an_invitation_that_broke_was_sent(world, ask):
    world.fault(method="POST", ending="silence")

    with pytest.raises(httpx.ReadTimeout):
        ask(OWNER).post(PEOPLE, json={"collaborator": {"email": "new@acme.example"}})

    assert [mail["to"] for mail in world.mails] == ["new@acme.example"]


def test_a_drip_takes_its_time(world, ask, slept):
    world.fault(path="/v1/apps/*", ending="drip", pace=0.25)

    answer = ask(OWNER).get(BILLING)

    assert answer.json()["app"]["name"] == "billing-api"
    assert slept == [0.25] * len(answer.content)


def test_a_silence_may_come_before_anything_was_done(world, ask):
    world.fault(method="POST", status=504, ending="silence")

    with pytest.raises(httpx.ReadTimeout):
        ask(OWNER).post(PEOPLE, json={"collaborator": {"email": "new@acme.example"}})

    assert world.mails == []


def test_a_delay_comes_before_the_answer_is_made_and_a_hold_after(world):
    """Between the two lies what a late answer says: the world after, or before, what happened."""

    def listed_while_removed(email, **fault):
        world.reset()
        world.fault(path="/v1/apps/*/collaborators", **fault)
        application = wsgi(world, sleep=lambda _: world.remove("billing-api", email))
        transport = httpx.WSGITransport(app=application)
        headers = {"Authorization": f"Bearer {world.bearer_for(OWNER)}"}
        with httpx.Client(transport=transport, headers=headers) as client:
            return {row["email"] for row in listed(client, f"http://emu.example{PEOPLE}")}

    assert LIMITED not in listed_while_removed(LIMITED, delay=5)
    assert LIMITED in listed_while_removed(LIMITED, hold=5)


def test_a_bearer_can_die_at_the_third_request(world, ask):
    world.fault(skip=2, acts=[{"act": "kill_bearers", "who": OWNER}])
    olivia = ask(OWNER)

    assert [olivia.get(f"{PARIS}/v1/apps").status_code for _ in range(4)] == [200, 200, 401, 401]


def test_delays_and_latency_add_up(world, ask, slept):
    world.set_latency(50)
    world.fault(path="/v1/apps", delay=1.0, hold=0.5)

    ask(OWNER).get(f"{PARIS}/v1/apps")
    ask(OWNER).get(f"{PARIS}/v1/apps")

    assert slept == [1.0, pytest.approx(0.55), pytest.approx(0.05)]


def test_jitter_spreads_the_latency(world, ask, slept):
    world.set_latency(50, 10)

    for _ in range(20):
        ask(OWNER).get(f"{PARIS}/v1/apps")

    assert len(set(slept)) > 10
    assert all(0.04 <= seconds <= 0.06 for seconds in slept)


def test_things_can_happen_just_before_and_just_after(world, ask):
    world.fault(
        path="/v1/apps",
        acts=[{"act": "rename_app", "app": "billing-api", "name": "billing-core"}],
        then=[{"act": "remove", "app": "billing-web", "who": LIMITED}],
    )

    names = {app["name"] for app in ask(OWNER).get(f"{PARIS}/v1/apps").json()["apps"]}

    assert "billing-core" in names
    rows = listed(ask(OWNER), f"{PARIS}/v1/apps/billing-web/collaborators")
    assert LIMITED not in {row["email"] for row in rows}


def test_a_function_can_be_what_happens(world, ask):
    seen = []
    world.faults.add(Fault(path="/v1/apps", does=lambda: seen.append(world.clock.now())))

    ask(OWNER).get(f"{PARIS}/v1/apps")

    assert seen == [world.clock.now()]


def test_a_huge_body_is_sent_in_pieces(world, ask):
    world.fault(path="/v1/apps", status=200, body="{", padding=1_000_000)

    answer = ask(OWNER).get(f"{PARIS}/v1/apps")

    assert len(answer.content) == 1_000_001


def test_a_bomb_is_small_on_the_way(world, ask):
    world.fault(path="/v1/apps", status=200, padding=50_000_000, gzip=True)

    with ask(OWNER).stream("GET", f"{PARIS}/v1/apps") as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(raw) < 100_000
    assert len(zlib.decompressobj(wbits=31).decompress(raw, 10_000)) == 10_000
    assert gzip.decompress(raw)[:3] == b"000"


class TestMutations:
    def spoil(self, world, kind, path="/v1/collaborators", **fields):
        world.fault(path=path, mutations=[Mutation(kind, **fields)], times=None)

    def test_a_field_is_missing_in_one_row(self, world, ask):
        self.spoil(world, "drop", field="tfa_status", rows=1)

        assert ["tfa_status" in row for row in listed(ask(OWNER))] == [False, *[True] * 4]

    def test_a_field_is_null_in_all_rows(self, world, ask):
        self.spoil(world, "null", field="is_limited")

        assert {row["is_limited"] for row in listed(ask(OWNER))} == {None}

    def test_a_field_has_another_type(self, world, ask):
        self.spoil(world, "set", field="tfa_status", value="true", rows=[1])

        assert [row["tfa_status"] for row in listed(ask(OWNER))][1] == "true"

    def test_a_field_inside_a_field(self, world, ask):
        self.spoil(world, "drop", path="/v1/apps", field="owner.email")

        owners = [app["owner"] for app in ask(OWNER).get(f"{PARIS}/v1/apps").json()["apps"]]
        assert all("email" not in owner and "id" in owner for owner in owners)

    def test_the_rows_of_one_app(self, world, ask):
        self.spoil(world, "drop_rows", where={"app_name": "billing-api"})

        assert {row["app_name"] for row in listed(ask(OWNER))} == {"billing-web"}

    def test_a_share_of_the_rows(self, world, ask):
        self.spoil(world, "drop_rows", rows=0.6)

        assert len(listed(ask(OWNER))) == 2

    def test_no_rows_at_all(self, world, ask):
        self.spoil(world, "empty")

        assert listed(ask(OWNER)) == []

    def test_a_row_comes_twice(self, world, ask):
        self.spoil(world, "duplicate", rows=1, value={"is_limited": True})

        rows = listed(ask(OWNER))
        assert len(rows) == 6
        assert rows[0]["id"] == rows[-1]["id"]
        assert rows[0]["is_limited"] != rows[-1]["is_limited"]

    def test_rows_of_an_app_nobody_knows(self, world, ask):
        self.spoil(world, "foreign", rows=2)

        assert [row["app_id"] == "f" * 24 for row in listed(ask(OWNER))[-3:]] == [
            False,
            True,
            True,
        ]

    def test_rows_that_were_never_there(self, world, ask):
        self.spoil(world, "add_rows", value=[{"id": "x"}])

        assert listed(ask(OWNER))[-1] == {"id": "x"}

    @pytest.mark.parametrize("value", [None, {}, "text"])
    def test_the_list_is_none(self, world, ask, value):
        self.spoil(world, "root", value=value)

        assert ask(OWNER).get(ALL).json() == {"collaborators": value}

    def test_the_body_is_another(self, world, ask):
        self.spoil(world, "body", value=[])

        assert ask(OWNER).get(ALL).json() == []

    def test_the_text_is_cut(self, world, ask):
        self.spoil(world, "cut", value=0.5)

        answer = ask(OWNER).get(ALL)

        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()

    def test_one_object_can_be_spoilt_too(self, world, ask):
        self.spoil(world, "drop", path="/v1/apps/*", field="name")

        assert "name" not in ask(OWNER).get(BILLING).json()["app"]

    def test_pages_appear(self, world, ask):
        self.spoil(world, "paginate", value=2)
        seen, page = [], 1
        while page:
            body = ask(OWNER).get(f"{ALL}?page={page}").json()
            seen += body["collaborators"]
            page = body["meta"]["pagination"]["next_page"]

        world.faults.clear()
        assert seen == listed(ask(OWNER))

    @pytest.mark.parametrize(("then", "following"), [("cycle", 1), ("repeat", 4)])
    def test_pages_may_never_end(self, world, ask, then, following):
        self.spoil(world, "paginate", value=2, then=then)

        body = ask(OWNER).get(f"{ALL}?page=3").json()

        assert body["meta"]["pagination"]["next_page"] == following

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(ValueError, match="no mutation"):
            Mutation("eat")

    def test_the_world_itself_stays_as_it_was(self, world, ask):
        before = listed(ask(OWNER))
        self.spoil(world, "null", field="email")
        listed(ask(OWNER))

        world.faults.clear()

        assert listed(ask(OWNER)) == before
