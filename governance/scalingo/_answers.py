"""What an answer that is not a good one means."""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from ._cutter import NOT_JSON
from ._errors import (
    Blocked,
    Limited,
    NoRight,
    NotFound,
    NotUnderstood,
    Refused,
    ScalingoError,
    Unavailable,
    scrub,
)

# However long the platform asks us to wait.
LONGEST_WAIT = 120.0


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is JSON."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait by a Retry-After header: a number, or a date. Garbage is None.

    Reference: RFC 9110, 10.2.3
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return LONGEST_WAIT if len(text) > 6 else min(float(text), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(when - now, 0.0), LONGEST_WAIT)


def meaning(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> ScalingoError:
    """The error that an answer stands for. `body` may be JSON, text, HTML or the start of it."""
    said = _object(body) if is_json(headers) else {}
    make = _BY_STATUS.get(status)
    if make:
        return make(status, headers, body, said, now)
    if status >= 500 or status == 408:
        return Unavailable(f"Scalingo answered {status}.", code="server_error", status=status)
    if 400 <= status < 500:
        return _refused(status, said)
    if 300 <= status < 400:
        return NotUnderstood(
            f"sends us elsewhere ({status}), where we do not go", code="redirect", status=status
        )
    return NotUnderstood(f"has the status {status}, which we do not expect", status=status)


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except NOT_JSON:
        return {}
    return said if isinstance(said, dict) else {}


def _words(said: dict[str, Any]) -> str:
    words = said.get("error")
    return scrub(words) if isinstance(words, str) else ""


def _fields(said: dict[str, Any]) -> dict[str, list[str]]:
    errors = said.get("errors")
    if not isinstance(errors, dict):
        return {}
    return {
        scrub(name): [scrub(item) for item in _texts(items)]
        for name, items in list(errors.items())[:20]
    }


def _texts(items: Any) -> list[str]:
    found = items if isinstance(items, list) else [items]
    return [item for item in found[:20] if isinstance(item, str)]


def _refused(status: int, said: dict[str, Any]) -> Refused:
    fields = _fields(said)
    words = _words(said) or "; ".join(f"{name} {', '.join(what)}" for name, what in fields.items())
    sentence = (
        f'Scalingo refused: "{words[:400]}".' if words else f"Scalingo refused (status {status})."
    )
    return Refused(sentence, fields=fields, status=status)


def _no_right(*_of_answer: Any) -> ScalingoError:
    return NoRight("This account has no right here.", status=401)


def _forbidden(
    status: int, headers: Mapping[str, str], body: bytes, said: dict[str, Any], now: float
) -> ScalingoError:
    if body.strip() == b"Forbidden" and not is_json(headers):
        return Blocked("Scalingo refuses everything from this account or address.", status=status)
    words = _words(said)
    sentence = "This account has no right here" + (f': "{words}".' if words else ".")
    return NoRight(sentence, status=status)


def _not_found(
    status: int, headers: Mapping[str, str], body: bytes, said: dict[str, Any], now: float
) -> ScalingoError:
    resource = said.get("resource")
    name = scrub(resource) if isinstance(resource, str) else ""
    return NotFound(f"Scalingo knows no such {name or 'thing'}.", resource=name)


def _limited(
    status: int, headers: Mapping[str, str], body: bytes, said: dict[str, Any], now: float
) -> ScalingoError:
    wait = retry_after(headers.get("retry-after"), now=now)
    return Limited("Scalingo asks us to send fewer requests.", retry_after=wait)


_Maker = Callable[[int, Mapping[str, str], bytes, dict[str, Any], float], ScalingoError]
_BY_STATUS: dict[int, _Maker] = {
    401: _no_right,
    403: _forbidden,
    404: _not_found,
    429: _limited,
}
