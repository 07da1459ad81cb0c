"""What can be done from the rows of people and of apps, and what is under way on them."""

import re

import pytest

from governance.changes.models import Change
from governance.inventory.models import App
from tests.factories import BatchFactory, ChangeFactory, CollaborationFactory, ago

pytestmark = pytest.mark.django_db
DIALOG = {"HX-Request": "true", "HX-Target": "confirm"}
GOING_ON = {"HX-Request": "true", "HX-Target": "going-on"}


@pytest.fixture(autouse=True)
def company(acting):
    return acting


@pytest.fixture
def browser(client_of, alice):
    return client_of(alice)


@pytest.fixture
def press(browser):
    """What pressing the button of a row answers."""

    def pressed(verb, person, app, **headers):
        return browser.post(
            "/changes/selected/", {"one": f"{verb}:{person.pk}:{app.pk}"}, headers=headers
        )

    return pressed


def buttons(html):
    return re.findall(
        r'<button class="ghost" name="one" value="(\w+):[^"]*" aria-label="([^"]*)"', html
    )


# --- the buttons ----------------------------------------------------------------------------------


def test_each_row_offers_what_can_be_done_with_it(browser, company):
    assert buttons(browser.get(f"/apps/{company.api.pk}/").text) == [
        ("limited", "Role: make limited, ana"),
        ("remove", "Remove: ana"),
        ("collaborator", "Role: make full, ben"),
        ("remove", "Remove: ben"),
        ("again", "Invite again: carl@example.com"),
        ("remove", "Cancel the invitation: carl@example.com"),
    ]
    assert buttons(browser.get(f"/people/{company.ana.pk}/").text) == [
        ("limited", "Role: make limited, billing-api"),
        ("remove", "Remove: billing-api"),
        ("collaborator", "Role: make full, billing-web"),
        ("remove", "Remove: billing-web"),
    ]


@pytest.mark.parametrize("path", ["/people/", "/apps/", "/apps/{api}/", "/people/{ana}/"])
def test_who_may_not_act_is_offered_nothing(client_of, alice, carol, company, path):
    path = path.format(api=company.api.pk, ana=company.ana.pk)

    mine, theirs = (client_of(user).get(path).text for user in (alice, carol))

    for html, offered in ((mine, True), (theirs, False)):
        assert bool(re.search(r'<input type="checkbox" name="(pair|person|app)"', html)) is offered
        assert ('class="selection"' in html) is offered
        assert ("/invite/" in html) is offered


def test_an_app_that_is_gone_offers_nothing(browser, company):
    company.api.gone_at = ago(days=1)
    company.api.save()

    assert buttons(browser.get(f"/apps/{company.api.pk}/").text) == []


# --- one person, one app --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "who", "question", "button", "words"),
    [
        (
            "remove",
            "ana",
            "Remove ana from billing-api?",
            "Remove ana",
            ["changes no variable and no password", "cannot be undone", "API tokens stop"],
        ),
        (
            "collaborator",
            "ben",
            "Make ben a full collaborator on billing-api?",
            "Make ben full",
            ["sees the values of all variables, every database"],
        ),
        (
            "limited",
            "ana",
            "Make ana a limited collaborator on billing-api?",
            "Make ana limited",
            ["keeps the secrets that they have read", "A rotation is opened for 1 app"],
        ),
        (
            "remove",
            "invited",
            "Cancel the invitation of carl@example.com to billing-api?",
            "Cancel the invitation",
            [],
        ),
        (
            "again",
            "invited",
            "Invite carl@example.com to billing-api again?",
            "Cancel and invite again",
            ["The old invitation stops working", "Scalingo sends 1 mail."],
        ),
    ],
)
def test_a_dialog_asks_and_a_page_does_without_script(
    browser, press, company, text, verb, who, question, button, words
):
    person = getattr(company, who)

    dialog = press(verb, person, company.api, **DIALOG)
    address = press(verb, person, company.api)["Location"]
    page = browser.get(address)

    assert dialog.text.lstrip().startswith('<h2 id="confirm-title" >')
    assert "<html" in page.text
    for html in (dialog.text, page.text):
        assert question in text(html)
        assert re.search(rf"<button class=\"button last \w+\">{button}</button>", html)
        for sentence in words:
            assert sentence in text(html)
    assert "data-close data-least" in dialog.text


