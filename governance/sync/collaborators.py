"""Read and apply who collaborates: of all owned apps in one request, of the others one by one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from governance.inventory.models import Scope, TwoFactor
from governance.scalingo import Collaborator, Listing, ScalingoError
from governance.sync import canaries, scopes
from governance.sync.answers import Answers
from governance.sync.apply import (
    Batch,
    End,
    OpenRows,
    apply_two_factor,
    find_changes,
    forget_missing,
    unknown_accounts,
    write_changes,
)
from governance.sync.apply.compare import APPS_PER_BATCH, ROWS_PER_BATCH
from governance.sync.causes import ask_who
from governance.sync.context import Place
from governance.sync.known import KnownApp, mark_apps_stale, note_unchanged
from governance.sync.listings import raise_if_hopeless, sentence_of
from governance.sync.rows import Digests, row_digests, seen, storable
from governance.sync.scopes import Reading


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the listing of all said besides: apps it proves to be ours, and apps nobody knows."""

    owned: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def read_owned(
    place: Place, owned: Mapping[str, KnownApp], maybe: Mapping[str, KnownApp]
) -> Claimed:
    """Read the collaborators of every owned app at once, and re-read a few singly.

    `maybe` are apps of which no listing says the owner: those in this answer are owned. Raises a
    `ScalingoError` that leaves nothing else of the connection to read; any other is noted.
    """
    reading = place.start(Scope.Kind.COLLABORATORS)
    scope = reading.scope
    watched = canaries.choose(place, scope, owned)
    with ExitStack() as stack:
        try:
            listing = stack.enter_context(
                place.reader.one(lambda: place.client.collaborators(place.api))
            )
        except ScalingoError as error:
            _note(place, scope, reading, error)
            return Claimed()
        digests = Digests(watched).read(listing)
        bad = {problem.app_id for problem in listing.problems}
        place.context.not_understood += len(listing.problems) + len(digests.disagreeing)
        _say_what_is_wrong(place, listing, owned)
        if None in bad:
            why = next(sentence_of(p) for p in listing.problems if p.app_id is None)
            scopes.not_observed(scope, reason="not_understood", detail=why, at=reading.at)
            return Claimed()
        claimed = frozenset(app_id for app_id in maybe if app_id in digests)
        owned = {**owned, **{app_id: maybe[app_id] for app_id in claimed}}
        mark_apps_stale(
            [app for app_id, app in owned.items() if app_id in bad],
            reason="not_understood",
            at=reading.at,
        )
        believed = {app_id: app for app_id, app in owned.items() if app_id not in bad}
        single, unread = canaries.re_read(place, scope, believed, digests, watched, stack)
        for app_id, why_not in unread.items():  # they keep what they had
            place.failed(believed[app_id].name, why_not.code, why_not.sentence)
            mark_apps_stale([believed.pop(app_id)], reason=why_not.code, at=reading.at)
        apply_answers(place, reading, believed, Answers(listing, digests, single))
        place.observed(reading, digests.whole())
    place.step.done += len(believed)
    return Claimed(claimed, frozenset(digests.apps() - owned.keys()))


def read_singly(place: Place, apps: Iterable[KnownApp]) -> None:
    """Read apps one by one: those that another account owns, or all when a canary disagreed."""
    wanted = [app for app in apps if not _read_in_this_run(place, app)]
    readings: dict[str, Reading] = {}

    def calls() -> Iterator[tuple[KnownApp, Callable[[], Listing[Collaborator]]]]:
        for app in wanted:
            readings[app.scalingo_id] = place.start(Scope.Kind.APP, app.scalingo_id)
            yield app, canaries.asking(place, app.scalingo_id)

    for app, answer in place.reader.many(calls()):
        reading = readings.pop(app.scalingo_id)
        if isinstance(answer, ScalingoError):
            _note(place, reading.scope, reading, answer, app)
        else:
            with answer as listing:
                _apply_single(place, reading, app, listing)
        place.step.done += 1
        place.context.go_on()


def _apply_single(
    place: Place, reading: Reading, app: KnownApp, listing: Listing[Collaborator]
) -> None:
    digests = Digests().read(listing)
    foreign = digests.apps() - {app.scalingo_id}
    place.context.not_understood += len(listing.problems) + len(digests.disagreeing)
    if listing.problems or foreign:
        why = sentence_of(listing.problems[0]) if listing.problems else _("It is of another app.")
        scopes.not_observed(reading.scope, reason="not_understood", detail=why, at=reading.at)
        place.failed(app.name, "not_understood", why)
        return
    owned = app.owner_user_id == place.connection.account_id
    answers = Answers(listing, digests, {}, owned=owned)
    apply_answers(place, reading, {app.scalingo_id: app}, answers)
    place.observed(reading, digests.whole())


