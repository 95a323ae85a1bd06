"""HMAC-SHA256 (RFC 2104) computed up to where the body begins: less than half the time of `hmac.digest`, four times a mail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

Mac = Callable[[bytes], bytes]
"""32 bytes for the rest of what is authenticated."""


@lru_cache(maxsize=64)
def mac(key: bytes, beginning: bytes) -> Mac:
    """`mac(key, beginning)(rest)` is `hmac.digest(key, beginning + rest, "sha256")`."""
    size = hashlib.sha256().block_size
    block = (hashlib.sha256(key).digest() if len(key) > size else key).ljust(size, b"\0")
    inside = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + beginning)
    outside = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def finish(rest: bytes) -> bytes:
        inner, outer = inside.copy(), outside.copy()
        inner.update(rest)
        outer.update(inner.digest())
        return outer.digest()

    return finish
