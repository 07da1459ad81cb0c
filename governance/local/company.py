"""What the set-up tells the launcher: whom we read, and who may sign in here."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class SignIn:
    """One person to try it as."""

    role: str
    email: str
    password: str = field(repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """A pretend company when `anchor`, the end of its past year, is set; else a real one."""

    sentence: str
    sign_ins: list[SignIn] = field(default_factory=list)
    anchor: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """One line, for the standard output of the set-up."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, output: str) -> "Company":
        """From the last line of that output. Raises `ValueError` when it is none."""
        found = json.loads(output.strip().splitlines()[-1])
        found["sign_ins"] = [SignIn(**sign_in) for sign_in in found["sign_ins"]]
        return cls(**found)
