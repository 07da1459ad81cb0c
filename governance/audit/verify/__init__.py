"""Recompute the whole chain and name every fault.

    verify()  ->  Report  <-  scan       every row recomputed; what disagrees comes out
                          <-  classify   what happened to those: edited, missing, moved, inserted
                          <-  personal   names and addresses against their commitments
                          <-  witnesses  signed checkpoints, from here and from outside
                          <-  guard      triggers, functions and roles, which should have refused it

What the chain alone cannot show: whoever owns the tables can rewrite all of it, or cut off its end
and set the head back. Checkpoints kept outside of the database show that.
"""

from dataclasses import dataclass

from django.conf import settings

from governance.audit.verify import classify, guard, personal, scan, witnesses
from governance.audit.verify.faults import Fault, FaultKind
from governance.audit.verify.witnesses import Outside

__all__ = ["Fault", "FaultKind", "Outside", "Report", "verify"]


_NOTHING = Outside()


@dataclass(frozen=True, slots=True)
class Report:
    """What was recomputed, what is wrong, and what nobody would be kept from doing.

    The events after `first` up to `head` were recomputed: all where `first` is 0, otherwise those
    since a checkpoint. `checkpoints` of them agreed. `faults` come in the order of the chain.
    `weaknesses` are sentences about this installation; they are no faults.
    """

    first: int
    checked: int
    head: int
    checkpoints: int
    faults: tuple[Fault, ...]
    weaknesses: tuple[str, ...]

    @property
    def first_bad(self) -> int | None:
        """The lowest sequence of a fault in the chain; None when there is none."""
        return min((fault.first for fault in self.faults if fault.first), default=None)


def verify(
    outside: Outside = _NOTHING, *, since: int | None = None, columns: bool = True
) -> Report:
    """Recompute every event of the log, in pieces that each take a fraction of a second.

    `since`: only what follows the newest good checkpoint not after that event, which vouches for
    what stands before it; everything when there is none. Without `columns` the lines alone are
    checked, which is quicker: what is searched by, and names, could then say something else. Events
    that are appended meanwhile are left for the next time.
    """
    # The head last: a checkpoint taken meanwhile would otherwise seem to be ahead of the log.
    heard, start = _begin(outside, since)
    head = scan.head()
    found = scan.rows(head, after=start, columns=columns)
    wrong = list(witnesses.faults(heard, head))
    faults = [
        *classify.faults(found, head),
        *(personal.faults(found) if columns else ()),
        *wrong,
        *guard.faults(),
    ]
    faults.sort(key=lambda fault: (fault.first, fault.kind))
    return Report(
        first=start.sequence if start else 0,
        checked=found.checked,
        head=head.sequence if head else 0,
        checkpoints=heard.agreed,
        faults=tuple(faults),
        weaknesses=(*heard.weaknesses, *guard.weaknesses()),
    )


def _begin(outside: Outside, since: int | None) -> tuple[witnesses.Heard, scan.Head | None]:
    """What checkpoints say, and the one to start from."""
    origin = settings.AUDIT_ORIGIN
    if since is None:
        return witnesses.hear(origin, outside), None
    newest = witnesses.newest_before(since)
    heard = witnesses.hear(origin, outside, since=newest)
    start = witnesses.anchor(heard, until=since)
    if start is None:
        return witnesses.hear(origin, outside), None
    return heard, start
