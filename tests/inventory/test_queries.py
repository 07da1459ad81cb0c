"""The questions behind the pages, asked of a database."""

import contextlib

import pytest
from django.db import connection, transaction
from django.utils import timezone

from governance.core import cursor
from governance.facts.models import AppFact, PersonFact
from governance.inventory.models import App, Collaboration, Person, Project
from governance.inventory.queries import branches as leaves
from governance.inventory.queries import people, tree
from governance.inventory.queries.access import apps_of, people_of
from governance.inventory.queries.history import changes_of_app, changes_of_person
from governance.inventory.queries.newest import Memory
from governance.inventory.queries.tallies import Tally
from governance.inventory.queries.totals import Counted, Place, counting, totals
from tests.factories import (
    AppFactory,
    AppPeriodFactory,
    AttributionFactory,
    CollaborationFactory,
    PersonFactory,
    ProjectFactory,
    RegionFactory,
    TwoFactorPeriodFactory,
    ago,
)


def names(found):
    return [one.name for one in found.heads]


def walk(ask):
    """Every row of every page, forwards, then backwards from the last page: both as ids."""
    forth, page = [], ask()
    for _page in range(50):
        forth.append([row_id(row) for row in rows_of(page)])
        if page.after is None:
            break
        page = ask(after=page.after)
    back = [forth[-1]]
    for _page in range(50):
        if page.before is None:
            break
        page = ask(before=page.before)
        back.insert(0, [row_id(row) for row in rows_of(page)])
    return forth, back


def rows_of(page):
    return page.heads if isinstance(page, tree.Page) else page.rows


def row_id(row):
    return getattr(row, "collaboration_id", None) or (getattr(row, "kind", ""), row.id)


# --- people ---------------------------------------------------------------------------------------


def test_people_are_those_with_access_now(company, bob):
    left = CollaborationFactory(app=company.api, ended=True).person

    found = set(people.listed(bob))

    assert found == {company.owner, company.ana, company.ben, company.invited}
    assert set(people.listed(bob, people.Where(gone=True))) == {left}


def test_one_collaboration_must_meet_all_that_is_asked(company, bob):
    where = people.Where(roles=("collaborator",), app="billing-web")

    assert not people.listed(bob, where).exists()  # ana is full on another app
    assert people.listed(bob, people.Where(roles=("limited",), app="billing-web")).get() == (
        company.ana
    )


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"statuses": ("pending",)}, {"invited"}),
        ({"roles": ("owner", "limited")}, {"owner", "ana", "ben", "invited"}),
        ({"region": "osc-fr1"}, {"owner", "ana", "ben", "invited"}),
        ({"region": "mars"}, set()),
    ],
)
def test_people_by_their_access(company, bob, where, found):
    assert set(people.listed(bob, people.Where(**where))) == {
        getattr(company, name) for name in found
    }


def test_people_of_a_project(company, bob):
    where = people.Where(project=company.shop.pk)

    assert set(people.listed(bob, where)) == {company.owner, company.ben}


@pytest.mark.parametrize("text", ["LOPEZ", "ana", "a.lopez@ex", "an", "ana ana.l"])
def test_people_are_found_by_any_part_of_name_or_address(company, bob, text):
    assert people.matching(people.listed(bob), text).get() == company.ana


@pytest.mark.parametrize("text", ["%", "_____", "ana%", "a\\", "zzz", "ä" * 100])
def test_what_means_something_to_sql_means_nothing_in_a_search(company, bob, text):
    assert not people.matching(people.listed(bob), text).exists()


def test_a_name_with_a_percent_sign_is_found_by_it(company, bob):
    odd = CollaborationFactory(app=company.api, person=PersonFactory(username="50%_off")).person

    assert people.matching(people.listed(bob), "0%_o").get() == odd


