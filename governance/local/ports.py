"""Which port to listen on."""

import errno
import socket


class NoPort(Exception):
    """Nothing is free near the wanted port."""


def free_port(wanted: int, *, tries: int = 50) -> int:
    """`wanted`, or the next port on 127.0.0.1 that nobody listens on. Raises `NoPort`."""
    for port in range(wanted, min(wanted + tries, 65536)):
        if _is_free(port):
            return port
    raise NoPort(f"No port from {wanted} to {wanted + tries - 1} is free; name another in PORT.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that a connection that ended a moment ago does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            return False
        return True
