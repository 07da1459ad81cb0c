"""What must hold after anything that may happen, checked against the tables and the platform."""

from django.apps import apps
from django.db import connection as database

from governance.audit.models import Event
from governance.audit.verify import verify
from governance.connections.models import Connection
from governance.inventory.models import App, Collaboration, Coverage, Person, Scope

_PERIOD_EVENTS = [
    "platform.joined",
    "platform.left",
    "platform.invited",
    "platform.accepted",
    "platform.role_changed",
    "platform.status_changed",
    "platform.owner_changed",
]


def check(company):
    """Everything that holds at all times, whatever was read and whatever failed."""
    check_tables()
    no_secret(company)


def check_tables():
    """The same without the search for secrets, which reads everything."""
    no_overlaps()
    edges_are_ordered()
    every_change_has_one_event()
    assert verify().faults == ()
    freshness_is_honest()


def _rows(sql):
    with database.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def no_overlaps():
    """No period of one collaboration overlaps another; nor one of a person's 2FA, or an app."""
    assert not _rows(
        "SELECT a.id, b.id FROM inventory_collaboration a JOIN inventory_collaboration b"
        " ON a.app_id = b.app_id AND a.collaborator_id = b.collaborator_id AND a.id < b.id"
        " AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)"
    )
    for table, whose in (
        ("inventory_twofactorperiod", "person_id"),
        ("inventory_appperiod", "app_id"),
    ):
        assert not _rows(
            f"SELECT a.id, b.id FROM {table} a JOIN {table} b"  # noqa: S608
            f" ON a.{whose} = b.{whose} AND a.id < b.id"
            " AND tstzrange(a.started_at, a.ended_at) && tstzrange(b.started_at, b.ended_at)"
        )


def edges_are_ordered():
    for table in (
        "inventory_collaboration",
        "inventory_twofactorperiod",
        "inventory_appperiod",
    ):
        assert not _rows(
            f"SELECT * FROM {table} WHERE started_after > started_at"  # noqa: S608
            " OR ended_after > ended_at OR ended_at < started_at"
        ), table
    assert not _rows(
        "SELECT id, started_after, started_at, since_after, since_at, missing_after, missing_at,"
        " ended_after, ended_at FROM inventory_collaboration WHERE missing_after > missing_at"
        " OR since_after > since_at OR since_at > started_at"
        " OR (ended_at IS NOT NULL AND missing_at IS NOT NULL)"
    )
    # The 2FA that a person has is that of their open period.
    assert not _rows(
        "SELECT p.id FROM inventory_person p LEFT JOIN inventory_twofactorperiod t"
        " ON t.person_id = p.id AND t.ended_at IS NULL"
        " WHERE t.value IS DISTINCT FROM p.two_factor"
    )
    assert not _rows(
        "SELECT a.id FROM inventory_app a LEFT JOIN inventory_appperiod t"
        " ON t.app_id = a.id AND t.ended_at IS NULL"
        " WHERE a.gone_at IS NULL AND (t.name, t.project_id) IS DISTINCT FROM"
        " (a.name, a.project_id)"
    )


def every_change_has_one_event():
    """One for each start that is known to be one or goes on from another period; one for each end
    that no period goes on from."""
    ((starts,),) = _rows(
        "SELECT count(*) FROM inventory_collaboration a WHERE a.started_after IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM inventory_collaboration b WHERE b.app_id = a.app_id"
        " AND b.collaborator_id = a.collaborator_id AND b.ended_at = a.started_at)"
    )
    ((ends,),) = _rows(
        "SELECT count(*) FROM inventory_collaboration a WHERE a.ended_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM inventory_collaboration b WHERE b.app_id = a.app_id"
        " AND b.collaborator_id = a.collaborator_id AND b.started_at = a.ended_at)"
    )
    events = Event.objects.filter(kind__in=_PERIOD_EVENTS).count()
    assert events == starts + ends, (events, starts, ends)
    ((changes,),) = _rows(
        "SELECT count(*) FROM inventory_twofactorperiod WHERE ended_at IS NOT NULL"
    )
    assert Event.objects.filter(kind="platform.two_factor_changed").count() == changes


def freshness_is_honest():
    """Spans of one scope follow each other, and the latest is the last."""
    assert not _rows(
        "SELECT a.id FROM inventory_coverage a JOIN inventory_coverage b"
        " ON a.scope_id = b.scope_id AND a.id < b.id AND a.until >= b.since"
    )
    assert not _rows(
        "SELECT a.id FROM inventory_coverage a WHERE a.latest AND EXISTS"
        " (SELECT 1 FROM inventory_coverage b WHERE b.scope_id = a.scope_id AND b.until > a.until)"
    )
    assert not Coverage.objects.filter(readings__lt=1).exists()


def text_of_everything():
    """All tables as text: what a dump of the database would show."""
    found = []
    with database.cursor() as cursor:
        for model in apps.get_models():
            with cursor.copy(f"COPY {model._meta.db_table} TO STDOUT") as copied:
                found.append(b"".join(copied))
    return b"\n".join(found).decode(errors="replace")


def secrets_of(world):
    """Every token of every account, every open invitation's link, and what bearers begin with."""
    found = {token.secret for account in world.accounts.values() for token in account.tokens}
    found |= {
        one.link_token
        for app in world.apps()
        for one in app.collaborations.values()
        if one.link_token
    }
    return found | {"eyJ", "Bearer ey", "collaboration?token="}