def test_a_search_reads_the_index_of_pieces(company, bob, db):
    from django.db import connection

    with connection.cursor() as sql:
        sql.execute("SET LOCAL enable_seqscan = off")
    plan = people.matching(Person.objects.all(), "lopez").explain()

    assert "person_by_words" in plan


def test_tallies_count_only_what_somebody_may_see(company, bob, of_billing):
    everything = people.described(people.listed(bob), bob).get(pk=company.ben.pk)
    some = people.described(people.listed(of_billing), of_billing).get(pk=company.ben.pk)

    assert Tally(*everything.tally) == Tally(all=2, full=1, limited=1)
    assert Tally(*some.tally) == Tally(all=1, limited=1)


def test_roles_share_out_everybody(company, bob):
    CollaborationFactory(app=company.api, role="unknown", deleted=True)

    [head] = tree.heads(bob, tree.Wanted(app=company.api.pk)).heads

    assert head.owner + head.full + head.limited + head.role_unknown == head.people == 5
    assert (head.pending, head.without_two_factor, head.two_factor_unknown) == (1, 1, 1)


@pytest.mark.parametrize("name", people.ORDERS)
@pytest.mark.parametrize("falling", [True, False])
def test_each_order_shows_everybody_once_on_pages_of_two(company, bob, name, falling):
    for number in range(5):
        # Moments a microsecond apart: a cursor must not round them.
        person = PersonFactory(first_seen_at=ago(days=3).replace(microsecond=number + 1))
        CollaborationFactory(app=company.api, person=person)
    found = people.sortable(people.described(people.listed(bob), bob), name)

    seen, after = [], None
    for _page in range(5):
        page = cursor.paginate(found, *people.order(name, falling=falling), after=after, size=2)
        seen += page.rows
        after = page.after

    assert after is None

    assert len(seen) == len(set(seen)) == 9


# --- who may see what -----------------------------------------------------------------------------


def test_every_question_starts_from_what_somebody_may_see(company, of_billing, mallory):
    assert names(tree.heads(of_billing, tree.Wanted())) == ["billing-api", "billing-web"]
    assert names(tree.heads(mallory, tree.Wanted())) == []
    assert set(people.listed(of_billing)) == {
        company.owner, company.ana, company.ben, company.invited
    }  # fmt: skip
    assert not people.listed(mallory).exists()
    page = apps_of([company.ben.pk], of_billing).page
    assert [row.app for row in page.rows] == ["billing-api"]
    changes = changes_of_person([company.ben.pk], of_billing).rows
    assert {change.app for change in changes} == {"billing-api"}


def test_the_tree_sees_what_visible_to_sees(company, of_billing, bob, mallory):
    for user in (of_billing, bob, mallory):
        seen = {head.id for head in tree.heads(user, ALL_APPS).heads}

        assert seen == set(App.objects.visible_to(user).listed().values_list("pk", flat=True))


def count(user, wanted=None, place=None):
    """The totals of the tree for `user`."""
    wanted = wanted or tree.Wanted()
    return totals(user, "apps", wanted, lambda: tree.counts(user, wanted), place=place)


def test_what_may_not_be_seen_does_not_exist_in_an_address(company, of_billing, bob):
    place = Place(app="shop-index", project=company.shop.pk, region="osc-fr1")

    for user, exists in ((of_billing, False), (bob, True)):
        found = count(user, place=place)

        assert (found.app_exists, bool(found.project), found.region_exists) == (
            exists,
            exists,
            True,
        )
    assert not count(bob, place=Place(region="mars")).region_exists


def test_totals_are_over_what_somebody_may_see(company, of_billing, bob):
    for user, expected, projects in ((bob, 4, ["billing", "shop"]), (of_billing, 2, ["billing"])):
        found = count(user)

        assert (found.shown, found.all) == (expected if user != bob else 3, expected)
        assert [project.name for project in found.whole.projects] == projects


