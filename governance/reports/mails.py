"""What is mailed with a report: what it is, its hash, and what it does not know."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.core.templatetags.interface import exactly
from governance.reports import periods
from governance.reports.models import Every, Export, State
from governance.reports.naming import title_of


def subject(export: Export) -> str:
    """ "Access register, 2026-03", with PARTIAL in front where it is, or that it failed."""
    name = f"{title_of(export.report)}, {_of(export)}"
    if export.state == State.FAILED:
        return _("Not made: %(report)s") % {"report": name}
    return f"PARTIAL: {name}" if export.is_partial else name


def body(export: Export, *, is_attached: bool) -> str:
    """Everything that is worth knowing without opening the file."""
    parts = (
        _failed(export) if export.state == State.FAILED else _made(export, is_attached=is_attached)
    )
    parts.append(
        _("You receive this because %(name)s had it mailed to you. %(where)s")
        % {"name": export.asked_by, "where": _link(export)}
    )
    return "\n\n".join(parts) + "\n"


def _made(export: Export, *, is_attached: bool) -> list[str]:
    first = _("%(report)s of %(site)s, %(period)s, as of %(as_of)s.") % {
        "report": title_of(export.report),
        "site": settings.SITE_NAME,
        "period": _of(export),
        "as_of": exactly(export.as_of),
    }
    rows = ngettext("%(n)s row", "%(n)s rows", export.rows or 0) % {"n": f"{export.rows or 0:,}"}
    facts = [
        f"{_('File')}: {export.file_name} ({rows}, {export.bytes or 0:,} bytes)",
        f"SHA-256: {export.sha256}",
        *([f"{_('Totals')}: {export.equation}"] if export.equation else []),
        *([f"{_('Coverage')}: {export.coverage}"] if export.coverage else []),
    ]
    parts = [first]
    if export.is_partial:
        why = "\n".join(f"- {sentence}" for sentence in export.partial_because)
        parts.append(f"{_('This report is PARTIAL:')}\n{why}")
    parts.append("\n".join(facts))
    if is_attached:
        parts.append(
            _("To check the attached file: sha256sum %(name)s") % {"name": export.file_name}
        )
    else:
        parts.append(_("The file is too large for a mail. Download it from its page."))
    return parts


def _failed(export: Export) -> list[str]:
    said = _("%(report)s of %(site)s, %(period)s, could not be made. %(why)s") % {
        "report": title_of(export.report),
        "site": settings.SITE_NAME,
        "period": _of(export),
        "why": export.said,
    }
    return [said]


def _of(export: Export) -> str:
    assert export.schedule is not None  # noqa: S101  Nothing else is mailed.
    return periods.name_of(Every(export.schedule.every), export.as_of)


def _link(export: Export) -> str:
    if not settings.SITE_URL:
        return _("It is kept on the page Reports of the dashboard.")
    return f"{settings.SITE_URL}{reverse('reports:export', args=[export.pk])}"
