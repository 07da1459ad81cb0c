"""A body as it was before it was packed, and never more of it than allowed."""

import time
import zlib
from collections.abc import Iterator

import httpx

from ._errors import NotUnderstood

# What one step of unpacking may yield: a bomb is seen long before it has gone off.
UNPACK_STEP = 256 * 1024


class Body:
    """The bytes of an answer, part by part. Raises `NotUnderstood` when they are too many.

    `received` counts what came over the wire.
    """

    def __init__(self, response: httpx.Response, *, most: int, deadline: float) -> None:
        self._response = response
        self._most = most
        self._deadline = deadline
        self.received = 0

    def __iter__(self) -> Iterator[bytes]:
        given = 0
        for part in self._unpacked():
            given += len(part)
            if given > self._most:
                raise NotUnderstood(f"is longer than {self._most:,} bytes", code="too_large")
            yield part

    def start(self, size: int) -> bytes:
        """The first bytes, at most `size`; what there is when the rest does not come."""
        found = bytearray()
        try:
            for part in self:
                found += part
                if len(found) >= size:
                    break
        except (httpx.HTTPError, httpx.StreamError, NotUnderstood):
            pass
        return bytes(found[:size])

    def _unpacked(self) -> Iterator[bytes]:
        if self._response.is_stream_consumed:  # a transport that had it all at hand
            self.received = len(self._response.content)
            return iter([self._response.content])
        packing = self._response.headers.get("content-encoding", "").strip().lower()
        if packing in ("", "identity"):
            return self._raw()
        if packing in ("gzip", "x-gzip"):
            return _gunzip(self._raw())
        raise NotUnderstood("is packed in a way that was not asked for")

    def _raw(self) -> Iterator[bytes]:
        for part in self._response.iter_raw():
            self.received += len(part)
            if time.monotonic() > self._deadline:
                raise httpx.ReadTimeout("the deadline of the request has passed")
            yield part


def _gunzip(packed: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for part in packed:
        rest = part
        while rest:
            if unpacker.eof:  # another member follows
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = _step(unpacker, rest)
            if piece is None:
                raise NotUnderstood("is not packed as it says")
            if piece:
                yield piece
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise NotUnderstood("ends in the middle", code="half_body")


def _step(unpacker: "zlib._Decompress", packed: bytes) -> bytes | None:
    try:
        return unpacker.decompress(packed, UNPACK_STEP)
    except zlib.error:
        return None