def test_people_without_any_project_are_counted_as_none(dave):
    sql, values = counting(people.listed(dave), "x")

    assert totals(dave, "people", "none", lambda: Counted(sql, sql, values)).shown == 0


# --- the tree -------------------------------------------------------------------------------------

ALL_APPS = tree.Wanted(only_with_collaborators=False)


def test_apps_follow_each_other_by_project_and_name_those_of_none_last(company, bob):
    AppFactory(name="aaa-alone")

    found = names(tree.heads(bob, ALL_APPS))

    assert found == ["billing-api", "billing-web", "shop-index", "shop-old", "aaa-alone"]


def test_an_app_with_nobody_but_its_owner_is_left_out_unless_asked_for(company, bob):
    assert "shop-old" not in names(tree.heads(bob, tree.Wanted()))
    assert "shop-old" in names(tree.heads(bob, ALL_APPS))


def test_an_app_that_is_gone_is_left_out(company, bob):
    AppFactory(name="gone-api", project=company.billing, gone=True)

    assert "gone-api" not in names(tree.heads(bob, ALL_APPS))


@pytest.mark.parametrize("text", ["", "app"])
def test_pages_of_the_tree_show_every_app_once_in_both_directions(bob, db, text):
    there = RegionFactory(name="osc-secnum-fr1")
    projects = [
        *ProjectFactory.create_batch(3, name="same"),
        ProjectFactory(name="same", region=there),
        ProjectFactory(name="other"),
    ]
    for number, project in enumerate([*projects, None, projects[0], None] * 3):
        AppFactory(name=f"app-{number % 4}", project=project)
    wanted = tree.Wanted(text=text, only_with_collaborators=False)

    forth, back = walk(lambda **at: tree.heads(bob, wanted, size=4, **at))

    assert forth == back or [row for page in forth for row in page] == [
        row for page in back for row in page
    ]
    seen = [row for page in forth for row in page]
    assert len(seen) == len(set(seen)) == 24
    whole = tree.heads(bob, wanted, size=100).heads
    assert seen == [row_id(head) for head in whole]


@pytest.mark.parametrize(
    "cursor_text", ["", "x", "W10", "W1siYSJdXQ", cursor.encode(["a", "b", "c", "d"]), "é" * 3000]
)
def test_a_cursor_that_is_none_gives_the_first_page(company, bob, cursor_text):
    found = tree.heads(bob, tree.Wanted(), after=cursor_text, before=cursor_text)

    assert names(found)[0] == "billing-api"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "INDEX"}, {"shop-index": 2}),
        ({"text": "billing"}, {"billing-api": 4, "billing-web": 2}),
        ({"text": "lopez"}, {"billing-api": 1, "billing-web": 1}),
        ({"text": "be"}, {"billing-api": 1, "shop-index": 1}),
        ({"text": "lopez", "roles": ("limited",)}, {"billing-web": 1}),
        ({"roles": ("limited",)}, {"billing-api": 2, "billing-web": 1}),
        ({"two_factor": ("off",), "roles": ("collaborator",)}, {"billing-api": 1}),
        ({"two_factor": ("off", "unknown")}, {"billing-api": 2, "billing-web": 1}),
        ({"region": "osc-fr1", "text": "index"}, {"shop-index": 2}),
        ({"kind": "database"}, {}),
        ({"kind": "review"}, {}),
        ({"health_data": "yes"}, {}),
    ],
)  # fmt: skip
def test_the_tree_shows_the_apps_and_the_people_asked_for(company, bob, wanted, found):
    asked = tree.Wanted(**wanted)
    page = tree.heads(bob, asked)
    opened = leaves.branches(page.heads, asked)

    assert {head.name: head.shown for head in page.heads} == found
    assert {head.name: len(opened[head.id].leaves) for head in page.heads} == found
    assert count(bob, asked).shown == len(found)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("database", {"database": True}),
        ("review", {"review": True}),
        ("app", {}),
    ],
)
def test_kinds_of_apps(bob, db, kind, fields):
    AppFactory(name="the-one", **fields)
    AppFactory(name="another", database=kind != "database", review=kind == "database")

    found = tree.heads(bob, tree.Wanted(kind=kind, only_with_collaborators=False))

    assert names(found) == ["the-one"]