def test_the_dialog_warns_of_what_may_break(press, company, text):
    App.objects.filter(pk=company.api.pk).update(scm_linker=company.ana)

    words = text(press("remove", company.ana, company.api, **DIALOG).text)

    assert "ana linked billing-api to its repository: its automatic deployments may stop." in words
    assert "Nobody but the owner is left on billing-api who may deploy it." in words


def test_raising_to_full_weighs_as_a_removal(press, company):
    def weight(verb, person):
        return re.search(
            r'class="button last (\w+)"', press(verb, person, company.api, **DIALOG).text
        )[1]

    assert weight("remove", company.ana) == weight("collaborator", company.ben) == "danger"
    assert weight("limited", company.ana) == "primary"


def test_what_is_wrong_is_said_in_the_dialog_and_what_is_right_leaves_it(browser, press, company):
    dialog = press("remove", company.ana, company.api, **DIALOG).text
    address = re.search(r'hx-post="(/changes/plans/[^"]*)"', dialog)[1]

    wrong = browser.post(address, {"reason": ""}, headers=DIALOG)
    right = browser.post(address, {"reason": "Ticket 4711"}, headers=DIALOG)

    assert wrong.status_code == 422
    assert wrong.text.lstrip().startswith('<h2 id="confirm-title"')
    assert "This field is required." in wrong.text
    change = Change.objects.get()
    assert right.status_code == 200
    assert f'"path": "/changes/{change.batch_id}/"' in right["HX-Location"]
    assert (change.kind, change.person, change.app) == ("remove", company.ana, company.api)


def test_why_not_is_said_in_the_dialog(press, company, text):
    dialog = press("remove", company.owner, company.api, **DIALOG).text

    assert (
        "platform owns billing-api until they transfer its project to somebody else on Scalingo."
        in text(dialog)
    )
    assert "<form" not in dialog


@pytest.mark.parametrize(
    "data",
    [{}, {"one": "remove"}, {"one": "burn:a:b"}, {"do": "remove"}, {"do": "x", "pair": "a:b"}],
)
def test_nothing_selected_is_said(browser, company, data):
    answer = browser.post("/changes/selected/", {**data, "of_app": company.api.pk})

    assert (answer.status_code, answer["Location"]) == (303, f"/apps/{company.api.pk}/")
    assert "Select somebody first." in browser.get(answer["Location"]).text


# --- several of them ------------------------------------------------------------------------------


def test_those_selected_go_into_one_plan(browser, company, rows):
    pairs = [f"{person.pk}:{company.api.pk}" for person in (company.ana, company.ben)]

    page = browser.post("/changes/selected/", {"do": "remove", "pair": pairs})
    script = browser.post("/changes/selected/", {"do": "remove", "pair": pairs}, headers=DIALOG)

    assert [row.split(" osc")[0] for row in rows(browser.get(page["Location"]).text)] == [
        "ana ana.lopez@example.com billing-api",
        "ben ben@agency.test billing-api",
    ]
    assert '"path": "/changes/plans/' in script["HX-Location"]


def test_the_boxes_of_the_lists_lead_to_the_pages_for_several(browser, company):
    people, apps = browser.get("/people/").text, browser.get("/apps/").text

    for html in (people, apps):
        assert '<form class="selection" method="get" action="/invite/">' in html
        assert 'formaction="/changes/roles/"' in html
        assert 'formaction="/changes/removals/"' in html
    assert (
        f'<input type="checkbox" name="person" value="{company.ana.pk}" aria-label="Select ana">'
        in people
    )
    assert (
        f'<input type="checkbox" name="app" value="{company.api.pk}"'
        ' aria-label="Select billing-api">' in apps
    )
    branch = browser.get(
        f"/apps/?show={company.api.pk}",
        headers={"HX-Request": "true", "HX-Target": f"app-{company.api.pk}"},
    ).text
    assert branch.count('<input type="checkbox"') == 1
    form = browser.get(f"/changes/removals/?person={company.ana.pk}").text
    assert "ana.lopez@example.com</textarea>" in form


