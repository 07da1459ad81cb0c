"""Names and addresses against the commitments of their events."""

import json
from collections.abc import Iterator

from django.db import connection
from django.utils.translation import gettext as _

from governance.audit.models import PERSONAL_ERASED
from governance.audit.verify.faults import Fault, FaultKind
from governance.audit.verify.scan import MOST, Found


def faults(found: Found) -> Iterator[Fault]:
    """Every personal part that is not the one committed to, is gone or was erased unrecorded."""
    for row in found.rows:
        # One that lies elsewhere has its personal part elsewhere, too.
        if row.stated == row.sequence and not row.personal_agrees:
            yield _fault(
                row.sequence, _("The personal part of event {n} is not what was recorded.")
            )
    disturbed = {row.sequence for row in found.rows}
    for sequence in _uncommitted(found.start) - disturbed:
        yield _fault(sequence, _("Event {n} has a personal part that it never had."))
    for sequence in _erased(found.start) - _erased_by_record(found.start):
        yield _fault(
            sequence, _("The personal part of event {n} was erased, and no event says so.")
        )


def _fault(sequence: int, words: str) -> Fault:
    return Fault(FaultKind.PERSONAL, sequence, sequence, words.format(n=sequence))


def _uncommitted(start: int) -> set[int]:
    """Personal parts of events that have none, or of none that could be."""
    return set(
        _numbers(
            "SELECT personal.sequence FROM audit_personal AS personal"
            " LEFT JOIN audit_event AS event ON event.sequence = personal.sequence"
            " WHERE (personal.sequence > %s OR personal.sequence < 1)"
            "  AND event.commitment IS NULL AND (event.sequence IS NOT NULL"
            "  OR personal.sequence NOT BETWEEN 1 AND (SELECT sequence FROM audit_head))"
            " LIMIT %s",
            [start, MOST],
        )
    )


def _erased(start: int) -> set[int]:
    return set(
        _numbers(
            "SELECT sequence FROM audit_personal WHERE fields IS NULL AND sequence > %s", [start]
        )
    )


def _erased_by_record(start: int) -> set[int]:
    """The sequences that events of erasure name. Read after `_erased`, whose rows they precede."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT line FROM audit_event WHERE kind = %s AND sequence > %s",
            [PERSONAL_ERASED, start],
        )
        lines = [line for (line,) in cursor.fetchall()]
    return {sequence for line in lines for sequence in _sequences(line)}


def _sequences(line: str) -> list[int]:
    """What an event of erasure names; nothing if the line was edited, which is a fault already."""
    try:
        found = json.loads(line)["event"]["data"]["sequences"]
        return [int(one) for one in found]
    except (ValueError, KeyError, TypeError):
        return []


def _numbers(statement: str, parameters: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
