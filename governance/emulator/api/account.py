"""Regions, the caller's own account and its 2FA."""

from typing import Any

from governance.emulator.clock import iso
from governance.emulator.model import Account, Region

from .routing import Call, Host, Reply, route


@route("GET", "/v1/regions", Host.AUTH, public=True)
def regions(call: Call) -> Reply:
    """The regions of the caller, or the public ones when nobody is named."""
    shown = [
        region
        for region in call.world.regions.values()
        if (region.name in call.account.regions if call.account else region.is_public)
    ]
    return Reply(200, {"regions": [_region(region, call.request.base_url) for region in shown]})


def _region(region: Region, base_url: str) -> dict[str, Any]:
    return {
        "name": region.name,
        "display_name": region.display_name,
        "api": f"{base_url}/{region.name}",
        "dashboard": f"https://my.{region.name}.scalingo.com",
        "database_api": f"{base_url}/{region.name}/db-api",
        "ssh": f"ssh.{region.name}.scalingo.com:22",
        "default": region.is_default,
    }


@route("GET", "/v1/users/self", Host.AUTH, Host.REGION)
def self_account(call: Call) -> Reply:
    return Reply(200, {"user": _user(call.caller)})


def _user(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "uuid": account.id,
        "email": account.email,
        "username": account.username,
        "fullname": account.fullname,
        "company": account.company,
        "location": None,
        "created_at": iso(account.created_at),
        "github": None,
        "tos_accepted": True,
        "unconfirmed_email": None,
        "flags": {},
        "limits": {},
        "referral_url": None,
        "referral_clicks": 0,
        "free_trial_started_at": None,
        "free_trial_end_time": None,
        "suspended_at": None,
        "suspension_reason": None,
        "email_newsletter": False,
        "role": "",
        "profile_valid": True,
        "confirmed": True,
    }


@route("GET", "/v1/client/tfa", Host.AUTH)
def two_factor(call: Call) -> Reply:
    account = call.caller
    provider = "totp" if account.two_factor else None
    body = {
        "id": account.id,
        "uuid": account.id,
        "enabled": account.two_factor,
        "provider": provider,
    }
    return Reply(200, {"tfa": body})


@route("GET", "/v1/organizations", Host.AUTH)
def organizations(call: Call) -> Reply:
    return Reply(200, {"organizations": []})


@route("GET", "/v1/keys", Host.AUTH)
def keys(call: Call) -> Reply:
    return Reply(200, {"keys": []})
