"""Invite: put these people on these apps, after a look at what will happen."""

import re
from datetime import timedelta

import pytest

from governance.audit.models import Event
from governance.changes.models import Batch, Change, Preview
from governance.inventory.models import App, Collaboration
from tests.factories import AppFactory, CollaborationFactory, ProjectFactory

pytestmark = pytest.mark.django_db
REASON = "Ticket 4711"


@pytest.fixture(autouse=True)
def company(acting):
    return acting


@pytest.fixture
def browser(client_of, alice):
    return client_of(alice)


@pytest.fixture
def ask(browser, text):
    def post(status=303, **data):
        response = browser.post("/invite/", data)
        assert response.status_code == status, text(response.text)
        return response

    return post


@pytest.fixture
def preview(browser, ask):
    """The page of the plan for these people and apps, and its address."""

    def planned(people, *apps, **data):
        address = ask(people=people, app=[app.pk for app in apps], **data)["Location"]
        return browser.get(address).text, address

    return planned


def choices(html):
    return re.findall(r'name="app" value="[^"]*"[^>]*><bdi>([^<]*)', html)


def test_from_paste_to_progress(browser, preview, company, rows):
    html, address = preview("new@example.com, Zoe <zoe@example.com>", company.api, company.web)
    assert "Send 4 invitations" in html

    answer = browser.post(address, {"reason": REASON})

    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/changes/{batch.pk}/")
    assert {(change.email, change.app, change.role) for change in batch.changes.all()} == {
        (email, app, "limited")
        for email in ("new@example.com", "zoe@example.com")
        for app in (company.api, company.web)
    }
    page = browser.get(answer["Location"]).text
    assert len(rows(page)) == 4
    assert all("Waiting Scalingo is not told yet." in row for row in rows(page))
    assert REASON in page


# --- the form -------------------------------------------------------------------------------------


def test_the_role_is_limited_unless_somebody_says_otherwise(browser, preview, company):
    form = browser.get("/invite/").text
    [limited] = re.findall(r'<input type="radio" name="role" id="role-limited"[^>]*>', form)
    assert "checked" in limited
    assert "Sees the names of variables, not their values" in form
    assert "invites and removes others" in form

    _html, address = preview("new@example.com", company.api)
    browser.post(address, {"reason": REASON})
    _html, address = preview("other@example.com", company.api, role="collaborator")
    browser.post(address, {"reason": REASON})

    assert [change.role for change in Change.objects.order_by("due_at")] == [
        "limited",
        "collaborator",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"people": ""}, "People</a>: This field is required."),
        ({"people": " ,; \n"}, "People</a>: "),
        ({"people": "\0"}, "People</a>: "),
        ({"app": []}, "Choose at least one app, project, or all."),
        ({"app": ["no id", "0" * 32]}, "None of these apps is there any more."),
        ({"role": "owner"}, "Select a valid choice."),
        ({"people": "\n".join(f"p{n}@example.com" for n in range(501))}, "at most 500"),
        ({"people": "x" * 70_000}, "at most 60000 characters"),
    ],
)
def test_what_cannot_be_planned_is_said_at_its_field_and_kept(ask, company, data, words):
    sent = {"people": "new@example.com", "app": [company.api.pk], "role": "limited", **data}

    html = ask(422, **sent).text

    assert words in html
    assert not Preview.objects.exists()
    if "people" not in data:
        assert "new@example.com</textarea>" in html
    if "app" not in data:
        assert re.search(f'value="{company.api.pk}" checked', html)


def test_more_changes_than_anybody_reads_are_planned_in_parts(ask, company):
    people = "\n".join(f"p{n}@example.com" for n in range(500))
    for number in range(2):
        AppFactory(name=f"more-{number}")

    html = ask(422, people=people, everything="1").text

    assert "500 people on 6 apps are 3000 changes. Plan at most 2000." in html


def test_apps_are_chosen_by_name_by_project_or_all(ask, company):
    def planned(**data):
        ask(people="new@example.com", **data)
        newest = Preview.objects.order_by("-made_at").first()
        return [row["app_name"] for row in newest.rows["rows"]]

    assert planned(app=[company.index.pk]) == ["shop-index"]
    assert planned(project=[company.billing.pk]) == ["billing-api", "billing-web"]
    assert planned(project=[company.billing.pk], app=[company.index.pk, company.api.pk]) == [
        "billing-api",
        "billing-web",
        "shop-index",
    ]
    assert planned(everything="1") == ["billing-api", "billing-web", "shop-index", "shop-old"]