def apply_answers(
    place: Place, reading: Reading, apps: Mapping[str, KnownApp], answers: Answers
) -> None:
    """Write what differs of `apps`. Equal digests cost nothing.

    Changes are seen when the last of the answers has come; the next reading counts from when the
    first was asked for (`reading.at`): so both edges hold however long the answers took.
    """
    seen_at = max(reading.at, place.context.clock())
    changed: list[KnownApp] = []
    unchanged: list[KnownApp] = []
    for app_id, app in apps.items():
        (unchanged if app.digest == answers.digest(app_id) else changed).append(app)
    forget_missing([app.id for app in unchanged if app.missing_at], fence=reading.fence)
    note_unchanged(unchanged, scope_id=reading.scope.pk)
    for differing in _differing({app.scalingo_id: app for app in changed}, answers):
        _apply_batch(place, reading, differing, answers, at=seen_at)
    if changed or reading.scope.stale_since:
        _settle_two_factor(place, reading, answers.digests, at=seen_at)


@dataclass(slots=True)
class _Differing:
    """The rows of some apps that are not as they were, and who is absent."""

    apps: list[KnownApp] = field(default_factory=list)
    rows: list[tuple[UUID, tuple[str, ...], bytes | None]] = field(default_factory=list)
    absent: list[tuple[UUID, str]] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return len(self.apps) >= APPS_PER_BATCH or len(self.rows) >= ROWS_PER_BATCH

    def add(
        self,
        app: KnownApp,
        rows: Sequence[Collaborator],
        known: dict[str, bytes | None],
        answers: Answers,
    ) -> None:
        """Compare the rows of one app with those that are open there, which are used up."""
        self.apps.append(app)
        digests = answers.of(app.scalingo_id)
        for row, digest in zip(rows, row_digests(rows), strict=True):
            if known.pop(storable(row.id, 80), None) != digest:
                self.rows.append((app.id, seen(row, digests, owned=answers.owned), digest))
        self.absent += ((app.id, collaborator_id) for collaborator_id in known)


def _differing(apps: Mapping[str, KnownApp], answers: Answers) -> Iterator[_Differing]:
    """What differs of `apps`, in batches that a transaction can take."""
    open_now = OpenRows(apps[app_id].id for app_id in answers.in_order(apps.keys()))
    batch = _Differing()
    for app_id, rows in answers.of_each(apps.keys()):
        batch.add(apps[app_id], rows, open_now.of(apps[app_id].id), answers)
        if batch.is_full:
            yield batch
            batch = _Differing()
    if batch.apps:
        yield batch


def _apply_batch(
    place: Place, reading: Reading, differing: _Differing, answers: Answers, *, at: datetime
) -> None:
    batches = [
        Batch(app.id, answers.digest(app.scalingo_id), app.previous) for app in differing.apps
    ]
    found = find_changes(batches, differing.rows, differing.absent, at=at)
    causes = ask_who(place, {app.id: app.scalingo_id for app in differing.apps}, found.changes)
    ends = write_changes(
        found,
        fence=reading.fence,
        scope_id=reading.scope.pk,
        at=at,
        causes=causes,
    )
    stage(place, ends)
    place.context.causes.update(causes)
    place.context.count(found)


def _settle_two_factor(place: Place, reading: Reading, digests: Digests, *, at: datetime) -> None:
    """Write the 2FA that rows which did not change say nevertheless.

    Where a body no longer disagrees with itself, the row that is left may be one of them; and
    while a scope could not be read, another one may have said otherwise.
    """
    doubtful = unknown_accounts() if reading.scope.stale_since is None else None
    said = {
        account: value
        for account, value in digests.two_factor(among=doubtful).items()
        if value != TwoFactor.UNKNOWN
    }
    place.context.two_factor += apply_two_factor(said, at=at, fence=reading.fence)


def stage(place: Place, ends: list[End]) -> None:
    """Keep ends until the run has seen its scopes; the guard decides on all of them."""
    place.context.staged += ends


def _read_in_this_run(place: Place, app: KnownApp) -> bool:
    """Whether a worker that died had read this app already in this run."""
    started = place.context.run.started_at
    return bool(
        place.context.run.attempts > 1
        and app.stale_since is None
        and app.previous
        and started
        and app.previous >= started
    )


def _say_what_is_wrong(
    place: Place, listing: Listing[Collaborator], apps: Mapping[str, KnownApp]
) -> None:
    """One sentence for each app whose rows cannot be believed, and one for rows of no app."""
    first = {problem.app_id: problem for problem in reversed(listing.problems)}
    for app_id, problem in first.items():
        app = apps.get(app_id or "")
        scope = app.name if app else Scope.Kind.COLLABORATORS
        place.failed(scope, "not_understood", sentence_of(problem))


def _note(
    place: Place,
    scope: Scope,
    reading: Reading,
    error: ScalingoError,
    app: KnownApp | None = None,
) -> None:
    scopes.not_observed(scope, reason=error.code, detail=error.sentence, at=reading.at)
    place.failed(app.name if app else scope.kind, error.code, error.sentence)
    raise_if_hopeless(error)
