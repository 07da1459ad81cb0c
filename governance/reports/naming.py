"""What reports are called: the titles of the registers, and the pack of several of them."""

from django.utils.translation import gettext as _

from governance.reports.registers import REPORTS

PACK = "pack"


def title_of(name: str) -> str:
    """The title of a report. One of a later version keeps its name."""
    if name == PACK:
        return _("Evidence pack")
    return str(REPORTS[name].title) if name in REPORTS else name