def test_health_data_that_is_not_known_is_neither(bob, db):
    for value in (True, False, None):
        AppFactory(name=f"health-{value}", health_data=value)

    for word, name in (("yes", "health-True"), ("no", "health-False")):
        wanted = tree.Wanted(health_data=word, only_with_collaborators=False)
        assert names(tree.heads(bob, wanted)) == [name]


def test_a_head_says_how_fresh_it_is(company, bob):
    stale = ago(hours=2)
    App.objects.filter(pk=company.web.pk).update(stale_since=stale, stale_reason="not_understood")
    lost = AppFactory(name="lost", project=company.billing)

    heads = {head.name: head for head in tree.heads(bob, ALL_APPS).heads}

    assert heads["billing-api"].stale_since is None
    assert timezone.now() - heads["billing-api"].read_at < timezone.timedelta(minutes=5)
    assert (heads["billing-web"].stale_since, heads["billing-web"].stale_reason) == (
        stale,
        "not_understood",
    )
    assert heads[lost.name].read_at is None


def test_a_branch_starts_with_the_owner_and_pages_inside(company, bob):
    for number in range(6):
        CollaborationFactory(app=company.api, person=PersonFactory(username=f"zoe-{number}"))
    wanted = tree.Wanted(app=company.api.pk)
    heads = tree.heads(bob, wanted).heads

    first = leaves.branches(heads, wanted, size=4)[company.api.pk]
    second = leaves.branches(heads, wanted, within=company.api.pk, after=first.after, size=4)[
        company.api.pk
    ]
    third = leaves.branches(heads, wanted, within=company.api.pk, after=second.after, size=4)[
        company.api.pk
    ]

    shown = [leaf.name for branch in (first, second, third) for leaf in branch.leaves]
    assert shown == [
        "platform", "ana", "ben", "carl@example.com",
        "zoe-0", "zoe-1", "zoe-2", "zoe-3", "zoe-4", "zoe-5",
    ]  # fmt: skip
    assert (first.is_first, second.is_first, third.after) == (True, False, None)


# --- one person, one app --------------------------------------------------------------------------


def test_access_says_who_gave_it_also_after_a_change_of_role(company, bob):
    began = ago(days=50)
    first = CollaborationFactory(
        app=company.web, person=company.ben, role="limited", collaborator_id="us-9",
        since_at=began, ended_after=ago(days=10, minutes=5), ended_at=ago(days=10),
    )  # fmt: skip
    CollaborationFactory(
        app=company.web, person=company.ben, role="collaborator", collaborator_id="us-9",
        since_at=began, started_at=first.ended_at,
    )  # fmt: skip
    AttributionFactory(collaboration=first, named=True, actor=company.owner)

    page = people_of(company.web.pk).page
    given = {row.name: (row.source, row.actor, row.since_at) for row in page.rows}

    assert given["ben"] == ("event", "platform", began)
    assert given["ana"][:2] == ("", "")


def test_the_people_of_an_app_by_role_2fa_and_status(company):
    def found(**filters):
        return [row.name for row in people_of(company.api.pk, **filters).page.rows]

    assert found() == ["platform", "ana", "ben", "carl@example.com"]
    assert found(roles=["owner", "collaborator"]) == ["platform", "ana"]
    assert found(two_factor=["off"]) == ["ana"]
    assert found(statuses=["pending"]) == ["carl@example.com"]


