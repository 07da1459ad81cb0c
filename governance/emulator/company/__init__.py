"""The companies that a world may hold."""

from .base import Company
from .demo import Demo
from .large import Large
from .small import Small

COMPANIES: dict[str, type[Company]] = {"demo": Demo, "large": Large, "small": Small}


def company_called(name: str) -> type[Company]:
    """The company of a name. Raises ValueError when there is none."""
    if name not in COMPANIES:
        raise ValueError(f"no company is called {name}: there are {', '.join(COMPANIES)}")
    return COMPANIES[name]


__all__ = ["COMPANIES", "Company", "company_called"]
