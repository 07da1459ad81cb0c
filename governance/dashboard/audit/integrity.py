"""How the log stands: what checks have found, and which checkpoints left the database."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from governance.notifications.checkpoints import TOPIC


@dataclass(frozen=True, slots=True)
class Integrity:
    """What can truly be said of the log now.

    `whole_at` and `whole_last` are of the newest check of all events, `checked_at` and
    `checked_last` of the newest of any kind. `fault_count` and `faults` are those of the worst
    check from that of all events on: one of the new events alone takes nothing back. `signed_at`
    and `signed` are of the newest checkpoint; `outside_at` and `outside` of the newest of which a
    copy left the database, which is kept as `copies`.
    """

    events: int
    whole_at: datetime | None
    whole_last: int
    checked_at: datetime | None
    checked_last: int
    fault_count: int
    faults: list[dict[str, Any]]
    signed_at: datetime | None
    signed: int
    outside_at: datetime | None
    outside: int
    copies: list[str]
    lost: int  # mails with checkpoints that never reached a server

    @property
    def unwitnessed(self) -> int:
        """Events that could be cut off or rewritten unseen."""
        return max(0, self.events - self.outside)


_INTEGRITY = """
SELECT coalesce((SELECT sequence FROM audit_head), 0),
       whole.at, coalesce(whole.last, 0), checked.at, coalesce(checked.last, 0),
       coalesce(worst.fault_count, 0), coalesce(worst.faults, '[]'),
       signed.at, coalesce(signed.size, 0), outside.at, coalesce(outside.size, 0),
       coalesce(outside.kinds, '{}'),
       (SELECT count(*) FROM notifications_delivery WHERE topic = %(topic)s AND state = 'lost')
FROM (VALUES (1)) AS one (row)
LEFT JOIN LATERAL (
    SELECT * FROM audit_check WHERE first = 0 ORDER BY id DESC LIMIT 1) AS whole ON true
LEFT JOIN LATERAL (
    SELECT * FROM audit_check ORDER BY id DESC LIMIT 1) AS checked ON true
LEFT JOIN LATERAL (
    SELECT * FROM audit_check WHERE id >= coalesce(whole.id, 0) AND fault_count > 0
    ORDER BY fault_count DESC, id DESC LIMIT 1) AS worst ON true
LEFT JOIN LATERAL (
    SELECT * FROM audit_checkpoint ORDER BY at DESC, id DESC LIMIT 1) AS signed ON true
LEFT JOIN LATERAL (
    SELECT checkpoint.at, checkpoint.size,
           (SELECT array_agg(kind ORDER BY kind) FROM audit_witness
            WHERE checkpoint_id = checkpoint.id) AS kinds
    FROM audit_checkpoint AS checkpoint
    WHERE EXISTS (SELECT FROM audit_witness WHERE checkpoint_id = checkpoint.id)
    ORDER BY checkpoint.size DESC, checkpoint.id DESC LIMIT 1) AS outside ON true
"""


def read_integrity() -> Integrity:
    """How the log stands, in one query that does not grow with it."""
    with connection.cursor() as asking:
        asking.execute(_INTEGRITY, {"topic": TOPIC})
        row = list(asking.fetchone())
    row[6] = json.loads(row[6])  # Django leaves JSON to its own fields
    return Integrity(*row)
