"""Where every front asks for its plan: the platform, or the control surface."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import answering, control
from .plan import Plan, Request

if TYPE_CHECKING:
    from .world import World


def respond(world: "World", request: Request, sleep: Callable[[float], Any] = time.sleep) -> Plan:
    """The plan for one request, of a client or of whoever holds the controls."""
    if request.path.startswith(control.PREFIX):
        return control.answer(world, request)
    return answering.answer(world, request, sleep)
