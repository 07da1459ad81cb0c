"""Single owned apps re-read at each sync, to find out that the listing of all leaves some out.

The listing is documented nowhere as complete: an app that it left out would look like one without
anybody. So a few are asked for by themselves, and so is any that the listing would empty.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from random import Random

from django.utils.translation import gettext as _

from governance.inventory.models import Scope
from governance.scalingo import Collaborator, Listing, NotUnderstood, ScalingoError
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
) -> tuple[dict[str, tuple[Listing[Collaborator], Digests]], dict[str, ScalingoError]]:
    """Re-read `wanted` owned apps singly, or all of them while the listing is not believed.

    Also those that the listing would empty. Returns the answers that count instead of the
    listing's; and the apps of which neither counts, because the reading that was needed failed.
    """
    everything = scope.one_by_one_since is not None
    needed = frozenset(owned) if everything else emptied_again(owned, digests)
    single: dict[str, tuple[Listing[Collaborator], Digests]] = {}
    unread: dict[str, ScalingoError] = {}
    different: list[str] = []
    asked = sorted((wanted | needed) & owned.keys())
    for app_id, answer in place.reader.many((app_id, asking(place, app_id)) for app_id in asked):
        own = _own_rows(app_id, answer, stack)
        if isinstance(own, ScalingoError):
            raise_if_hopeless(own)
            if app_id in needed:
                unread[app_id] = own
            continue
        if _differs(app_id, own[1], digests):
            different.append(app_id)
        if app_id in different or app_id in needed:
            single[app_id] = own
    _doubt(place, scope, different, everything=everything and not unread)
    return single, unread


def _own_rows(
    app_id: str, answer: Listing[Collaborator] | ScalingoError, stack: ExitStack
) -> tuple[Listing[Collaborator], Digests] | ScalingoError:
    """What a single reading says of its app, or why it says nothing."""
    if isinstance(answer, ScalingoError):
        return answer
    listing = stack.enter_context(answer)
    own = Digests(frozenset({app_id})).read(listing)
    if listing.problems or own.apps() - {app_id}:
        return NotUnderstood("has rows that cannot be believed")
    return (listing, own)


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
            _(
                "The list of all collaborators disagrees with a single app twice in a row;"
                " apps of this region are read one by one."
            ),
        )
    doubted = different[0] if different and not everything else ""
    if (doubted, one_by_one) != (scope.doubted_app, scope.one_by_one_since):
        scope.doubted_app, scope.one_by_one_since = doubted, one_by_one
        scope.save(update_fields=["doubted_app", "one_by_one_since"])
