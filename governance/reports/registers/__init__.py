"""The reports there are, by name."""

from governance.reports.registers import access
from governance.reports.registers.base import Report

REPORTS: dict[str, Report] = {
    report.name: report for report in (access.BY_APP, access.BY_PERSON, access.PRIVILEGED)
}
