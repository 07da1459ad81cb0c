"""When the 2FA of a row was read, and where: in the listing of the app, or by the account itself.

A listing says it of everybody who accepted. Of an owner it says nothing: that is what the owner's
own account says, where we read with it, or the listing of an app that they are a collaborator of.
"""

from django.utils.translation import gettext_lazy as _

from governance.inventory.queries import asof
from governance.reports import standing
from governance.reports.registers.base import Asked, Column

# The account's own 2FA is part of its step, in each sync of everything.
_OWN = """
own_account AS MATERIALIZED (
    SELECT c.account_id, max(step.finished_at) AS read_at
    FROM connections_connection c
    JOIN sync_step step ON step.connection_id = c.id AND step.region_name = ''
        AND step.state = 'complete' AND step.finished_at <= %(at)s
    JOIN sync_run run ON run.id = step.run_id AND run.apps = '[]'
    WHERE c.account_id <> '' GROUP BY c.account_id
)"""
_IS_LISTED = "(k.role <> 'owner' AND k.status = 'accepted')"
_IS_KNOWN = "p.two_factor IN ('on', 'off')"
# For rows `k` of the people `p` on the apps `place`.
_JOINS = """
LEFT JOIN own_account ON own_account.account_id = p.person_key
LEFT JOIN LATERAL (
    SELECT max({as_of}) AS read_at
    FROM inventory_collaboration listed
    JOIN {apps} a ON a.id = listed.app_id
    CROSS JOIN LATERAL {readings} around
    WHERE NOT {is_listed} AND {is_known} AND own_account.read_at IS NULL
        AND listed.person_id = p.id AND listed.role <> 'owner' AND listed.status = 'accepted'
        AND {holds}
) elsewhere ON true"""

COLUMNS = (
    Column("tfa_status", "text", "p.two_factor", _("2FA"), ours=True),
    Column(
        "tfa_observed_at",
        "instant",
        f"CASE WHEN {_IS_KNOWN} THEN CASE WHEN {_IS_LISTED} THEN place.as_of"
        " ELSE coalesce(own_account.read_at, elsewhere.read_at) END END",
        _("2FA read"),
        printed=False,
    ),
    Column(
        "tfa_source",
        "text",
        f"CASE WHEN {_IS_KNOWN} THEN CASE WHEN NOT {_IS_LISTED}"
        " AND own_account.read_at IS NOT NULL THEN 'own account' ELSE 'listing' END END",
        _("2FA read in"),
        ours=True,
        printed=False,
    ),
)


def before() -> str:
    """The common table that `joins` speak of."""
    return _OWN


def joins(asked: Asked) -> str:
    return _JOINS.format(
        as_of=standing.as_of_sql(),
        apps=standing.apps_sql(asked),
        readings=standing.readings_sql("a", asked),
        is_listed=_IS_LISTED,
        is_known=_IS_KNOWN,
        holds=asof.Moment(asked.at, asked.is_now).holds("listed"),
    )
