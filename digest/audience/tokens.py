"""Tokens: what lets a link in a mail act for one subscription, for one purpose, without a password.

A token is 24 bytes as 32 characters of base64url: a version, a key id, the subscription's id in six bytes, and the first 16
bytes of an HMAC-SHA256 over the purpose and all of these. It does not expire: a link in an old mail must still
unsubscribe. It is short because CPython breaks long header values (RFC 8058 wants it in List-Unsubscribe).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

_VERSION = 1
_ID_BYTES = 6
_MAC_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


class Purpose(StrEnum):
    """What a token allows; one for another purpose never verifies."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"


def derive_key(secret: str, label: str = "tokens") -> bytes:
    """A key of 32 bytes for one use of the project's secret (HKDF-SHA256, RFC 5869, one block)."""
    extracted = hmac.digest(b"digest-newsletter", secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, label.encode() + b"\x01", hashlib.sha256)


def make_token(key: bytes, purpose: Purpose, subscription_id: int) -> str:
    """The token of a subscription for one purpose; always the same one. Ids run from 0 to 2**48 - 1."""
    body = bytes([_VERSION, _key_id(key)]) + subscription_id.to_bytes(_ID_BYTES, "big")
    return base64.urlsafe_b64encode(body + _mac(key, purpose, body)).decode()


def read_token(key: bytes, purpose: Purpose, token: str) -> int | None:
    """The subscription that a token speaks for; None when it was not made with this key for this purpose, whatever it is."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    genuine = hmac.compare_digest(mac, _mac(key, purpose, body))
    return int.from_bytes(body[2:], "big") if genuine and body[:2] == bytes([_VERSION, _key_id(key)]) else None


def _mac(key: bytes, purpose: Purpose, body: bytes) -> bytes:
    inner, outer = begun(key, f"{purpose.value}|")
    inner, outer = inner.copy(), outer.copy()
    inner.update(body)
    outer.update(inner.digest())
    return outer.digest()[:_MAC_BYTES]


@lru_cache(maxsize=64)
def begun(key: bytes, beginning: str = "") -> tuple[_Hash, _Hash]:
    """HMAC-SHA256 (RFC 2104), its inner and outer hash up to where the message goes on: half the time of `hmac.digest`.

    Keys of at most 64 bytes.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + beginning.encode())
    return inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in block))


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> int:
    """Tells keys apart when the secret is changed and old links must go on; one byte of it says nothing about the key."""
    if not 16 <= len(key) <= 64:
        raise ValueError("a token's key has 16 to 64 bytes; `derive_key` makes one")
    return hmac.digest(key, b"key id", hashlib.sha256)[0]


class _Hash(Protocol):
    def copy(self) -> _Hash: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
