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
from binascii import b2a_base64
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from digest.audience.mac import Mac, mac

_VERSION = 1
_ID_BYTES = 6
_MAC_BYTES = 16
_FOR_URLS = bytes.maketrans(b"+/", b"-_")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_EXPIRING = 2
_END_BYTES = 4
_EXPIRING_MAC_BYTES = 18
_EXPIRING_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}", re.ASCII)


class Purpose(StrEnum):
    """What a token allows; one for another purpose never verifies."""

    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    # These expire, and speak for something other than a subscription.
    CONFIRM = "confirm"
    MOVE_FROM = "move from"
    MOVE_TO = "move to"
    ERASE = "erase"
    DOWNLOAD = "download"
    SIGN_IN = "sign in"
    STAY = "stay"


def derive_key(secret: str, label: str = "tokens") -> bytes:
    """A key of 32 bytes for one use of the project's secret (HKDF-SHA256, RFC 5869, one block)."""
    extracted = hmac.digest(b"digest-newsletter", secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, label.encode() + b"\x01", hashlib.sha256)


def make_token(key: bytes, purpose: Purpose, subscription_id: int) -> str:
    """The token of a subscription for one purpose; always the same one. Ids run from 0 to 2**48 - 1."""
    return token_maker(key, purpose)(subscription_id)


@lru_cache(maxsize=64)
def token_maker(key: bytes, purpose: Purpose) -> Callable[[int], str]:
    """`make_token` for a key and a purpose, for whoever makes many."""
    head, authenticate = bytes([_VERSION, _key_id(key)]), _mac(key, purpose)

    def make(subscription_id: int) -> str:
        body = head + subscription_id.to_bytes(_ID_BYTES, "big")
        return b2a_base64(body + authenticate(body)[:_MAC_BYTES], newline=False).translate(_FOR_URLS).decode("ascii")

    return make


def read_token(key: bytes, purpose: Purpose, token: str) -> int | None:
    """The subscription that a token speaks for; None when it was not made with this key for this purpose, whatever it is."""
    if not _TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    body, found = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    genuine = hmac.compare_digest(found, _mac(key, purpose)(body)[:_MAC_BYTES])
    return int.from_bytes(body[2:], "big") if genuine and body[:2] == bytes([_VERSION, _key_id(key)]) else None


def make_expiring_token(key: bytes, purpose: Purpose, number: int, ends_at: datetime) -> str:
    """A token that speaks for something with a number until a time."""
    end = int(ends_at.timestamp()).to_bytes(_END_BYTES, "big")
    body = bytes([_EXPIRING, _key_id(key)]) + number.to_bytes(_ID_BYTES, "big") + end
    whole = body + _mac(key, purpose)(body)[:_EXPIRING_MAC_BYTES]
    return base64.urlsafe_b64encode(whole).decode("ascii")


def read_expiring_token(key: bytes, purpose: Purpose, token: str, now: datetime) -> int | None:
    """The number that a token speaks for; None when it was not made with this key for this purpose, or its time is over."""
    if not _EXPIRING_TOKEN.fullmatch(token):
        return None
    raw = base64.urlsafe_b64decode(token)
    body, found = raw[:-_EXPIRING_MAC_BYTES], raw[-_EXPIRING_MAC_BYTES:]
    genuine = hmac.compare_digest(found, _mac(key, purpose)(body)[:_EXPIRING_MAC_BYTES])
    ours = genuine and body[:2] == bytes([_EXPIRING, _key_id(key)])
    alive = now.timestamp() < int.from_bytes(body[-_END_BYTES:], "big")
    return int.from_bytes(body[2:-_END_BYTES], "big") if ours and alive else None


def _mac(key: bytes, purpose: Purpose) -> Mac:
    return mac(key, purpose.value.encode() + b"|")


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> int:
    """Tells keys apart when the secret is changed and old links must go on; one byte of it says nothing about the key."""
    if not 16 <= len(key) <= 64:
        raise ValueError("a token's key has 16 to 64 bytes; `derive_key` makes one")
    return hmac.digest(key, b"key id", hashlib.sha256)[0]