def test_pages_of_people_and_of_apps_show_each_once(company, bob):
    for number in range(7):
        CollaborationFactory(app=company.api, person=PersonFactory(username=f"p-{number % 3}"))
        CollaborationFactory(app=AppFactory(name=f"n-{number % 3}"), person=company.ana)

    for ask in (
        lambda **at: people_of(company.api.pk, size=3, **at).page,
        lambda **at: apps_of([company.ana.pk], bob, size=3, **at).page,
        lambda **at: changes_of_app(company.api.pk, size=3, **at),
        lambda **at: changes_of_person([company.ana.pk], bob, size=3, **at),
    ):
        forth, back = walk(ask)
        seen = [row for page in forth for row in page]

        assert len(seen) == len(set(seen)) > 6
        assert seen == [row for page in back for row in page]


def test_what_is_over_is_listed_once_and_not_where_it_went_on(company, bob):
    gone = CollaborationFactory(app=company.index, person=company.ana, ended=True)
    earlier = CollaborationFactory(
        app=company.empty, person=company.ana, collaborator_id="us-4", role="limited", ended=True
    )
    CollaborationFactory(
        app=company.empty, person=company.ana, collaborator_id="us-4", started_at=earlier.ended_at,
        since_at=earlier.since_at,
    )  # fmt: skip

    past = apps_of([company.ana.pk], bob).past

    assert [row.collaboration_id for row in past] == [gone.pk]


# --- history --------------------------------------------------------------------------------------


def kinds(changes):
    return [(change.kind, change.role, change.was_role) for change in changes]


def test_a_history_tells_joining_a_change_of_role_and_leaving(company):
    began, changed, left = ago(days=9), ago(days=5), ago(days=2)
    joined = CollaborationFactory(
        app=company.empty, role="limited", collaborator_id="us-7", since_at=began,
        ended_after=changed, ended_at=changed,
    )  # fmt: skip
    CollaborationFactory(
        app=company.empty, person=joined.person, role="collaborator", collaborator_id="us-7",
        since_at=began, started_at=changed, ended_after=left, ended_at=left,
    )  # fmt: skip
    Collaboration.objects.filter(app=company.empty, role="owner").delete()

    changes = changes_of_app(company.empty.pk).rows

    assert kinds(changes) == [
        ("end", "collaborator", None),
        ("start", "collaborator", "limited"),
        ("start", "limited", None),
    ]


def test_a_new_owner_ends_the_old_ones_page_and_not_the_apps(company, bob):
    moved = ago(days=1)
    old = Collaboration.objects.get(app=company.empty, role="owner")
    Collaboration.objects.filter(pk=old.pk).update(ended_after=moved, ended_at=moved)
    CollaborationFactory(app=company.empty, person=company.ana, owner=True, since_at=moved)

    of_app = changes_of_app(company.empty.pk).rows
    of_old = changes_of_person([company.owner.pk], bob).rows

    assert [(c.kind, c.person, c.was_person) for c in of_app][:1] == [("start", "ana", "platform")]
    assert "end" not in {change.kind for change in of_app}
    assert [c.app for c in of_old if c.kind == "end"] == ["shop-old"]


def test_a_history_tells_2fa_and_an_apps_names(company, bob):
    switched = ago(days=3)
    TwoFactorPeriodFactory(
        person=company.ana, value="on", started_at=ago(days=30), ended_at=switched
    )
    TwoFactorPeriodFactory(
        person=company.ana, value="off", started_after=ago(days=4), started_at=switched
    )
    AppPeriodFactory(app=company.api, name="old-api", ended_at=ago(days=2), project=company.shop)
    CollaborationFactory(app=company.api, ended=True)

    [change] = [c for c in changes_of_person([company.ana.pk], bob).rows if c.was_value]
    [named] = [c for c in changes_of_app(company.api.pk).rows if c.kind == "app"]

    assert (change.kind, change.was_value, change.value) == ("two_factor", "on", "off")
    assert (named.value, named.project, named.was_value) == ("old-api", "shop", None)