def test_searching_for_apps_keeps_what_was_typed_and_chosen(browser, company):
    gone = AppFactory(name="shop-gone", gone=True)
    data = {"people": "half an addr", "app": [company.api.pk], "q": "shop", "find": "1"}

    page = browser.post("/invite/", data)

    assert page.status_code == 200
    assert choices(page.text) == ["billing-api", "shop-index", "shop-old"]
    assert gone.name not in page.text
    assert "half an addr</textarea>" in page.text
    assert re.search(f'value="{company.api.pk}" checked', page.text)
    assert "form-errors" not in page.text
    part = browser.post("/invite/", data, headers={"HX-Request": "true", "HX-Target": "choice"})
    assert part.text.lstrip().startswith('<fieldset id="choice"')
    assert choices(part.text) == choices(page.text)


def test_a_selection_in_a_list_leads_here(browser, company):
    query = f"?person={company.ana.pk}&person={company.invited.pk}&app={company.index.pk}"

    html = browser.get(f"/invite/{query}&person=nonsense").text

    assert "ana.lopez@example.com\ncarl@example.com</textarea>" in html
    assert re.search(f'value="{company.index.pk}" checked', html)


def test_of_many_apps_the_first_are_shown_and_those_chosen(browser):
    project = ProjectFactory(name="zzz")
    last = [AppFactory(name=f"many-{number:03}", project=project) for number in range(260)][-1]

    html = browser.get(f"/invite/?app={last.pk}").text

    assert len(choices(html)) == 200
    assert "many-259" in choices(html)
    assert "The first 200 of 264 apps are shown." in html
    assert len(html) < 100_000


# --- the plan -------------------------------------------------------------------------------------


def test_each_person_and_app_says_what_will_happen_or_why_not(preview, company, rows, text):
    people = "new@example.com, ana.lopez@example.com, carl@example.com, platform@example.com"

    html, _address = preview(people, company.api, company.index)

    assert rows(html) == [
        "new@example.com Will be invited Will be invited",
        "ana ana.lopez@example.com Already on it now collaborator Will be invited",
        "carl@example.com Already invited now limited collaborator Will be invited",
        "platform platform@example.com Owner now owner Owner now owner",
    ]
    words = text(html)
    assert "4 of 8 will not happen" in words
    assert "ana is on billing-api already, as collaborator." in words
    assert "carl@example.com is invited to billing-api already" in words
    assert "until they transfer its project to somebody else on Scalingo" in words
    assert "Send 4 invitations" in words
    assert "Scalingo sends 4 mails, one for each invitation." in words
    assert "For 30 s it can be cancelled; only then is Scalingo told." in words
    assert "Telling Scalingo takes about 3 s, 6 requests; up to 1 min while a sync runs." in words


def test_a_malformed_address_among_forty_says_so_and_the_others_go_on(
    browser, preview, company, rows
):
    people = [f"p{number}@example.com" for number in range(39)]

    html, address = preview("\n".join([*people[:20], "p20@", *people[20:]]), company.api)
    browser.post(address, {"reason": REASON})

    assert len(rows(html)) == 40
    assert rows(html)[20] == "p20@ Not an address p20@ is not an address."
    assert "Send 39 invitations" in html
    assert set(Change.objects.values_list("email", flat=True)) == set(people)


def test_many_apps_of_one_person_are_a_list_and_many_people_a_matrix(preview, company, rows):
    apps = [
        AppFactory(name=f"app-{number}", digest=b"d", scope=company.api.scope)
        for number in range(58)
    ]

    html, _address = preview("one@example.com", *apps, company.api, company.web)
    assert len(rows(html)) == 60
    assert 'class="table dense"' in html

    people = "\n".join(f"p{number}@example.com" for number in range(20))
    html, _address = preview(people, *apps[:5])
    assert len(rows(html)) == 20
    assert "matrix" in html
    assert rows(html)[0].count("Not allowed") == 5
    assert "No connection may change who is on app-0." in html
    assert "Nothing of this would happen" in html
    assert '<button class="button primary"' not in html


def test_a_long_plan_is_paged_and_small(browser, preview, company, rows):
    people = "\n".join(f"somebody-{number:03}@example.com" for number in range(400))

    html, address = preview(people, company.api, company.web)
    seen = rows(html)
    while more := re.search(r'rel="next" href="(\?page=\d+)#rows"', html):
        assert len(html) < 100_000
        html = browser.get(f"{address}{more[1]}").text
        seen += rows(html)

    assert len(seen) == len(set(seen)) == 400
    for number in ("0", "-1", "99", "x", "²", "9" * 400):
        assert browser.get(f"{address}?page={number}").status_code == 200


def test_whatever_people_are_called_is_shown_as_text(preview, company):
    evil = "new\"&'@example"
    app = AppFactory(name="<img src=x>", digest=b"d", scope=company.api.scope)

    html, _address = preview(evil, app, company.api)

    assert "<img" not in html
    assert "new&quot;&amp;&#x27;@example is not an address." in html


