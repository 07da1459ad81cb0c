"""Bad days: whatever is answered, nothing known is lost, the rest goes on, and words say why."""

import functools
import json
import logging
import time

import httpx
import pytest

from governance import scalingo
from governance.connections.models import Connection, State
from governance.inventory.models import Collaboration, Scope
from tests.sync import invariants
from tests.sync.company import PARIS

SECNUM = "osc-secnum-fr1"
LISTS = {
    "apps": "/v1/apps",
    "collaborators": "/v1/collaborators",
    "databases": "/v1/databases",
    "app": "/v1/apps/*/collaborators",
}
JSON = "application/json; charset=utf-8"


@pytest.fixture(autouse=True)
def words(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def happen(company):
    """Somebody comes and goes in both regions, and somebody elsewhere."""
    world = company.world
    for app in ("billing-web", "vault-api", "other-api"):
        world.invite(app, "new@acme.example")
    world.change_role("billing-api", "lim@acme.example", limited=False)
    world.set_two_factor("lim@acme.example", True)


def owners_and_others(company):
    return {
        (row.app.name, row.person.email, row.role)
        for row in Collaboration.objects.open().select_related("app", "person")
    }


def endures(company, words, *, reasons, kind=None, region=PARIS, known_kept=True):
    """One sync on a bad day: what it must say and keep. Then good days: it ends in the truth."""
    before = owners_and_others(company)
    run = company.sync()
    invariants.check(company)

    assert run.state in {"partial", "failed"}
    assert company.reasons() & reasons, company.problems()
    for _, scope, _, sentence in company.problems():
        assert scope
        assert sentence[0].isupper()
        assert sentence.rstrip()[-1] in '."!', sentence
    if kind:
        _is_stale(company, kind, region)
    if known_kept:
        kept = {(app, email) for app, email, _ in before}
        assert kept <= {(app, email) for app, email, _ in owners_and_others(company)}
    _nothing_secret_was_said(company, words)

    recovers(company)


def recovers(company, syncs=3):
    """The faults stop: so many clean syncs at most, and the inventory is the platform."""
    company.world.faults.clear()
    for left in reversed(range(syncs)):
        company.sync()
        try:
            invariants.converged(company)
            break
        except AssertionError:
            if not left:
                raise
    invariants.check(company)


def _is_stale(company, kind, region):
    app = company.app("other-api").scalingo_id if kind == "app" else ""
    scope = company.scope(kind, region, app)
    assert scope.stale_since is not None
    assert scope.stale_reason in company.reasons()
    assert scope.stale_detail
    assert scope.coverage.get(latest=True).until < scope.stale_since


def _nothing_secret_was_said(company, words):
    said = [record.getMessage() + str(record.__dict__) for record in words.records]
    said += [json.dumps(company.problems(), default=str), repr(company.run)]
    invariants.no_secret(company, *said)
    words.clear()


# --- no observation, whichever list it is ---------------------------------------------------------

NO_OBSERVATION = {
    "400": ({"status": 400, "body": '{"error":"There was a problem"}'}, "refused"),
    "401": ({"status": 401, "body": '{"error":"no"}'}, "no_right"),
    "403": ({"status": 403, "body": '{"error":"no"}'}, "no_right"),
    "404 in JSON": ({"status": 404, "body": '{"resource":"app","error":"not found"}'}, "not_found"),
    "404 in HTML": ({"status": 404, "body": "<html>The page does not exist</html>"}, "not_found"),
    "409": ({"status": 409, "body": "{}"}, "refused"),
    "418": ({"status": 418, "body": "teapot"}, "refused"),
    "422": ({"status": 422, "body": '{"errors":{"app":["is odd"]}}'}, "refused"),
    "429 without a word": ({"status": 429, "body": "Retry later\n"}, "limited"),
    "429 in JSON": ({"status": 429, "body": '{"error":"Retry later"}'}, "limited"),
    "429 until doomsday": (
        {"status": 429, "body": "Retry later", "headers": {"Retry-After": "1000000000"}},
        "limited",
    ),
    "429 with garbage": (
        {"status": 429, "body": "Retry later", "headers": {"Retry-After": "soon, maybe"}},
        "limited",
    ),
    "500": (
        {"status": 500, "body": '{"error":"Internal error occured, we\'re on it!"}'},
        "server_error",
    ),
    "502 in HTML": ({"status": 502, "body": "<html>Bad gateway</html>"}, "server_error"),
    "503 in text": ({"status": 503, "body": "upstream"}, "server_error"),
    "504": ({"status": 504}, "server_error"),
    "201": ({"status": 201, "body": "{}"}, "not_understood"),
    "204": ({"status": 204}, "not_understood"),
    "302 elsewhere": (
        {"status": 302, "headers": {"Location": "https://elsewhere.example/steal"}},
        "redirect",
    ),
    "200 and nothing": ({"status": 200, "content_type": JSON}, "not_json"),
    "200 in HTML": ({"status": 200, "body": "<html>We are back soon</html>"}, "not_json"),
    "200 in text": ({"status": 200, "body": "ok"}, "not_json"),
    "200 cut off": ({"mutations": [{"kind": "cut", "value": 0.7}]}, "not_json"),
    "200 {}": ({"mutations": [{"kind": "body", "value": {}}]}, "wrong_shape"),
    "200 []": ({"mutations": [{"kind": "body", "value": []}]}, "wrong_shape"),
    "200 null": ({"mutations": [{"kind": "body", "value": None}]}, "wrong_shape"),
    "200 a number": ({"mutations": [{"kind": "body", "value": 7}]}, "wrong_shape"),
    "200 list null": ({"mutations": [{"kind": "root", "value": None}]}, "wrong_shape"),
    "200 list an object": ({"mutations": [{"kind": "root", "value": {"a": 1}}]}, "wrong_shape"),
    "200 list a text": ({"mutations": [{"kind": "root", "value": "none"}]}, "wrong_shape"),
    "200 list of numbers": ({"mutations": [{"kind": "root", "value": [1, 2]}]}, "not_understood"),
    "200 a deep hole": (
        {"status": 200, "content_type": JSON, "body": '{"collaborators":' + "[" * 50_000},
        "not_json",
    ),
    "half a body": ({"ending": "half"}, "unreachable"),
    "a body that never ends": ({"ending": "unended"}, "unreachable"),
    "reset": ({"ending": "reset"}, "unreachable"),
    "silence": ({"ending": "silence"}, "timeout"),
    "pages that fail": (
        {"mutations": [{"kind": "paginate", "value": 1, "then": "repeat"}]},
        "wrong_shape",
    ),
    "10 MB of noise": (
        {"status": 200, "content_type": JSON, "body": '{"collaborators":[', "padding": 10_000_000},
        "not_json",
    ),
}
# The reason of an empty or odd answer may be told more exactly for one list than for another.
_ALIKE = {"half_body", "not_json", "wrong_shape", "not_understood", "too_large"}


@pytest.mark.parametrize("name", NO_OBSERVATION)
def test_what_is_no_observation_changes_nothing_of_its_scope(company, words, name):
    fault, reason = NO_OBSERVATION[name]
    reasons = _ALIKE if reason in _ALIKE else {reason}
    kind = list(LISTS)[list(NO_OBSERVATION).index(name) % len(LISTS)]
    hosts = set()
    company.on_request.append(lambda request: hosts.add(request.url.host))
    happen(company)
    company.fault(path=LISTS[kind], region=PARIS, times=None, **json.loads(json.dumps(fault)))
    endures(company, words, reasons=reasons, kind=kind)

    assert hosts == {httpx.URL(_auth_url()).host}


# The few databases fit on one page: there is no second one that could fail.
_EVERYWHERE = [
    (name, kind)
    for name in NO_OBSERVATION
    for kind in LISTS
    if (name, kind) != ("pages that fail", "databases")
]


@pytest.mark.deep
@pytest.mark.parametrize(("name", "kind"), _EVERYWHERE)
def test_the_same_for_every_list(company, words, name, kind):
    fault, reason = NO_OBSERVATION[name]
    reasons = _ALIKE if reason in _ALIKE else {reason}
    happen(company)
    company.fault(path=LISTS[kind], region=PARIS, times=None, **json.loads(json.dumps(fault)))
    endures(company, words, reasons=reasons, kind=kind)


def _auth_url():
    from django.conf import settings

    return settings.SCALINGO_AUTH_URL


@pytest.mark.parametrize("kind", LISTS)
def test_what_one_scope_misses_the_others_have(company, kind):
    happen(company)
    company.fault(path=LISTS[kind], region=PARIS, status=500, times=None)
    company.sync()

    assert company.period("vault-api", "new@acme.example").ended_at is None
    stale = Scope.objects.exclude(stale_since=None).values_list("kind", "region__name")
    assert list(stale) == [(kind, PARIS)]


def test_one_region_down_the_other_is_read_whole(company, words):
    happen(company)
    company.fault(path="/v1/**", region=PARIS, ending="reset", times=None)
    company.sync()

    fresh = Scope.objects.filter(stale_since=None).values_list("region__name", flat=True)
    assert set(fresh) == {SECNUM}
    assert company.period("vault-api", "new@acme.example").ended_at is None
    company.world.faults.clear()
    company.sync()
    invariants.converged(company)


def test_a_drip_is_cut_at_the_deadline(company, words, monkeypatch):
    """A byte now and then would go on for ever: the whole request has its time."""
    monkeypatch.setattr(scalingo, "Client", functools.partial(scalingo.Client, deadline=0.2))
    company.transport.sleep = time.sleep
    company.fault(path="/v1/collaborators", region=PARIS, ending="drip", pace=0.05, times=None)
    started = time.monotonic()
    happen(company)
    endures(company, words, reasons={"timeout"}, kind="collaborators")
    assert time.monotonic() - started < 20


def test_a_bomb_is_cut_at_the_cap(company, words, monkeypatch):
    monkeypatch.setattr(scalingo, "Client", functools.partial(scalingo.Client, max_bytes=1_000_000))
    company.fault(
        path="/v1/collaborators",
        region=PARIS,
        status=200,
        content_type=JSON,
        body='{"collaborators":[{"id":"',
        padding=50_000_000,
        gzip=True,
        times=None,
    )
    happen(company)
    endures(company, words, reasons=_ALIKE | {"too_big"}, kind="collaborators")


# --- fields --------------------------------------------------------------------------------------

# What a row needs: without it that app's rows are not believed, or nothing of the list is.
NEEDED = {
    ("collaborators", "id"): "app",
    ("collaborators", "email"): "app",
    ("collaborators", "app_id"): "list",
    ("apps", "id"): "list",
    ("apps", "name"): "list",
    ("apps", "owner"): "list",
    ("apps", "owner.id"): "list",
    ("databases", "id"): "list",
    ("databases", "name"): "list",
    ("app", "email"): "list",
}
# What it may go without.
OPTIONAL = {
    "collaborators": [
        "app_name",
        "username",
        "user_id",
        "tfa_status",
        "status",
        "is_limited",
        "invitation_link",
    ],
    "app": ["status", "is_limited", "username"],
    "apps": [
        "owner.email",
        "owner.username",
        "project",
        "parent_app_name",
        "hds_resource",
        "created_at",
    ],
    "databases": ["plan", "technology", "project_id"],
}
HOW = ("drop", "null", "set")


def with_a_database(company):
    company.world.create_database("ledger-db", owner="oscar@other.example", region=PARIS)
    company.world.add_member("ledger-db", "olivia@acme.example")
    company.sync()


def spoil(company, kind, how, *names):
    spoilt = [{"kind": how, "field": name, "value": [{"odd": 1}], "rows": 1} for name in names]
    company.fault(path=LISTS[kind], region=PARIS, mutations=spoilt, times=None)


@pytest.mark.parametrize(("kind", "name"), NEEDED)
def test_a_row_without_what_it_needs_is_not_believed_and_said(company, kind, name):
    if kind == "databases":
        with_a_database(company)
    happen(company)
    for how in HOW:
        before = {(app, email) for app, email, _, _ in company.known()}
        spoil(company, kind, how, name)
        run = company.sync()

        assert before <= {(app, email) for app, email, _, _ in company.known()}
        assert run.found["not_understood"] >= 1
        assert "not_understood" in company.reasons()
        ((_, _, _, sentence), *_) = company.problems()
        assert sentence.startswith("A row of Scalingo's answer cannot be believed: ")
        stale = Scope.objects.exclude(stale_since=None).filter(kind=kind)
        assert stale.exists() == (NEEDED[kind, name] == "list")
        company.world.faults.clear()
    recovers(company)


@pytest.mark.parametrize("kind", OPTIONAL)
def test_a_row_may_go_without_the_rest(company, kind):
    if kind == "databases":
        with_a_database(company)
    happen(company)
    for how in HOW:
        names = [name for name in OPTIONAL[kind] if (how, name) != ("set", "user_id")]
        before = {(app, email) for app, email, _, _ in company.known()}
        spoil(company, kind, how, *names)
        company.sync()

        assert before <= {(app, email) for app, email, _, _ in company.known()}
        # Two answers that differ twice in a row are a doubt of their own.
        assert company.reasons() <= {"listing_incomplete"}, company.problems()
        company.world.faults.clear()
    recovers(company)


def test_an_account_of_another_type_is_no_guess(company):
    company.spoil(
        "set", path="/v1/collaborators", region=PARIS, m_field="user_id", m_value=7, m_rows=1
    )
    before = company.known()
    company.sync()

    assert company.known() == before
    assert "not_understood" in company.reasons()


def test_a_field_that_nobody_knows_is_let_pass(company):
    for path in LISTS.values():
        company.spoil("set", path=path, m_field="brand_new", m_value={"x": 1}, times=None)
    happen(company)
    company.sync()

    assert company.run.state == "complete"
    invariants.converged(company)


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [None, {"is_limited": True, "email": "liar@acme.example"}])
def test_an_id_that_comes_twice_puts_its_app_in_doubt(company, words, other):
    happen(company)
    company.spoil(
        "duplicate",
        path="/v1/collaborators",
        region=PARIS,
        m_rows=1,
        m_where={"app_name": "billing-api", "email": "fred@acme.example"},
        m_value=other,
        times=None,
    )
    endures(company, words, reasons={"not_understood"})


