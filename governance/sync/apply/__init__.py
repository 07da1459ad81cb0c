"""Write what was observed into the inventory: set-based, in batches of apps.

One transaction per batch holds its periods, attributions, audit events and digests (rule R5), so a
crash leaves the old or the new state of each app and never a mix. Ends are not written here: they
are staged, and `guard` decides when the run has seen its scopes. Unchanged costs nothing.
"""

from governance.sync.apply.apps import ListedApp, apply_apps
from governance.sync.apply.collaborations import End, write_changes
from governance.sync.apply.compare import AppChange, Batch, Difference, OpenRows, find_changes
from governance.sync.apply.ends import forget_missing, note_missing, write_ends
from governance.sync.apply.links import apply_link
from governance.sync.apply.people import apply_two_factor, unknown_accounts

__all__ = [
    "AppChange",
    "Batch",
    "Difference",
    "End",
    "ListedApp",
    "OpenRows",
    "apply_apps",
    "apply_link",
    "apply_two_factor",
    "find_changes",
    "forget_missing",
    "note_missing",
    "unknown_accounts",
    "write_changes",
    "write_ends",
]
