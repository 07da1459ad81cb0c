"""Whether the log can be believed, in words that are true."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from governance.audit.checks import NEW_EVERY
from governance.audit.models import Witness
from governance.dashboard.audit.integrity import Integrity
from governance.dashboard.moments import moment


@dataclass(slots=True)
class Standing:
    """A title in a tone (`ok`, `warn`, `bad`, `none`), sentences under it, and the faults found."""

    tone: str
    icon: str
    title: str
    sentences: list[SafeString] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


def standing(log: Integrity, *, now: datetime) -> Standing:
    """How the log stands at `now`."""
    said = _title(log, now)
    if log.checked_at is not None:
        said.sentences.append(_checked(log, now))
    said.sentences += [*_witnessed(log, now)]
    if log.lost:
        words = ngettext(
            "%(n)s mail with a checkpoint could not be delivered.",
            "%(n)s mails with checkpoints could not be delivered.",
            log.lost,
        )
        said.sentences.append(format_html("{}", words % {"n": f"{log.lost:,}"}))
    return said


def _title(log: Integrity, now: datetime) -> Standing:
    if log.fault_count:
        words = ngettext(
            "%(n)s fault was found in the log.", "%(n)s faults were found in the log.",
            log.fault_count,
        ) % {"n": f"{log.fault_count:,}"}  # fmt: skip
        return Standing("bad", "shield-alert", words, faults=log.faults)
    if log.checked_at is None or log.whole_at is None:
        return Standing("none", "clock", _("The log was not checked yet."))
    if now - log.checked_at > _late():
        return Standing("warn", "triangle-alert", _("The log was not checked for a while."))
    if log.outside_at is None or now - log.outside_at > _late():
        title = _("No fault was found, but no new checkpoint leaves the database.")
        return Standing("warn", "triangle-alert", title)
    return Standing("ok", "shield-check", _("No fault was found in the log."))


def _late() -> timedelta:
    """After so long, what should have come each hour did not: workers stopped, or lack the key."""
    every: timedelta = settings.CHECKPOINT_EVERY
    return 2 * max(every, NEW_EVERY) + timedelta(minutes=10)


def _checked(log: Integrity, now: datetime) -> SafeString:
    assert log.checked_at is not None  # noqa: S101  asked by the caller
    if log.whole_at is None:
        words = _("The newest events were recomputed {new}.")
    elif log.whole_at == log.checked_at:
        words = _("All {last} events then were recomputed {whole}.")
    else:
        words = _(
            "All {whole_last} events then were recomputed {whole}, and those up to {last} {new}."
        )
    return format_html(
        words,
        last=f"{log.checked_last:,}",
        whole_last=f"{log.whole_last:,}",
        whole=moment(log.whole_at, now) if log.whole_at else "",
        new=moment(log.checked_at, now),
    )


def _witnessed(log: Integrity, now: datetime) -> list[SafeString]:
    if not log.events:
        return []
    found = []
    if log.outside_at is None:
        found.append(format_html("{}", _("No checkpoint has left the database yet.")))
    else:
        labels = dict(Witness.Kind.choices)
        found.append(
            format_html(
                _("The newest signed checkpoint outside of the database ({how}) is of {at} and"
                  " speaks for the events up to {n}."),
                how=", ".join(str(labels[kind]).lower() for kind in log.copies),
                at=moment(log.outside_at, now),
                n=f"{log.outside:,}",
            )
        )  # fmt: skip
    if log.unwitnessed:
        words = ngettext(
            "%(n)s newer event is not yet witnessed: whoever owns the database could still change"
            " it or cut it off unseen.",
            "%(n)s newer events are not yet witnessed: whoever owns the database could still change"
            " them or cut them off unseen.",
            log.unwitnessed,
        )
        found.append(format_html("{}", words % {"n": f"{log.unwitnessed:,}"}))
    else:
        found.append(format_html("{}", _("Every event is witnessed.")))
    return found
