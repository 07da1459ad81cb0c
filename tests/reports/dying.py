"""A worker that dies where a test says."""

import contextlib

from django.db import connection


class Killed(BaseException):
    """As if by SIGKILL."""


def dies_at(nth, call):
    """Run `call` in a worker that dies at its nth statement. Whether it came so far."""
    left = [nth]

    def dies(execute, sql, params, many, context):
        left[0] -= 1
        if left[0] <= 0:
            raise Killed
        return execute(sql, params, many, context)

    with contextlib.suppress(Killed), connection.execute_wrapper(dies):
        call()
    return left[0] <= 0
