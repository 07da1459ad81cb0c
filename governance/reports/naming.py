"""What reports are called: the titles of the registers, and the pack of several of them."""

import re

from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from governance.reports.formats.neutral import seen
from governance.reports.registers import REPORTS

PACK = "pack"


def title_of(name: str) -> str:
    """The title of a report. One of a later version keeps its name."""
    if name == PACK:
        return _("Evidence pack")
    return str(REPORTS[name].title) if name in REPORTS else name


def attachment(name: str) -> str:
    """The header that names a file: whatever the name is, one line, one value and no path."""
    plain = re.sub(r"[/\\\x7f]", "_", seen(name))
    header = content_disposition_header(as_attachment=True, filename=plain)
    assert header is not None, "an attachment always has one"  # noqa: S101
    return header
