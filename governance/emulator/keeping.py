"""A world between two starts: everything of it in one JSON file, private to its user."""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import history, model
from .switches import Switches

if TYPE_CHECKING:
    from .world import World

VERSION = 1
_KINDS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        model.Account,
        model.AddOn,
        model.App,
        model.Collaboration,
        model.Event,
        model.Project,
        model.Region,
        model.Token,
        history.AccountState,
        history.AppState,
        history.Entry,
        history.Member,
    )
}
_TAG = "__is__"


class CannotRead(Exception):
    """The file holds no world that this version understands."""


def _packed(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TAG: "instant", "iso": value.isoformat()}
    if is_dataclass(value) and not isinstance(value, type):
        inner = {field.name: _packed(getattr(value, field.name)) for field in fields(value)}
        return {_TAG: type(value).__name__, **inner}
    if isinstance(value, dict):
        return {name: _packed(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return {_TAG: "tuple", "items": [_packed(inner) for inner in value]}
    if isinstance(value, list):
        return [_packed(inner) for inner in value]
    return value


def _unpacked(value: dict[str, Any]) -> Any:
    kind = value.pop(_TAG, None)
    if kind is None:
        return value
    if kind == "instant":
        return datetime.fromisoformat(value["iso"])
    if kind == "tuple":
        return tuple(value["items"])
    return _KINDS[kind](**value)


def text_of(world: "World") -> str:
    """Everything of `world` that must outlive it."""
    with world.lock:
        kept = {
            "version": VERSION,
            "company": world.company_name,
            "seed": world.seed,
            "sizes": world.sizes,
            "anchor": world.anchor,
            "clock": {"frozen_at": world.clock.frozen_at, "shift": world.clock.shift},
            "ids_used": world.ids.used,
            "regions": world.regions,
            "accounts": world.accounts,
            "account_events": world.account_events,
            "history": world.history.entries,
            "mails": world.mails,
            "switches": asdict(world.switches),
        }
        return json.dumps(_packed(kept), ensure_ascii=False, separators=(",", ":"))


def save(world: "World", path: Path) -> None:
    """Write the world to `path`, readable by its owner alone, whole or not at all."""
    text = text_of(world)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote. Raises FileNotFoundError and CannotRead."""
    try:
        kept = json.loads(path.read_text(), object_hook=_unpacked)
    except (ValueError, KeyError, TypeError) as error:
        raise CannotRead(f"{path} holds no world: {error}") from error
    if not isinstance(kept, dict) or kept.get("version") != VERSION:
        raise CannotRead(f"{path} was written by another version")
    return kept


def restore(world: "World", kept: dict[str, Any]) -> None:
    """Make `world` what was kept, instead of what its company's founding made it."""
    with world.lock:
        world.company.plans.clear()
        world.ids.used = kept["ids_used"]
        world.regions = kept["regions"]
        world.accounts = kept["accounts"]
        world.account_events = kept["account_events"]
        world.mails = kept["mails"]
        world.switches = Switches(**kept["switches"])
        world.clock.frozen_at = kept["clock"]["frozen_at"]
        world.clock.shift = kept["clock"]["shift"]
        world.history = history.History()
        for entry in kept["history"]:
            world.history.put(entry.at, entry.key, entry.state)
        world.index_all()


class Keeper:
    """Saves a world shortly after each change, and once more at the end."""

    def __init__(self, world: "World", path: Path, *, every: float = 1.0) -> None:
        self.world = world
        self.path = path
        self.every = every
        self._saved = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="keeper")

    def start(self) -> None:
        self.save()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=10)
        self.save()

    def save(self) -> None:
        version = self.world.version
        if version != self._saved:
            save(self.world, self.path)
            self._saved = version

    def _keep(self) -> None:
        while not self._stopping.wait(self.every):
            # A full disk now may have room in a second; the last save, in `stop`, is not silent.
            with contextlib.suppress(OSError):
                self.save()
