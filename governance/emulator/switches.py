"""What nobody outside has seen of the real platform, or what differs by source, as switches.

The defaults are the likeliest answers. When the real one is read, change the default here and
nothing else.
"""

from dataclasses import dataclass

# Texts that no source gives.
DUPLICATE_INVITE = "has already been taken"
OWNER_INVITE = "is already the owner of this application"
LINKER_REFUSAL = "is not allowed for the user who linked the repository"
NO_RIGHT = "You are not allowed to access this resource"
DEAD_BEARER = "Invalid authentication token"
# Whom the 60 requests a minute are counted for: "account", "address" or "all".
RATE_LIMIT_PER = "account"


@dataclass
class Switches:
    """Each field is one question about the real platform."""

    # 401 (likely) or 403 for somebody who has no right on an existing app.
    no_right_status: int = 401
    # The same for a limited collaborator who wants more than their role gives.
    limited_refusal_status: int = 401
    # The invitation is answered as an object (clients, recording) or as an array (documentation).
    invitation_as_array: bool = False
    # A pending row has no `user_id` (recording) instead of null (documentation).
    pending_user_id_absent: bool = False
    # An accepted row has the URL with an empty token (recording) instead of an empty string.
    accepted_link_has_url: bool = False
    # `previous_page` (recording) instead of `prev_page` (documentation).
    previous_page: bool = False
    # The last page repeats its own number as `next_page` instead of null.
    last_page_repeats: bool = False
    # Whether dedicated databases are among the apps, and in the owner's collaborators.
    databases_in_apps: bool = False
    databases_in_collaborators: bool = True
    review_apps_in_collaborators: bool = True
    # `{app, addon, database}` for each database (JavaScript client) instead of the flat shape.
    databases_nested: bool = False
    # A bare array of those instead of an object with one (Go client).
    databases_bare: bool = False
    # Refusal to change the role of the person whose Git account links the app; 0 allows it.
    linker_refusal_status: int = 422
    # `scm_repo_link` as a list (recording) instead of an object (documentation, clients).
    linker_as_list: bool = False
    # Whether a limited collaborator may list collaborators.
    limited_may_list: bool = True
    # Whether somebody who does not own the app sees `tfa_status`.
    two_factor_for_all: bool = True
    # `GET /v1/events` also has what others did on the caller's apps.
    events_of_others: bool = False
    # `per_page` above this is cut to it.
    per_page_max: int = 100
    # A refused request says 429 in JSON instead of text; with this Retry-After, when not empty.
    rate_limit_json: bool = False
    retry_after: str = ""
    rate_limit_per: str = RATE_LIMIT_PER
    # Whether requests to the auth API count for the limit.
    rate_limit_auth: bool = True
    # Bearers without the `exp` claim.
    bearer_without_exp: bool = False
    # Removed rows stay listed for so many seconds.
    removal_lag: float = 0.0
