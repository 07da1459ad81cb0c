"""The companies that a world may hold."""

from typing import TYPE_CHECKING

from .base import Company
from .small import Small

if TYPE_CHECKING:
    pass

_COMPANIES: dict[str, type[Company]] = {"small": Small}


def company_called(name: str) -> type[Company]:
    """The company of a name. Raises ValueError when there is none."""
    if name not in _COMPANIES:
        raise ValueError(f"no company is called {name}: there are {', '.join(_COMPANIES)}")
    return _COMPANIES[name]


__all__ = ["Company", "company_called"]