def test_only_the_app_in_doubt_keeps_what_it_had(company):
    happen(company)
    company.spoil(
        "duplicate",
        path="/v1/collaborators",
        region=PARIS,
        m_rows=1,
        m_where={"app_name": "billing-api"},
        times=None,
    )
    company.sync()

    assert company.app("billing-api").stale_reason == "not_understood"
    assert company.period("billing-api", "lim@acme.example").role == "limited"
    assert company.period("billing-web", "new@acme.example").status == "pending"
    assert ("billing-api", "not_understood") in {
        (scope, reason) for _, scope, reason, _ in company.problems()
    }


def test_an_app_listed_twice_is_one_app(company, words):
    happen(company)
    company.spoil(
        "duplicate",
        path="/v1/apps",
        region=PARIS,
        m_rows=1,
        m_value={"name": "an-impostor"},
        times=None,
    )
    endures(company, words, reasons={"not_understood"}, kind="apps", known_kept=False)


def test_rows_of_an_app_that_nobody_lists_are_set_aside_and_said(company, words):
    happen(company)
    company.spoil("foreign", path="/v1/collaborators", region=PARIS, m_rows=2, times=None)
    endures(company, words, reasons={"unknown_app"})


def test_rows_of_another_owners_app_are_set_aside_and_said(company, words):
    happen(company)
    other = company.app("other-api").scalingo_id
    company.spoil(
        "foreign", path="/v1/collaborators", region=PARIS, m_rows=2, m_value=other, times=None
    )
    endures(company, words, reasons={"foreign_rows"})


