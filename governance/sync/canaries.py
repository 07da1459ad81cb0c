"""Single owned apps re-read at each sync, to find out that the listing of all leaves some out.

The listing is documented nowhere as complete: an app that it left out would look like one without
anybody. So a few are asked for by themselves, and so is any that the listing would empty.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from random import Random

from governance.inventory.models import Scope
from governance.scalingo import Collaborator, Listing, ScalingoError
from governance.sync.context import Place
from governance.sync.known import KnownApp
from governance.sync.listings import raise_if_hopeless
from governance.sync.rows import Digests

PER_SYNC = 5


def asking(place: Place, app_id: str) -> Callable[[], Listing[Collaborator]]:
    """The request for the collaborators of one app."""
    return lambda: place.client.collaborators_of(place.api, app_id)


def emptied_again(owned: Mapping[str, KnownApp], digests: Digests) -> frozenset[str]:
    """Apps without anybody, as when they were last read: a reading of the app itself decides."""
    return frozenset(
        app_id
        for app_id, app in owned.items()
        if app.missing_at and app_id not in digests and app.digest not in {None, bytes(32)}
    )


def re_read(
    place: Place,
    scope: Scope,
    owned: Mapping[str, KnownApp],
    digests: Digests,
    wanted: frozenset[str],
    stack: ExitStack,
) -> dict[str, tuple[Listing[Collaborator], Digests]]:
    """Re-read `wanted` owned apps singly, or all of them while the listing is not believed.

    Returns the answers that count instead of the listing's.
    """
    everything = scope.one_by_one_since is not None
    confirm = emptied_again(owned, digests)
    single: dict[str, tuple[Listing[Collaborator], Digests]] = {}
    different: list[str] = []
    calls = (
        (app_id, asking(place, app_id))
        for app_id in sorted(owned if everything else wanted & owned.keys())
    )
    for app_id, answer in place.reader.many(calls):
        if isinstance(answer, ScalingoError):
            raise_if_hopeless(answer)
            continue
        listing = stack.enter_context(answer)
        own = Digests(frozenset({app_id})).read(listing)
        if listing.problems or own.apps() - {app_id}:
            continue
        if _differs(app_id, own, digests):
            different.append(app_id)
        if everything or app_id in different or app_id in confirm:
            single[app_id] = (listing, own)
    _doubt(place, scope, different, everything=everything)
    return single


def _differs(app_id: str, own: Digests, listed: Digests) -> bool:
    if app_id in listed.watched:
        return own.watched[app_id] != listed.watched[app_id]
    return own.count(app_id) != listed.count(app_id)


def choose(place: Place, scope: Scope, owned: Mapping[str, KnownApp]) -> frozenset[str]:
    """The owned apps to re-read at this sync; the one that disagreed last time among them."""
    if scope.one_by_one_since:
        return frozenset(owned)
    ids = sorted(owned)
    # Any choice will do that is not always the same; not a secret.
    chosen = set(Random(str(place.context.run.pk)).sample(ids, min(PER_SYNC, len(ids))))  # noqa: S311
    if scope.doubted_app in owned and scope.doubted_app not in chosen:
        chosen.pop()
        chosen.add(scope.doubted_app)
    return frozenset(chosen)


def _doubt(place: Place, scope: Scope, different: list[str], *, everything: bool) -> None:
    """Believe the listing or not: two canaries in a row that disagree switch it off.

    One may disagree because the app changed between the two readings. While apps are read one by
    one the listing is still compared; once it agrees on all of them it is believed again.
    """
    one_by_one = scope.one_by_one_since
    if everything:
        one_by_one = one_by_one if different else None
    elif scope.doubted_app and scope.doubted_app in different:
        one_by_one = place.context.clock()
        place.failed(
            Scope.Kind.COLLABORATORS,
            "listing_incomplete",
            "The list of all collaborators disagrees with a single app twice in a row;"
            " apps of this region are read one by one.",
        )
    doubted = different[0] if different and not everything else ""
    if (doubted, one_by_one) != (scope.doubted_app, scope.one_by_one_since):
        scope.doubted_app, scope.one_by_one_since = doubted, one_by_one
        scope.save(update_fields=["doubted_app", "one_by_one_since"])
