"""The reports there are, by name."""

from governance.reports.registers import (
    access,
    audit,
    changes,
    coverage,
    difference,
    invitations,
    movers,
    two_factor,
    two_factor_review,
)
from governance.reports.registers.base import Report

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        access.BY_APP,
        access.BY_PERSON,
        access.PRIVILEGED,
        two_factor.REPORT,
        two_factor_review.REPORT,
        movers.MOVERS,
        difference.REPORT,
        invitations.INVITATIONS,
        changes.CHANGES,
        coverage.COVERAGE,
        audit.AUDIT,
    )
}