def test_a_row_of_another_app_in_the_answer_about_one_makes_it_no_answer(company, words):
    happen(company)
    other = company.app("other-api").scalingo_id
    company.spoil(
        "foreign", path=f"/v1/apps/{other}/collaborators", region=PARIS, m_rows=1, times=None
    )
    endures(company, words, reasons={"not_understood"}, kind="app")


def test_a_collaborator_of_an_app_that_appears_between_the_two_lists_is_looked_up(company):
    company.fault(
        path="/v1/collaborators",
        region=PARIS,
        acts=[
            {
                "act": "create_app",
                "name": "ledger",
                "owner": "olivia@acme.example",
                "region": PARIS,
            },
            {"act": "invite", "app": "ledger", "email": "new@acme.example"},
        ],
    )
    company.sync()

    assert company.app("ledger").owner.email == "olivia@acme.example"
    company.sync()
    invariants.converged(company)


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_in_pages_is_followed_to_its_end(company, kind):
    happen(company)
    company.spoil("paginate", path=LISTS[kind], m_value=1, times=None)
    company.sync()

    assert company.run.state == "complete", company.problems()
    invariants.converged(company)


def test_a_page_that_fails_makes_the_whole_list_none(company, words):
    happen(company)
    company.fault(path="/v1/collaborators", region=PARIS, query="page=2", status=500, times=None)
    company.spoil("paginate", path="/v1/collaborators", region=PARIS, m_value=2, times=None)
    endures(company, words, reasons={"server_error"}, kind="collaborators")