# --- placing it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "   ", "why?", "x" * 501])
def test_without_a_reason_nothing_is_placed(browser, preview, company, reason):
    _html, address = preview("new@example.com", company.api)

    answer = browser.post(address, {"reason": reason})

    assert answer.status_code == 422
    assert "autofocus" in re.search(r'<input[^>]*name="reason"[^>]*>', answer.text)[0]
    assert not Batch.objects.exists()


def test_a_form_sent_twice_is_one_batch(browser, preview, company):
    _html, address = preview("new@example.com", company.api)
    first = browser.post(address, {"reason": REASON})

    second = browser.post(address, {"reason": "Something else"})

    assert (second.status_code, second["Location"]) == (303, first["Location"])
    assert "This was sent before" in browser.get(second["Location"]).text
    assert Change.objects.count() == 1
    assert browser.get(address)["Location"] == first["Location"]


def test_a_plan_is_its_makers_and_a_day_old_at_most(
    browser, preview, company, client_of, make_user
):
    _html, address = preview("new@example.com", company.api)
    other = client_of(make_user("erin", "admin"))

    assert other.get(address).status_code == 404
    assert other.post(address, {"reason": REASON}).status_code == 404
    preview = Preview.objects.get()
    preview.made_at -= timedelta(hours=25)
    preview.save()
    assert browser.get(address).status_code == 404
    assert browser.post(address, {"reason": REASON}).status_code == 404
    assert not Batch.objects.exists()


def test_where_the_facts_changed_the_row_is_refused_and_says_so(browser, preview, company, rows):
    _html, address = preview("new@example.com, ben@agency.test", company.web)
    CollaborationFactory(app=company.web, person=company.ben)

    answer = browser.post(address, {"reason": REASON})

    html = browser.get(answer["Location"]).text
    assert "1 of 2 was not placed: something changed since the plan was shown." in html
    [refused] = [row for row in rows(html) if row.startswith("ben ")]
    assert "Refused Something changed since the plan was shown, so it was not told." in refused
    assert (
        "new@example.com billing-web osc-fr1 Invite as limited collaborator Waiting"
        in rows(html)[0]
    )


def test_of_two_admins_the_second_is_told_who_was_first(
    browser, preview, company, client_of, make_user, rows
):
    other = client_of(make_user("erin", "admin"))
    asked = other.post("/invite/", {"people": "new@example.com", "app": [company.api.pk]})
    _html, address = preview("New@example.com", company.api)
    other.post(asked["Location"], {"reason": "Erin's ticket"})

    answer = browser.post(address, {"reason": REASON})
    late, _address = preview("new@EXAMPLE.com", company.api)

    assert "Erin decided about them first." in rows(browser.get(answer["Location"]).text)[0]
    assert "Erin decided about new@EXAMPLE.com on billing-api first; that is under way." in late
    assert Change.objects.open().count() == 1


def test_who_lost_the_right_meanwhile_is_refused(browser, preview, company, alice):
    _html, address = preview("new@example.com", company.api)
    alice.roles = ["viewer"]
    alice.save()

    answer = browser.post(address, {"reason": REASON})

    assert answer.status_code == 403
    assert "Only admins can change who has access." in answer.text
    assert not Batch.objects.exists()
    assert Event.objects.of_kind("user.refused").count() == 1


def test_what_is_gone_from_the_plan_when_all_is_gone(browser, preview, company):
    _html, address = preview("new@example.com", company.api)
    App.objects.update(gone_at="2026-01-01T00:00Z")

    answer = browser.post(address, {"reason": REASON})

    assert answer.status_code == 303
    assert Change.objects.get().state == "refused"


# --- what it costs --------------------------------------------------------------------------------


def test_the_form_costs_the_same_for_many_apps(browser, company, assert_same_cost, queries_of):
    def grow():
        for number in range(20):
            AppFactory(name=f"n-{number}", project=ProjectFactory())

    def call():
        assert browser.get(f"/invite/?person={company.ana.pk}").status_code == 200

    assert_same_cost(grow, call)
    # session, user, the people, how many apps, the apps, the frame
    assert len(queries_of(call)) == 6


def test_the_plan_costs_the_same_for_many_rows(browser, preview, company, queries_of):
    _html, little = preview("one@example.com", company.api)
    people = "\n".join(f"p{number}@example.com" for number in range(100))
    _html, much = preview(people, company.api, company.web, company.index)
    browser.get(little)

    # session, user, whether it was placed, the plan, the frame
    assert len(queries_of(lambda: browser.get(little))) == 5
    assert len(queries_of(lambda: browser.get(much))) == 5


def test_asking_costs_the_same_for_many_rows(ask, company, assert_same_cost):
    people = ["one@example.com"]

    def grow():
        people.extend(f"p{number}@example.com" for number in range(60))
        for number in range(10):
            CollaborationFactory(app=company.api)
            AppFactory(name=f"n-{number}", project=company.billing)

    assert_same_cost(grow, lambda: ask(people=",".join(people), project=[company.billing.pk]))
    assert Collaboration.objects.count() > 10
