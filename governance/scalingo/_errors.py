"""Everything a caller may have to catch.

* ScalingoError          `code` (a short word to store), `sentence` (plain words, never a secret)
  - DeadToken            the API token itself is refused: nothing works until it is replaced
  - NoRight              a fresh bearer is refused here: no right on this resource, others go on
  - Blocked              the whole account or address is shut out, not this resource
  - NotFound             the platform says that `resource` does not exist
  - Limited              too many requests; try again after `retry_after` seconds, if it said when
  - Unavailable          timeouts, dropped connections, 5xx: a read may be repeated, a write may
                         have been done
  - Refused              the platform understood and said no; `fields` says which field and why
  - NotUnderstood        an answer that is not whole, or not of the shape we know: no observation

No error holds a request, a response or a body, and none is chained to one that does.
"""

import re
from collections.abc import Mapping

_LONGEST = 300
# Whatever looks like a token, a bearer or an invitation in words that are not ours.
_SECRET = re.compile(
    r"tk-us-[\w-]+|eyJ[\w-]+(?:\.[\w-]+)*|(?i:\b(?:basic|bearer)\s+[\w+/=.-]{8,})"
    r"|(?i:\btoken=)[^\s\"'&]+|\b[0-9a-fA-F]{40}\b"
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def scrub(text: str) -> str:
    """Words of the platform made fit to be shown: no secret, no control character, not long."""
    words = _UNPRINTABLE.sub(" ", _SECRET.sub("[hidden]", text[: 4 * _LONGEST])).strip()
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


class ScalingoError(Exception):
    """Scalingo could not be read or told."""

    code = "error"

    def __init__(self, sentence: str, *, code: str | None = None, status: int | None = None):
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or type(self).code
        self.status = status

    def __str__(self) -> str:
        return self.sentence


class DeadToken(ScalingoError):
    """The API token is refused by the token exchange."""

    code = "dead_token"


class NoRight(ScalingoError):
    """The account has no right on this resource (401 or 403 with a bearer just renewed)."""

    code = "no_right"


class Blocked(ScalingoError):
    """Scalingo refuses everything from this account or this address for now."""

    code = "blocked"


class NotFound(ScalingoError):
    """`resource` is what the platform says is missing ("app", "collaborator"), or empty."""

    code = "not_found"

    def __init__(self, sentence: str, *, resource: str = "", status: int | None = 404):
        super().__init__(sentence, status=status)
        self.resource = resource


class Limited(ScalingoError):
    """Too many requests. `retry_after`: seconds (at most 120), or None if it did not say."""

    code = "limited"

    def __init__(self, sentence: str, *, retry_after: float | None = None):
        super().__init__(sentence, status=429)
        self.retry_after = retry_after


class Unavailable(ScalingoError):
    """No answer, or one that says to come back later.

    `never_sent`: no connection came about, so that even a write was certainly not done.
    """

    code = "unavailable"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        status: int | None = None,
        never_sent: bool = False,
    ):
        super().__init__(sentence, code=code, status=status)
        self.never_sent = never_sent


class Refused(ScalingoError):
    """The platform said no. `fields`: what it said of each field, in its own words, scrubbed."""

    code = "refused"

    def __init__(
        self,
        sentence: str,
        *,
        fields: Mapping[str, list[str]] | None = None,
        code: str | None = None,
        status: int | None = None,
    ):
        super().__init__(sentence, code=code, status=status)
        self.fields: dict[str, list[str]] = dict(fields or {})


class NotUnderstood(ScalingoError):
    """Not a whole answer of a shape we know. `why` completes "Scalingo's answer …"."""

    code = "not_understood"

    def __init__(self, why: str, *, code: str | None = None, status: int | None = None):
        super().__init__(f"Scalingo's answer {why}.", code=code, status=status)
        self.why = why