def test_one_page_again_and_again_is_no_list(company, words):
    happen(company)
    company.spoil(
        "paginate", path="/v1/collaborators", region=PARIS, m_value=2, m_then="repeat", times=None
    )
    endures(company, words, reasons=_ALIKE, kind="collaborators")


def test_a_last_page_that_leads_back_to_the_first_ends_the_list(company):
    happen(company)
    company.spoil("paginate", path="/v1/collaborators", m_value=2, m_then="cycle", times=None)
    company.sync()

    assert company.run.state == "complete", company.problems()
    invariants.converged(company)


@pytest.mark.parametrize("kind", ["apps", "databases", "collaborators"])
def test_an_empty_list_ends_nobody(company, kind):
    company.world.create_database("ledger-db", owner="olivia@acme.example", region=PARIS)
    company.world.add_member("ledger-db", "fred@acme.example", limited=False)
    company.sync()
    before = company.known()
    company.spoil("empty", path=LISTS[kind], times=None)
    for _ in range(3):
        company.sync()

    assert company.known() == before
    recovers(company)


def test_a_strict_part_of_the_apps_makes_the_others_suspect_and_no_more(company):
    before = company.known()
    company.spoil("drop_rows", path="/v1/apps", region=PARIS, m_rows=2, times=None)
    company.sync()

    assert company.known() == before
    assert "not_listed" in company.reasons()


