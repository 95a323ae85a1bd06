"""Proving: a small price for whoever makes a page write to somebody, which a person does not notice and a flood does.

A form carries a challenge that we signed. A script finds a number such that the hash of both begins with enough zeros; without a
script one waits: the challenge says when it was made. Each is good once, for half a day. The more is asked for, the higher the price.
Who waits may wait for many at once: against a patient flood the limits stand alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.audience.mac import mac

HOLDS_FOR = timedelta(hours=12)

_NONCE_BYTES, _BITS_BYTES, _TIME_BYTES, _MAC_BYTES = 7, 1, 4, 12
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_PROOF = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Price:
    """With how many zeros the hash begins, and how long one waits who has no script."""

    bits: int
    wait: timedelta


USUAL = Price(15, timedelta(seconds=20))
"""Some 30,000 tries: a tenth of a second on a phone."""
HIGHER = Price(17, timedelta(seconds=60))
HIGHEST = Price(19, timedelta(minutes=3))
"""Some 500,000 tries: seconds on a phone, and for a flood of thousands that does not wait, hours."""


class Proof(StrEnum):
    """What a challenge, and what came with it, are worth."""

    GOOD = "good"
    TOO_SOON = "too soon"
    """No number, and the wait is not over."""
    NONE = "none"
    """No challenge of ours, too old a one, or one of another time's lower price."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, and how many seconds are still to wait where it is too soon."""

    proof: Proof
    seconds: int = 0


def make_challenge(key: bytes, now: datetime, price: Price = USUAL) -> str:
    """A new challenge: 32 characters."""
    bits, at = price.bits.to_bytes(_BITS_BYTES, "big"), int(now.timestamp()).to_bytes(_TIME_BYTES, "big")
    body = secrets.token_bytes(_NONCE_BYTES) + bits + at
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode("ascii")


def judge(key: bytes, challenge: str, number: str, now: datetime, price: Price = USUAL) -> Judged:
    """Whether the price was paid, as it stands now."""
    if not _CHALLENGE.fullmatch(challenge):
        return Judged(Proof.NONE)
    raw = base64.urlsafe_b64decode(challenge)
    body, found = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    age = now.timestamp() - int.from_bytes(body[-_TIME_BYTES:], "big")
    if not hmac.compare_digest(found, _mac(key, body)) or not -60 <= age < HOLDS_FOR.total_seconds():
        return Judged(Proof.NONE)
    if _bits(body) < price.bits:
        return Judged(Proof.NONE)
    if _PROOF.fullmatch(number) and is_proof(challenge, number, price.bits):
        return Judged(Proof.GOOD)
    left = price.wait.total_seconds() - age
    return Judged(Proof.GOOD) if left <= 0 else Judged(Proof.TOO_SOON, int(left) + 1)


def is_proof(challenge: str, number: str, bits: int = USUAL.bits) -> bool:
    """Whether the hash of challenge and number begins with enough zeros."""
    found = hashlib.sha256(f"{challenge}.{number}".encode()).digest()
    return int.from_bytes(found[:4], "big") >> (32 - bits) == 0


def bits_of(challenge: str) -> int:
    """How many zeros a challenge asks for; of one that is not ours, it may be any number."""
    return _bits(base64.urlsafe_b64decode(challenge)) if _CHALLENGE.fullmatch(challenge) else USUAL.bits


def _bits(body: bytes) -> int:
    return body[_NONCE_BYTES]


def _mac(key: bytes, body: bytes) -> bytes:
    return mac(key, b"challenge|")(body)[:_MAC_BYTES]