def no_secret(company, *texts):
    text = "\n".join((text_of_everything(), *texts))
    shown = {secret for secret in secrets_of(company.world) if secret in text}
    assert not shown


# --- against the platform ------------------------------------------------------------------------


def converged(company):
    """The inventory is the platform, as the connected accounts see it: rows and fields."""
    _same(_known_apps(), _visible_apps(company))
    _same(_known_people(), _visible_people(company))
    unsaid = _unsaid_two_factor(company)
    _same(
        {one for one in _known_two_factor() if one[0] not in unsaid},
        {one for one in _visible_two_factor(company) if one[0] not in unsaid},
    )
    readable = Connection.objects.readable().values("pk")
    missing = Collaboration.objects.exclude(missing_at=None).filter(app__authority_id__in=readable)
    assert not missing.filter(app__gone_at=None, app__suspect_since=None).exists()
    scopes = Scope.objects.filter(retired_at=None, connection_id__in=readable)
    assert not scopes.exclude(stale_since=None).exists()
    stale = App.objects.listed().filter(suspect_since=None, authority_id__in=readable)
    stale = stale.exclude(stale_since=None)
    assert not stale.exists(), stale.values("name", "stale_reason")


def _same(known, real):
    assert known == real, f"known alone: {known - real}; real alone: {real - known}"


def _seen(company):
    """The platform's apps that a readable connection's account owns or works on."""

    found = {}
    for one in Connection.objects.readable():
        account = company.world.account(one.account_id)
        for region in account.regions:
            for app in company.world.apps_of(account, region):
                found[app.region, app.id] = app
    return found


def _visible_apps(company):
    world = company.world
    return {
        (
            *key,
            app.name,
            app.kind,
            app.parent_name,
            # Of a database the short shape of the list says neither project nor owner.
            "" if app.kind == "database" else world.regions[key[0]].projects[app.project_id].name,
            "" if app.kind == "database" else world.accounts[app.owner_id].email.lower(),
        )
        for key, app in _seen(company).items()
    }


def _known_apps():

    found = App.objects.listed().filter(
        suspect_since=None, authority_id__in=Connection.objects.readable()
    )
    return {
        (
            app.region.name,
            app.scalingo_id,
            app.name,
            app.kind,
            app.parent_name,
            "" if app.kind == "database" else app.project.name,
            "" if app.kind == "database" else app.owner.email.lower(),
        )
        for app in found.select_related("region", "project", "owner")
    }


def _visible_people(company):
    world = company.world
    found = set()
    for app in _seen(company).values():
        if app.kind == "app":
            found.add((app.region, app.id, "owner", app.owner_id, "owner", "accepted"))
        for one in app.collaborations.values():
            found.add(
                (
                    app.region,
                    app.id,
                    one.id,
                    one.account_id or one.email.lower(),
                    "limited" if one.limited else "collaborator",
                    world.status_of(one).replace("user account deleted", "deleted"),
                )
            )
    return found


def _known_people():
    return set(
        _rows(
            "SELECT r.name, a.scalingo_id, c.collaborator_id, i.value, c.role, c.status"
            "  FROM inventory_collaboration c JOIN inventory_app a ON a.id = c.app_id"
            "  JOIN inventory_region r ON r.id = a.region_id"
            "  JOIN inventory_identity i ON i.person_id = c.person_id AND i.ended_at IS NULL"
            "   AND i.kind IN ('user_id', 'email')"
            " WHERE c.ended_at IS NULL AND a.gone_at IS NULL AND a.suspect_since IS NULL"
            "   AND (a.kind = 'app' OR c.collaborator_id <> 'owner')"
            "   AND a.authority_id IN (SELECT id FROM connections_connection"
            "                           WHERE paused_at IS NULL AND account_id <> '')"
        )
    )


def _visible_two_factor(company):
    """Of who is a collaborator somewhere, or connected; other owners' is not shown."""
    world = company.world

    ids = set(Connection.objects.readable().values_list("account_id", flat=True))
    for app in _seen(company).values():
        ids |= {one.account_id for one in app.collaborations.values() if one.account_id}
    return {
        (one.email.lower(), "unknown" if one.deleted_at else "on" if one.two_factor else "off")
        for one in (world.accounts[pk] for pk in ids)
    }


def _unsaid_two_factor(company):
    """Deleted accounts on others' apps alone: there, silence about 2FA says nothing."""
    world = company.world
    owners = set(Connection.objects.readable().values_list("account_id", flat=True))
    told = {
        one.account_id
        for app in _seen(company).values()
        if app.owner_id in owners
        for one in app.collaborations.values()
    }
    return {
        one.email.lower()
        for one in world.accounts.values()
        if one.deleted_at is not None and one.id not in told
    }


def _known_two_factor():
    on_an_app = Collaboration.objects.open().filter(
        app__gone_at=None,
        app__suspect_since=None,
        app__authority_id__in=Connection.objects.readable(),
        status__in=["accepted", "deleted"],
    )
    collaborators = on_an_app.exclude(collaborator_id="owner")

    accounts = Connection.objects.readable().values("account_id")
    people = Person.objects.filter(pk__in=collaborators.values("person")) | Person.objects.filter(
        identities__kind="user_id", identities__value__in=accounts
    )
    return {(one.email.lower(), one.two_factor) for one in people.distinct()}
