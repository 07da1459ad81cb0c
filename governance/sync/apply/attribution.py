"""Write who made an edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from governance.inventory.models import Attribution


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something changed on the platform, as far as anybody can say.

    `happened_at` is the event's own time; None when unexplained. The actor is a person of the
    inventory where we know one, else only a name. Of a change of ours it is `user_id`, who decided.
    """

    source: Attribution.Source
    happened_at: datetime | None = None
    event_id: str = ""
    actor_id: UUID | None = None
    actor_name: str = ""
    user_id: UUID | None = None
    change_id: UUID | None = None


UNEXPLAINED = Cause(Attribution.Source.UNEXPLAINED)


def write_attributions(cursor: CursorWrapper, edges: Sequence[tuple[int, str, Cause]]) -> None:
    """Keep the causes of edges: (collaboration id, "start" or "end", cause)."""
    if not edges:
        return
    with cursor.copy(
        "COPY inventory_attribution (collaboration_id, edge, source, happened_at, event_id,"
        " actor_id, actor_name, change_id) FROM STDIN"
    ) as copy:
        for collaboration_id, edge, cause in edges:
            copy.write_row(
                (
                    collaboration_id,
                    edge,
                    cause.source.value,
                    cause.happened_at,
                    cause.event_id,
                    cause.actor_id,
                    cause.actor_name,
                    cause.change_id,
                )
            )
