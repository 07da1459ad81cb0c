"""Where a request comes from."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def network_of(request: HttpRequest) -> str:
    """The network address of the client; of IPv6 the first 64 bits, which one customer has.

    `X-Forwarded-For` is believed behind a proxy that we were told to trust, and there the last
    entry alone: that proxy wrote it, the client may have written the others. Empty when unknown.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        found = request.META.get("HTTP_X_FORWARDED_FOR", found).split(",")[-1].strip()
    try:
        address = ip_address(found)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
