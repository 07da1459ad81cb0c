"""What may go wrong while the platform is read, for one sync or for some in a row."""

from dataclasses import dataclass

NOT_FOUND = '{"resource":"app","error":"not found"}'
JSON = "application/json; charset=utf-8"


def _spoilt(kind, **how):
    return {"mutations": [{"kind": kind, **how}]}


# Answers that are no observation of anything.
NOTHING = {
    "500": {"status": 500},
    "503 html": {"status": 503, "body": "<html>"},
    "403": {"status": 403, "body": '{"error":"no"}'},
    "401": {"status": 401, "body": '{"error":"no"}'},
    "404 app": {"status": 404, "body": NOT_FOUND},
    "404 html": {"status": 404, "body": "<html>"},
    "429": {"status": 429, "body": "Retry later"},
    "blocked": {"status": 403, "body": "Forbidden", "content_type": "text/plain"},
    "elsewhere": {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    "html": {"status": 200, "body": "<html>"},
    "empty": {"status": 200, "content_type": JSON},
    "{}": _spoilt("body", value={}),
    "null": _spoilt("root", value=None),
    "cut": _spoilt("cut", value=0.6),
    "half": {"ending": "half"},
    "reset": {"ending": "reset"},
    "silence": {"ending": "silence"},
}
# Answers that are partly to be believed.
PARTLY = {
    "no email": _spoilt("drop", field="email", rows=1),
    "null email": _spoilt("null", field="email", rows=1),
    "no id": _spoilt("drop", field="id", rows=1),
    "null id": _spoilt("null", field="id", rows=1),
    "id of another kind": _spoilt("set", field="id", value=7, rows=1),
    "twice": _spoilt("duplicate", rows=1),
    "twice and otherwise": _spoilt("duplicate", rows=1, value={"email": "x@else.example"}),
    "foreign": _spoilt("foreign", rows=1),
    "pages": _spoilt("paginate", value=2),
    # No list at all, unless it fits into one page.
    "repeat": _spoilt("paginate", value=1, then="repeat"),
}
# What people are is not said, or in words that nobody knows.
UNKNOWN = {
    "no account": _spoilt("drop", field="user_id"),
    "no role": _spoilt("drop", field="is_limited", rows=2),
    "null role": _spoilt("null", field="is_limited", rows=2),
    "odd status": _spoilt("set", field="status", value="on holiday", rows=2),
    "no 2fa": _spoilt("null", field="tfa_status"),
}
# Valid answers that are not true: of the lists alone, which canaries and second readings check.
LIES = {
    "nobody": _spoilt("root", value=[]),
    "some": _spoilt("drop_rows", rows=2),
}
WITHOUT, NOBODY = "listing without", "app without"
FAULTS = {**NOTHING, **PARTLY, **UNKNOWN, **LIES}
PLACES = {
    "collaborators": "/v1/collaborators",
    "apps": "/v1/apps",
    "databases": "/v1/databases",
    "app": "/v1/apps/*/collaborators",
    "look": "/v1/apps/*",
    "events": "/v1/apps/*/events",
    "exchange": "/v1/tokens/exchange",
    "regions": "/v1/regions",
    "tfa": "/v1/client/tfa",
}
_OF_NO_REGION = {"exchange", "regions", "tfa"}
_LISTS = ("collaborators", "app", "apps", "databases")
_FITS = {
    **dict.fromkeys(PARTLY, _LISTS),
    **dict.fromkeys(UNKNOWN, ("collaborators", "app")),
    **dict.fromkeys(LIES, ("collaborators", "apps")),
    # Said three times over a day of an app that is not listed, it is true.
    "404 app": tuple(place for place in PLACES if place != "look"),
}
# The first requests are needed for all others: seldom, or little else would be read.
_LIKELY = ("collaborators",) * 8 + ("app",) * 8 + ("apps",) * 4 + ("databases",) * 2 + tuple(PLACES)

# Those that fit few places are drawn for them as often.
_NAMES = [*NOTHING] * 3 + [*PARTLY, *UNKNOWN, *LIES] * 4


@dataclass
class Laid:
    """One thing that is wrong: what, where, and in how many syncs to come."""

    name: str
    place: str
    what: dict
    region: str | None = None
    app: str = ""
    skip: int = 0
    times: int | None = None
    syncs: int = 1
    fault: object = None

    @property
    def of_region(self):
        return "" if self.place in _OF_NO_REGION else self.region

    def lay(self, world):
        """Let the requests of the next sync meet it."""
        path = PLACES[self.place]
        if self.app and self.place == "app":
            path = f"/v1/apps/{self.app}/collaborators"
        what = {**self.what, "mutations": [dict(one) for one in self.what.get("mutations", [])]}
        self.fault = world.fault(
            path=path, region=self.of_region, skip=self.skip, times=self.times, **what
        )
        self.syncs -= 1

    @property
    def hit(self):
        return self.fault is not None and self.fault.hits > 0

    @property
    def is_lie_of_list(self):
        return self.place == "collaborators" and (self.name in LIES or self.name == WITHOUT)

    @property
    def blinds(self):
        """Whether it keeps an app's own list from being read."""
        return self.place == "app" and self.name != NOBODY


def drawn(random, regions):
    """Anything wrong anywhere."""
    name = random.choice(_NAMES)
    place = random.choice([one for one in _LIKELY if one in _FITS.get(name, PLACES)])
    times = random.choice([None, None, None, 1, 3])
    return Laid(
        name,
        place,
        FAULTS[name],
        region=random.choice([*regions, *regions, None]),
        skip=0 if times is None else random.randint(0, 3),
        times=times,
        syncs=random.choice([1, 1, 1, 2]),
    )


def listing_without(app, *, syncs):
    """The list of all leaves an app out, which a reading of the app itself does not."""
    what = _spoilt("drop_rows", where={"app_id": app.id})
    return Laid(WITHOUT, "collaborators", what, region=app.region, syncs=syncs)


def app_without_anybody(app, *, syncs):
    """What an app says of itself: that nobody is on it."""
    what = LIES["nobody"]
    return Laid(NOBODY, "app", what, region=app.region, app=app.id, syncs=syncs)


def foreign_rows(app, other, *, syncs):
    """An app's list has a row of another app."""
    what = _spoilt("foreign", rows=1, value=other.id)
    return Laid("foreign of ours", "app", what, region=app.region, app=app.id, syncs=syncs)