def test_a_box_says_a_hostile_name_as_text(browser, company):
    company.api.name = '<b>"x"\\1'
    company.api.save()

    html = browser.get("/apps/").text

    assert 'aria-label="Select &lt;b&gt;&quot;x&quot;\\1"' in html


# --- what is under way ----------------------------------------------------------------------------


@pytest.fixture
def removal(company, alice):
    return ChangeFactory(
        batch=BatchFactory(decided_by=alice, purpose="remove"),
        app=company.api,
        person=company.ana,
        email=company.ana.email,
        removal=True,
    )


def row_of(html, name):
    return next(row for row in re.findall(r"<tr.*?</tr>", html, re.S) if f">{name}</a>" in row)


@pytest.mark.parametrize("page", ["/apps/{change.app_id}/", "/people/{change.person_id}/"])
def test_a_row_says_what_is_under_way_and_who_asked_for_it(
    client_of, bob, alice, removal, text, page
):
    path = page.format(change=removal)
    name = "ana" if "apps" in path else "billing-api"

    for user in (alice, bob):
        html = client_of(user).get(path).text
        row = row_of(html, name)
        assert re.search(r"Being removed asked by Alice \d\d:\d\d", text(row))
        assert f'href="/changes/{removal.batch_id}/"' in row
        assert "Accepted" in row
        assert "<button" not in row
        assert "1 change is under way" in text(html)
        assert re.search(r"can be cancelled for \d+ s", text(html))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "invite"}, "Being invited"),
        ({"kind": "cancel", "role": ""}, "Invitation being cancelled"),
        ({"kind": "change_role", "role": "collaborator"}, "Becoming full"),
        ({"kind": "change_role"}, "Becoming limited"),
        ({"due_at": ago(seconds=1)}, "waits for its turn"),
        ({"told": True}, "Scalingo said yes; not read again yet"),
        ({"unknown": True}, "whether it was done is not known"),
        (
            {"state": "telling", "tells": 1, "leased_until": ago(minutes=-1)},
            "Scalingo is being told",
        ),
    ],
)
def test_each_kind_and_state_has_its_words(browser, company, text, fields, words):
    ChangeFactory(app=company.api, email="new@example.com", **fields)

    assert words in text(browser.get(f"/apps/{company.api.pk}/").text)


def test_an_address_and_its_person_are_the_same(browser, company, removal, text):
    removal.person, removal.email, removal.address = (
        None,
        "ANA.Lopez@example.com",
        company.ana.email,
    )
    removal.save()

    for path in (f"/apps/{company.api.pk}/", f"/people/{company.ana.pk}/"):
        assert "Being removed" in text(browser.get(path).text)


@pytest.mark.parametrize("page", ["/apps/{change.app_id}/", "/people/{change.person_id}/"])
def test_it_is_asked_again_until_it_is_over_and_then_the_rows_are_read_anew(browser, removal, page):
    path = page.format(change=removal)
    part = browser.get(path, headers=GOING_ON)
    assert part.text.lstrip().startswith('<section id="going-on"')
    assert 'hx-trigger="every 4s"' in part.text
    assert "HX-Trigger-After-Settle" not in part

    removal.state, removal.ended_at, removal.code = "failed", ago(), "given_up"
    removal.save()
    last = browser.get(path, headers=GOING_ON)

    assert last.text.strip() == '<div id="going-on" hidden></div>'
    assert "changes-over" in last["HX-Trigger-After-Settle"]
    assert "Being removed" not in browser.get(path).text


def test_a_viewer_of_a_project_does_not_see_what_is_under_way_elsewhere(
    client_of, of_billing, company, text
):
    CollaborationFactory(app=company.index, person=company.ana)
    ChangeFactory(app=company.index, person=company.ana, removal=True)

    assert "under way" not in text(client_of(of_billing).get(f"/people/{company.ana.pk}/").text)


@pytest.mark.parametrize("page", ["/apps/{change.app_id}/", "/people/{change.person_id}/"])
def test_acting_costs_no_query_more(browser, removal, company, assert_same_cost, queries_of, page):
    path = page.format(change=removal)

    def grow():
        for _number in range(5):
            ChangeFactory(app=company.api)
            ChangeFactory(person=company.ana, removal=True)

    assert_same_cost(grow, lambda: browser.get(path))
    assert len(queries_of(lambda: browser.get(path))) <= 6
