"""What an admin comes for: invite, change roles, remove, offboard; and to see that it became true.

Nothing tells Scalingo here: a test lets a change be told, or read again, as a worker would.
"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from governance.changes.models import Change
from governance.inventory.models import App, Collaboration, Role, Status
from tests.browser.conftest import NARROWEST
from tests.browser.test_every_page import LOOKS, complaints_of, is_wider_than_its_window

REASON = "Ticket 4711"


@pytest.fixture
def member(db):
    """Somebody limited on an app that has others too."""
    return (
        Collaboration.objects.open()
        .filter(role=Role.LIMITED, status=Status.ACCEPTED, app__name="billing-web")
        .select_related("app", "person")
        .order_by("person__email")
        .first()
    )


def told():
    Change.objects.filter(state="waiting").update(
        state="told", tells=1, told_at=timezone.now(), due_at=timezone.now() - timedelta(minutes=1)
    )


def read_again():
    Change.objects.filter(state="told").update(
        state="verified", verified_at=timezone.now(), ended_at=timezone.now()
    )


def renew(page, script):
    """With JavaScript a page looks again by itself."""
    if not script:
        page.get_by_role("link", name="Look again").click()


def invite(page, people, *apps):
    page.goto("/invite/")
    page.get_by_label("People").fill(people)
    for app in apps:
        page.get_by_label(app, exact=True).check()
    page.get_by_role("button", name="Show what will happen").click()


# --- journeys -------------------------------------------------------------------------------------


def test_twenty_people_are_invited_to_five_apps_and_seen_to_be(open_page, script):
    page = open_page("ada", script=script)
    people = [f"Person {number} <new{number}@brumelle.example>" for number in range(19)]

    invite(
        page,
        "\n".join([*people, "not an address"]),
        *("billing-api", "billing-web", "billing-mailer", "billing-worker", "payments-gateway"),
    )

    expect(page.get_by_role("heading", level=1)).to_have_text("Invite 19 people to 5 apps?")
    table = page.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(21)
    expect(table.get_by_text("not an address is not an address.")).to_be_visible()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Send 95 invitations").click()

    expect(page.locator("#progress-title")).to_have_text("Scalingo is not told yet")
    expect(page.get_by_text("95 waiting")).to_be_visible()
    told()
    renew(page, script)
    expect(page.get_by_text("95 told")).to_be_visible()
    read_again()
    renew(page, script)
    expect(page.get_by_text("All of it was read again, and is so")).to_be_visible(timeout=12_000)


def test_apps_are_found_by_typing_and_what_was_chosen_stays(open_page, script):
    page = open_page("ada", script=script)
    page.goto("/invite/")
    page.get_by_label("People").fill("new@brumelle.example")
    page.get_by_label("billing-api", exact=True).check()

    page.get_by_label("Search apps and projects").fill("booking-web")
    if script:
        expect(page.get_by_label("billing-mailer", exact=True)).to_have_count(0)
        expect(page.get_by_label("Search apps and projects")).to_be_focused()
    else:
        page.get_by_role("button", name="Search").click()
    page.get_by_label("booking-web", exact=True).check()

    expect(page.get_by_label("billing-api", exact=True)).to_be_checked()
    expect(page.get_by_label("People")).to_have_value("new@brumelle.example")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invite 1 person to 2 apps?")


def test_while_it_waits_one_or_all_can_be_cancelled(open_page, script):
    page = open_page("ada", script=script)
    invite(page, "a@brumelle.example, b@brumelle.example, c@brumelle.example", "billing-api")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Send 3 invitations").click()
    expect(page.get_by_text("3 waiting")).to_be_visible()

    page.get_by_role("button", name="Cancel: a@brumelle.example, billing-api").click()
    expect(page.get_by_text("2 waiting")).to_be_visible()
    expect(page.get_by_text("1 change is cancelled.")).to_be_visible()
    page.get_by_role("button", name="Cancel all 2 that wait").click()

    expect(page.get_by_text("3 cancelled")).to_be_visible()
    expect(page.get_by_text("Ada Martin cancelled it before Scalingo was told.")).to_have_count(3)
    assert set(Change.objects.values_list("state", flat=True)) == {"cancelled"}
    page.get_by_role("button", name="Try 3 again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Try again for 3 people on 1 app?")


def test_somebody_is_removed_from_an_app(open_page, script, member):
    page = open_page("ada", script=script)
    page.watch.expected += ["422"]
    name = member.person.display_name
    page.goto(f"/apps/{member.app_id}/")

    page.get_by_role("button", name=f"Remove: {name}", exact=True).click()

    asked = page.get_by_role("alertdialog" if script else "main")
    question = f"Remove {name} from billing-web?"
    expect(asked.get_by_role("heading", name=question).first).to_be_visible()
    expect(asked.get_by_text("changes no variable and no password")).to_be_visible()
    if script:
        expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    asked.get_by_role("button", name=f"Remove {name}", exact=True).click()
    expect(asked.get_by_label("Reason")).to_be_focused()
    asked.get_by_label("Reason").fill(REASON)
    asked.get_by_role("button", name=f"Remove {name}", exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Remove {name} from billing-web")
    page.goto(f"/apps/{member.app_id}/")
    row = page.get_by_role("row", name=re.compile(rf"^{name} "))
    expect(row.get_by_text("Being removed")).to_be_visible()
    expect(row.get_by_role("link", name=re.compile("asked by Ada Martin"))).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    told()
    Collaboration.objects.filter(pk=member.pk).update(ended_at=timezone.now())
    read_again()
    if not script:
        page.reload()
    expect(page.get_by_text("1 change is under way")).to_be_hidden()
    expect(row).to_be_hidden()


def test_escape_leaves_the_dialog_and_the_focus_where_it_was(open_page, member):
    page = open_page("ada")
    page.goto(f"/apps/{member.app_id}/")
    button = page.get_by_role("button", name=f"Remove: {member.person.display_name}", exact=True)

    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("alertdialog")).to_be_hidden()
    expect(button).to_be_focused()
    assert not Change.objects.exists()


def test_a_raise_to_full_says_what_becomes_visible(open_page, script, member):
    page = open_page("ada", script=script)
    name = member.person.display_name
    page.goto(f"/people/{member.person_id}/")

    page.get_by_role("button", name="Role: make full, billing-web", exact=True).click()
    expect(page.get_by_text("sees the values of all variables, every database")).to_be_visible()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name=f"Make {name} full").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Change the role of {name} on billing-web"
    )
    assert Change.objects.get().role == Role.COLLABORATOR


def test_those_selected_in_a_list_are_taken_to_where_they_are_removed(open_page, script):
    page = open_page("ada", script=script)
    page.goto("/people/")
    bar = page.get_by_role("button", name="Remove")
    expect(bar).to_be_hidden()

    page.get_by_label("Select adiallo").check()
    page.get_by_label("Select agirard").check()
    bar.click()

    expect(page.get_by_role("heading", level=1, name="Remove people")).to_be_visible()
    people = page.get_by_label("People").input_value()
    assert people.split() == ["aicha.diallo@brumelle.example", "antoine.girard@brumelle.example"]
    page.get_by_label("All apps that they are on").check()
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Remove 2 people from ")
    expect(
        page.get_by_label(re.compile("Type how many accesses and invitations end"))
    ).to_be_visible()


def test_one_box_selects_all_that_are_shown(open_page):
    page = open_page("ada")
    page.goto("/people/?q=girard")
    boxes = page.get_by_role("table").get_by_role("checkbox")

    page.get_by_label(re.compile("Select all .* shown")).check()
    expect(page.locator(".picked")).to_be_visible()
    assert all(box.is_checked() for box in boxes.all())
    page.get_by_label(re.compile("Select all .* shown")).uncheck()

    assert not any(box.is_checked() for box in boxes.all())


def test_an_app_selected_in_the_tree_is_chosen_to_invite_to(open_page, script):
    page = open_page("ada", script=script)
    page.goto("/apps/?q=billing-api")

    page.get_by_label("Select billing-api", exact=True).check()
    app = page.get_by_role("button", name="billing-api", exact=True)
    app.click()  # opens it
    expect(app).to_have_attribute("aria-expanded", "true")
    page.get_by_label("Select billing-api", exact=True).check()
    page.get_by_role("button", name="Invite").click()

    expect(page.get_by_label("billing-api", exact=True)).to_be_checked()


def test_somebody_is_offboarded_at_a_set_time(open_page, script, member):
    page = open_page("ada", script=script)
    person = member.person
    later = timezone.localtime() + timedelta(days=2)
    page.goto(f"/people/{person.pk}/")

    page.get_by_role("button", name="Offboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Offboard {person.display_name}?")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_label("At a set time").check()
    page.get_by_label("Day").fill(f"{later:%Y-%m-%d}")
    page.get_by_label("Time", exact=True).fill("18:30")
    page.get_by_label(re.compile("^Type the address")).fill(person.email)
    page.get_by_role("button", name=f"Offboard {person.display_name}").click()

    expect(page.get_by_text("Waiting for the time that was set")).to_be_visible()
    due = {timezone.localtime(at) for at in Change.objects.values_list("due_at", flat=True)}
    assert due == {later.replace(hour=18, minute=30, second=0, microsecond=0)}
    assert Change.objects.filter(kind="remove").count() > 1


def test_the_result_is_downloaded(open_page, script):
    page = open_page("ada", script=script)
    invite(page, "a@brumelle.example", "billing-api")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Invite a@brumelle.example").click()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download the result").click()

    text = download.value.path().read_text(encoding="utf-8-sig")
    assert '"a@brumelle.example"' in text
    assert "Ticket 4711" in text


# --- each page, looked at -------------------------------------------------------------------------


@pytest.fixture
def prepared(open_page, member):
    """The pages of acting by name, each with something worth looking at."""

    def pages(page):
        people = "\n".join(f"new{number}@brumelle.example" for number in range(12))
        invite(page, f"{people}\nnonsense\n{member.person.email}", "billing-api", "billing-web")
        matrix = page.url
        page.goto(f"/people/{member.person_id}/")
        page.get_by_role("button", name="Offboard").click()
        page.wait_for_url("**/changes/plans/**")
        offboard = page.url
        page.goto(matrix)
        page.get_by_label("Reason").fill("The summer school")
        page.get_by_role("button", name=re.compile("^Send")).click()
        page.wait_for_url(re.compile(r"/changes/[0-9a-f-]{36}/$"))
        states = ["told", "verified", "failed", "refused", "unknown", "telling"]
        now = timezone.now()
        for change, state in zip(Change.objects.order_by("position"), states, strict=False):
            change.state = state
            change.told_at = now if state in ("told", "verified") else None
            change.verified_at = now if state == "verified" else None
            change.ended_at = now if state in ("verified", "failed", "refused") else None
            change.leased_until = now + timedelta(minutes=9) if state == "telling" else None
            change.save()
        batch = page.url
        invite(
            page,
            "one@brumelle.example\ntwo@brumelle.example\nnonsense",
            "billing-api",
            "billing-web",
        )
        return {
            "invite": "/invite/",
            "roles": "/changes/roles/",
            "removals": "/changes/removals/",
            "plan": page.url,
            "offboard": offboard,
            "batch": batch,
            "changes": "/changes/",
            "changes-none": "/changes/?app=nowhere&state=god",
            "app-under-way": f"/apps/{member.app_id}/",
            "people": "/people/",
            "apps": "/apps/",
            "person": f"/people/{member.person_id}/",
            "overview": "/",
        }

    return pages


@pytest.mark.long
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, prepared):
    page = open_page("ada")
    found = {}

    for name, path in prepared(page).items():
        answer = page.goto(path)
        assert len(answer.body()) < 100_000, name
        for theme, size in LOOKS:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.set_viewport_size({"width": size[0], "height": size[1]})
            found[name, theme, size] = complaints_of(page)
        for width in (NARROWEST[0], 900, 1100):
            page.set_viewport_size({"width": width, "height": 800})
            found[name, width] = ["too wide"] if is_wider_than_its_window(page) else []

    assert {where: what for where, what in found.items() if what} == {}


def test_axe_finds_nothing_in_the_dialog_nor_beside_a_selection(open_page, member):
    page = open_page("ada")
    page.goto(f"/apps/{member.app_id}/")
    page.get_by_label(f"Select {member.person.display_name}", exact=True).check()
    expect(page.get_by_text("selected", exact=True)).to_be_visible()

    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert complaints_of(page) == []

    page.get_by_role("button", name=f"Remove: {member.person.display_name}", exact=True).click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        assert complaints_of(page) == []


@pytest.mark.parametrize("path", ["/people/", "/apps/{app}/", "/people/{person}/"])
def test_no_button_of_a_row_is_cut_off(open_page, member, path):
    page = open_page("ada")
    page.goto(path.format(app=member.app_id, person=member.person_id))

    for width in (320, 390, 860, 900, 1080, 1100, 1240, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        cut = page.evaluate(
            """() => [...document.querySelectorAll('.selection button, .selection tbody input')]
                .filter(one => one.offsetParent)
                .filter(one => {
                    one.scrollIntoView({block: 'nearest', inline: 'nearest'});
                    const card = one.closest('.card').getBoundingClientRect();
                    return one.getBoundingClientRect().right > card.right + 1;
                })
                .map(one => one.outerHTML)"""
        )
        assert cut == [], width


def test_a_viewer_is_offered_nothing_and_refused_all(open_page):
    page = open_page("vera")
    page.watch.expected += ["403"]

    page.goto("/changes/")
    expect(page.get_by_role("link", name="Invite")).to_have_count(0)
    page.goto("/invite/")

    expect(page.get_by_text("Only admins can change who has access.")).to_be_visible()
    assert App.objects.exists()
