"""Bad days by name, for whoever wants to meet every one of them on every request.

Each is the fields of a `Fault` but for where it strikes: `world.bad_day(name, path=…, skip=…)`.
"""

from typing import Any

from .faults import HTML, JSON

_TEN_MEGABYTES = 10_000_000
_PAGE = "<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


def _mutated(kind: str, **fields: Any) -> dict[str, Any]:
    return {"mutations": [{"kind": kind, **fields}]}


def _json(status: int, body: str) -> dict[str, Any]:
    return {"status": status, "body": body, "content_type": JSON}


# What answers instead of the platform, or breaks on the way.
INSTEAD: dict[str, dict[str, Any]] = {
    "forbidden": _json(403, '{"error":"forbidden"}'),
    "blocked": {"status": 403, "body": "Forbidden\n", "content_type": "text/plain"},
    "not_found": _json(404, '{"resource":"app","error":"not found"}'),
    "not_found_page": {"status": 404, "body": _PAGE, "content_type": HTML},
    "no_right": _json(401, '{"error":"not allowed"}'),
    "server_error": _json(500, '{"error":"Internal error occured, we\'re on it!"}'),
    "bad_gateway": {"status": 502, "body": _PAGE, "content_type": HTML},
    "unavailable": {"status": 503, "body": _PAGE, "content_type": HTML},
    "gateway_timeout": {"status": 504, "body": _PAGE, "content_type": HTML},
    "limited": {"status": 429, "body": "Retry later\n", "content_type": "text/plain"},
    "limited_json": _json(429, '{"error":"Retry later","code":"limited"}'),
    "limited_for_seconds": {"status": 429, "body": "", "headers": {"Retry-After": "7"}},
    "limited_until_a_date": {
        "status": 429,
        "body": "",
        "headers": {"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"},
    },
    "limited_for_nonsense": {"status": 429, "body": "", "headers": {"Retry-After": "soon"}},
    "limited_for_ever": {"status": 429, "body": "", "headers": {"Retry-After": "1000000000"}},
    "redirected": {"status": 302, "headers": {"Location": "http://elsewhere.example/"}},
    "empty_body": _json(200, ""),
    "page": {"status": 200, "body": _PAGE, "content_type": HTML},
    "text": {"status": 200, "body": "OK"},
    "empty_object": _json(200, "{}"),
    "null": _json(200, "null"),
    "bad_json": _json(200, '{"apps": [{"id":'),
    "not_utf8": {"status": 200, "body": b'{"apps": "\xff\xfe"}', "content_type": JSON},
    "deep_json": _json(200, "[" * 100_000 + "]" * 100_000),
    "huge_body": {"status": 200, "body": '{"apps":"', "padding": _TEN_MEGABYTES},
    "bomb": {"status": 200, "body": '{"apps":"', "padding": _TEN_MEGABYTES, "gzip": True},
    "reset": {"ending": "reset"},
    "half_body": {"ending": "half"},
    "unended": {"ending": "unended"},
    "silence": {"ending": "silence"},
    "silence_before": {"status": 504, "ending": "silence"},
    "error_after": {**_json(500, '{"error":"Internal error"}'), "processed": True},
}

# Good answers with something wrong in them.
SPOILT: dict[str, dict[str, Any]] = {
    "cut": _mutated("cut", value=0.5),
    "list_is_null": _mutated("root", value=None),
    "list_is_object": _mutated("root", value={}),
    "list_is_text": _mutated("root", value="none"),
    "empty_list": _mutated("empty"),
    "half_of_the_rows": _mutated("drop_rows", rows=0.5),
    "one_row_missing": _mutated("drop_rows", rows=1),
    "rows_twice": _mutated("duplicate"),
    "row_twice_and_different": _mutated(
        "duplicate", rows=1, value={"is_limited": "maybe", "name": "another-name"}
    ),
    "foreign_rows": _mutated("foreign", rows=2),
    "row_is_no_object": _mutated("add_rows", value=["text", None, 5, []]),
    "new_field": _mutated("set", field="colour", value={"red": 1}),
    "new_status": _mutated("set", field="status", value="hibernating"),
    "two_factor_is_text": _mutated("set", field="tfa_status", value="true"),
    "id_is_a_number": _mutated("set", field="id", value=5),
    "pages_appear": _mutated("paginate", value=2),
    "pages_cycle": _mutated("paginate", value=2, then="cycle"),
    "pages_repeat": _mutated("paginate", value=2, then="repeat"),
}

# Each field of a row missing, null, and of another type.
_FIELDS = (
    *("id", "name", "email", "user_id", "username", "status", "is_limited", "tfa_status"),
    *("app_id", "app_name", "owner", "owner.id", "owner.email", "project", "parent_app_name"),
)
for _field in _FIELDS:
    _word = _field.replace(".", "_")
    SPOILT[f"{_word}_missing"] = _mutated("drop", field=_field, rows=1)
    SPOILT[f"{_word}_null"] = _mutated("null", field=_field, rows=1)
    SPOILT[f"{_word}_of_another_type"] = _mutated("set", field=_field, value=["?"], rows=1)

BAD_DAYS: dict[str, dict[str, Any]] = INSTEAD | SPOILT