HOSTILE = [
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "a\u202egnp.exe",
    "new\nline",
    "nul\x00nul",
    "\ud800lone",
    "x" * 5000,
    "'; DROP TABLE inventory_person; --",
    "\\N",
    "\t",
    "😀" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_as_text_and_breaks_nothing(company, text):
    spoilt = [
        {"kind": "set", "field": name, "value": text, "where": {"app_name": "billing-api"}}
        for name in ("email", "username", "status")
    ]
    company.fault(path="/v1/collaborators", region=PARIS, mutations=spoilt)
    company.spoil("set", path="/v1/apps", m_field="project.name", m_value=text, m_rows=1)
    company.spoil("set", path="/v1/regions", m_field="display_name", m_value=text, m_rows=1)
    company.sync()
    company.spoil(
        "set", path="/v1/collaborators", region=PARIS, m_field="id", m_value=text, m_rows=1
    )
    company.spoil("set", path="/v1/apps", m_field="name", m_value=text, m_rows=1)
    company.sync()
    recovers(company)


# --- the account ---------------------------------------------------------------------------------


def test_bearers_that_die_half_way_are_renewed_and_nothing_is_missed(company):
    happen(company)
    company.fault(
        path="/v1/**", skip=4, acts=[{"act": "kill_bearers", "who": "olivia@acme.example"}]
    )
    company.sync()

    assert company.run.state == "complete", company.problems()
    assert company.requests()["POST /tokens/exchange"] == 2
    invariants.converged(company)


def test_a_bearer_that_is_over_half_way_is_renewed(company):
    """Each request takes half a minute; the bearer lasts five."""
    company.world.set_bearer_seconds(310)
    company.on_request.append(lambda _: company.later(seconds=30))
    happen(company)
    company.sync()

    assert company.run.state == "complete", company.problems()
    assert company.requests()["POST /tokens/exchange"] == 2


def test_while_tokens_cannot_be_exchanged_nothing_is_asked_and_everything_kept(company, words):
    company.fault(path="/v1/tokens/exchange", status=500, times=None)
    happen(company)
    endures(company, words, reasons={"server_error"}, kind="collaborators")


def test_a_failed_exchange_costs_three_tries_and_no_other_request(company):
    company.fault(path="/v1/tokens/exchange", status=503, times=None)
    company.sync()

    assert set(company.requests()) == {"POST /tokens/exchange"}
    assert company.run.state == "failed"
    assert set(Scope.objects.values_list("stale_reason", flat=True)) == {"server_error"}


def test_a_dead_token_is_said_once_and_the_connection_refused(company, words):
    before = company.known()
    company.world.delete_token("olivia@acme.example", "governance")
    for _ in range(3):
        company.sync()

    assert Connection.objects.get().state == State.REFUSED
    assert company.events("connection.") == ["connection.refused"]
    assert company.known() == before
    assert company.reasons() == {"dead_token"}
    assert set(Scope.objects.values_list("stale_reason", flat=True)) == {"dead_token"}
    _nothing_secret_was_said(company, words)


def test_a_token_that_works_again_is_noticed(company):
    company.fault(path="/v1/tokens/exchange", status=401, body='{"error":"no"}', times=1)
    company.sync()
    assert Connection.objects.get().state == State.REFUSED
    company.sync()

    assert Connection.objects.get().state == State.WORKING
    invariants.converged(company)


def test_a_dead_token_of_one_connection_is_no_matter_to_the_other(company):
    company.connect("oscar@other.example")
    company.sync()
    company.world.delete_token("olivia@acme.example", "governance")
    company.world.invite("other-api", "new@acme.example")
    company.sync()

    assert company.period("other-api", "new@acme.example").status == "pending"


def test_a_token_that_this_process_cannot_open_is_said_and_everything_kept(company, words):
    from governance.connections import keys, sealing

    public, _ = sealing.make_keys()
    before = company.known()
    Connection.objects.update(sealed_token=sealing.seal("tk-us-" + "a" * 40, public))
    company.sync()

    assert keys
    assert company.run.state == "failed"
    assert Connection.objects.get().state == State.UNREADABLE
    assert company.known() == before
    assert company.reasons() == {"no_token"}


def test_shut_out_altogether_it_stops_at_once(company, words):
    happen(company)
    company.fault(
        path="/v1/**", status=403, body="Forbidden", content_type="text/plain", times=None
    )
    company.world.traffic.clear()
    company.sync()

    assert company.world.traffic.total <= 2
    assert company.reasons() == {"blocked"}
    assert set(Scope.objects.values_list("stale_reason", flat=True)) == {"blocked"}
    company.world.faults.clear()
    company.sync()
    invariants.converged(company)


@pytest.mark.parametrize("nth", range(2, 13, 3))
def test_shut_out_half_way_it_asks_nothing_more(company, nth):
    happen(company)
    company.fault(
        path="/v1/**", skip=nth, status=403, body="Forbidden", content_type="text/plain", times=None
    )
    company.world.traffic.clear()
    before = {(app, email) for app, email, _, _ in company.known()}
    company.sync()

    assert company.world.traffic.total == nth + 1
    assert before <= {(app, email) for app, email, _, _ in company.known()}
    company.world.faults.clear()
    company.sync()
    invariants.converged(company)


def test_own_2fa_that_cannot_be_read_leaves_the_rest_alone(company, words):
    happen(company)
    company.fault(path="/v1/client/tfa", status=500, times=None)
    company.sync()

    assert company.run.state == "partial"
    assert {scope for _, scope, _, _ in company.problems()} == {"two_factor"}
    assert company.person("olivia@acme.example").two_factor == "on"
    invariants.converged(company)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"status": 500},
        {"status": 200, "body": "<html>", "content_type": JSON},
        {"mutations": [{"kind": "empty"}]},
        {"mutations": [{"kind": "drop", "field": "name"}]},
        {"mutations": [{"kind": "set", "field": "api", "value": "https://elsewhere.example"}]},
        {"mutations": [{"kind": "set", "field": "api", "value": 7}]},
    ],
)
def test_regions_that_make_no_sense_lead_nowhere(company, words, spoilt):
    hosts = set()
    company.on_request.append(lambda request: hosts.add(request.url.host))
    before = company.known()
    company.fault(path="/v1/regions", times=None, **spoilt)
    company.sync()

    assert company.run.state in {"partial", "failed"}
    assert company.problems()
    assert company.known() == before
    assert hosts == {httpx.URL(_auth_url()).host}
    assert not Scope.objects.filter(stale_since=None).exists()
    company.world.faults.clear()
    company.sync()
    invariants.converged(company)


def test_a_platform_that_is_wholly_down_is_said_and_everything_kept_for_days(company, words):
    company.fault(path="/v1/**", ending="reset", times=None)
    before = company.known()
    since = None
    for _ in range(4):
        company.sync(after={"days": 1})
        since = since or company.now
    assert company.known() == before
    assert set(Scope.objects.values_list("stale_since", flat=True)) == {since}
    assert company.run.coverage == {"expected": 4, "read": 0, "failed": 4}
    company.world.faults.clear()
    company.sync()
    invariants.converged(company)
