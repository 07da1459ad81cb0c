"""Where this installation keeps what it makes: `var/`, or the folder that `VAR_DIR` names."""

from dataclasses import dataclass
from pathlib import Path

from governance import env

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Places:
    """The folders below `var`. Only their owner may enter."""

    var: Path

    @classmethod
    def find(cls) -> "Places":
        """From the environment; a relative `VAR_DIR` starts where the command was given."""
        chosen = env.text("VAR_DIR", default="")
        return cls(Path(chosen).expanduser().resolve() if chosen else CHECKOUT / "var")

    def make(self) -> None:
        """Create what is missing. Raises `OSError` when somebody else owns it."""
        for folder in (self.var, self.logs, self.run, self.keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def run(self) -> Path:
        """What is running now: the lock, the pids, where the sockets are."""
        return self.var / "run"

    @property
    def keys(self) -> Path:
        return self.var / "keys"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    def checkpoints(self, database: str) -> Path:
        """Of the audit log of that database: each has a log of its own."""
        return self.var / "checkpoints" / database

    @property
    def launch(self) -> Path:
        """How the running launcher was started; read by commands that join it."""
        return self.run / "launch.json"

    @property
    def company(self) -> Path:
        """The pretend company, as the emulator keeps it between starts."""
        return self.var / "emulator.json"

    @property
    def demo(self) -> Path:
        """When the demo's year ends, and in which database it was replayed."""
        return self.var / "demo.json"

    @property
    def sign_ins(self) -> Path:
        return self.var / "sign-ins.json"
