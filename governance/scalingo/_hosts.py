"""Which hosts may be given a token."""

import re
from collections.abc import Sequence

import httpx

_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*|[0-9a-f:]+")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Hosts:
    """An allow-list. `scalingo.com` allows itself and what is below it, by https at the usual
    port; `127.0.0.1` any port of this machine; `host:port` exactly that."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = tuple(entry.lower() for entry in allowed)

    def allows(self, url: httpx.URL) -> bool:
        """Whether a token may be sent to `url`, judged as httpx itself will read it."""
        host = url.raw_host.decode("ascii").lower()
        if url.scheme not in ("http", "https") or not _NAME.fullmatch(host) or url.userinfo:
            return False
        port = url.port or (443 if url.scheme == "https" else 80)
        name = f"[{host}]" if ":" in host else host
        return f"{name}:{port}" in self._allowed or any(
            self._belongs(url, host, entry) for entry in self._allowed
        )

    @staticmethod
    def _belongs(url: httpx.URL, host: str, entry: str) -> bool:
        if entry in LOOPBACK:
            return host == entry
        below = host == entry or host.endswith("." + entry)
        return below and url.scheme == "https" and url.port is None
