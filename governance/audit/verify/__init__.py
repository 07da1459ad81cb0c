"""Recompute the whole chain and name every fault.

    verify()  ->  Report  <-  scan       every row recomputed in SQL; only what disagrees comes out
                          <-  classify   what happened to those: edited, missing, moved, inserted
                          <-  personal   names and addresses against their commitments
                          <-  guard      triggers and roles, which should have refused it

What this cannot see: whoever owns the tables can rewrite the whole chain, or cut off its end and
set the head back. Only a copy of a head kept elsewhere shows that.
"""

from dataclasses import dataclass

from governance.audit.verify import classify, guard, personal, scan
from governance.audit.verify.faults import Fault, FaultKind

__all__ = ["Fault", "FaultKind", "Report", "verify"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was recomputed, what is wrong, and what nobody would be kept from doing.

    `faults` come in the order of the chain. `weaknesses` are sentences about this installation;
    they are no faults.
    """

    checked: int
    head: int
    faults: tuple[Fault, ...]
    weaknesses: tuple[str, ...]

    @property
    def first_bad(self) -> int | None:
        """The lowest sequence of a fault in the chain; None when there is none."""
        return min((fault.first for fault in self.faults if fault.first), default=None)


def verify() -> Report:
    """Recompute every event of the log, in pieces that each take a fraction of a second.

    Events that are appended meanwhile are left for the next time.
    """
    head = scan.head()
    found = scan.rows(head)
    faults = [
        *classify.faults(found, head),
        *personal.faults(found),
        *guard.faults(),
    ]
    faults.sort(key=lambda fault: (fault.first, fault.kind))
    return Report(
        checked=found.checked,
        head=head.sequence if head else 0,
        faults=tuple(faults),
        weaknesses=tuple(guard.weaknesses()),
    )
