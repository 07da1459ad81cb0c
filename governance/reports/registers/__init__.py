"""The reports there are, by name."""

from governance.reports.registers import access, audit, changes, coverage, invitations, movers
from governance.reports.registers.base import Report

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        access.BY_APP,
        access.BY_PERSON,
        access.PRIVILEGED,
        movers.MOVERS,
        invitations.INVITATIONS,
        changes.CHANGES,
        coverage.COVERAGE,
        audit.AUDIT,
    )
}
