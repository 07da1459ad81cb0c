"""Where every front asks for its plan: the platform, or the control surface."""

from typing import TYPE_CHECKING

from . import answering, control
from .plan import Plan, Request

if TYPE_CHECKING:
    from .world import World


def respond(world: "World", request: Request) -> Plan:
    """The plan for one request, of a client or of whoever holds the controls."""
    if request.path.startswith(control.PREFIX):
        return control.answer(world, request)
    return answering.answer(world, request)