def test_a_history_says_who_did_it(company):
    AttributionFactory(
        collaboration=Collaboration.objects.get(app=company.api, person=company.ana),
        named=True,
        actor=None,
        actor_name="somebody@elsewhere.test",
    )

    told = {c.person: (c.source, c.actor) for c in changes_of_app(company.api.pk).rows}

    assert told["ana"] == ("event", "somebody@elsewhere.test")
    assert told["ben"] == ("", "")


# --- answers that are kept ------------------------------------------------------------------------


def test_what_was_not_asked_for_longest_is_forgotten():
    memory = Memory(size=2)

    for question in ("people", "apps", "people", "more"):
        memory.keep(question, memory.recall(question) or f"about {question}")

    assert memory.recall("apps") is None
    assert (memory.recall("people"), memory.recall("more")) == ("about people", "about more")


def test_nothing_is_counted_again_while_nothing_happened(company, bob):
    first = count(bob)

    assert count(bob).whole is first.whole
    assert first.shown == 3


@pytest.mark.parametrize(
    "happens",
    [
        lambda company, _by: CollaborationFactory(app=company.api),
        lambda company, _by: Collaboration.objects.filter(app=company.index).update(
            ended_at=timezone.now()
        ),
        lambda company, _by: TwoFactorPeriodFactory(person=company.ana),
        lambda company, _by: AppPeriodFactory(app=company.api),
        lambda company, _by: App.objects.filter(pk=company.web.pk).update(gone_at=timezone.now()),
        lambda company, _by: Person.objects.filter(pk=company.ana.pk).update(username="anna"),
        lambda company, _by: Project.objects.filter(pk=company.shop.pk).update(name="store"),
        lambda company, _by: RegionFactory(name="elsewhere"),
        lambda company, by: PersonFact.objects.create(
            person=company.ben, kind="human", employment="external", said_by=by, said_at=ago(days=1)
        ),
        lambda company, by: AppFact.objects.create(
            app=company.web, app_class="production", said_by=by, said_at=ago(days=1)
        ),
    ],
    ids=[
        *("joined", "left", "2FA", "app renamed", "app gone", "person renamed"),
        *("project renamed", "region", "said of a person", "said of an app"),
    ],
)
def test_whatever_happens_is_counted(company, bob, alice, happens):
    before = count(bob)

    happens(company, alice)

    after = count(bob)
    assert after.whole is not before.whole
    assert after.shown == len(tree.heads(bob, tree.Wanted()).heads)


def test_whatever_a_list_may_ask_of_an_app_is_counted(db):
    """How an app was read is not asked of it; a field that is new belongs to one of the two."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_trigger, unnest(tgattr) AS of JOIN pg_attribute"
            " ON attnum = of AND attrelid = 'inventory_app'::regclass"
            " WHERE tgrelid = 'inventory_app'::regclass AND tgname = 'moves'"
        )
        counted = {row[0] for row in cursor.fetchall()}

    assert {field.column for field in App._meta.concrete_fields} - counted == {
        *("id", "authority_id", "scope_id", "digest", "changed_at"),
        *("scm_linker_id", "scm_read_at", "scm_asked_at"),
        *("stale_since", "stale_reason", "suspect_since", "suspect_readings", "suspect_read_at"),
    }


def test_what_a_transaction_takes_back_is_never_taken_for_what_another_wrote(company, bob):
    """The numbers of a move are given once: what was counted before is not found again."""
    seen = []
    for name in ("anna", "anne"):
        with contextlib.suppress(RuntimeError), transaction.atomic():
            Person.objects.filter(pk=company.ana.pk).update(username=name)
            seen.append(count(bob).whole)
            raise RuntimeError

    assert seen[0] is not seen[1]
    assert count(bob).shown == 3


def test_two_questions_have_two_answers_and_so_have_two_people(company, bob, of_billing):
    assert [count(bob).all, count(of_billing).all, count(bob, ALL_APPS).shown] == [4, 2, 4]
