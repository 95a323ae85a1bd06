"""A published DKIM key, read (RFC 6376, 3.6.1; RFC 8463 for Ed25519)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from digest.checks.domain.subject import PublicKey
from digest.checks.domain.tag_list import begins, read_tags


@dataclass(frozen=True, slots=True)
class DkimRecord:
    """What was published. `key` is None where it was not looked into: no RSA key, or cryptography is not installed."""

    kind: str
    revoked: bool
    testing: bool
    for_mail: bool
    hashes: frozenset[str]
    key: PublicKey | None = None


def read_dkim(text: str) -> DkimRecord:
    """The record. Raises `ValueError` with what is wrong."""
    tags = read_tags(text)
    if "v" in tags and not begins(text, "DKIM1"):
        raise ValueError("it has a v that is not DKIM1, or not at its beginning")
    if "p" not in tags:
        raise ValueError("it has no p, which holds the key")
    data = "".join(tags["p"].split())
    kind = tags.get("k", "rsa").lower()
    return DkimRecord(
        kind=kind,
        revoked=not data,
        testing="y" in _words(tags.get("t", "")),
        for_mail=bool({"*", "email"} & _words(tags.get("s", "*"))),
        hashes=frozenset(_words(tags.get("h", "sha256"))),
        key=_rsa(data) if data and kind == "rsa" else None,
    )


def _words(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(":")}


def _rsa(data: str) -> PublicKey | None:
    try:
        der = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise ValueError("its p is not base64: it was cut or copied wrongly") from None
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.serialization import load_der_public_key
    except ImportError:
        return None
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("its p holds no key: it was cut or copied wrongly") from None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("its p holds a key that is not RSA, as its k says")
    numbers = key.public_numbers()
    return PublicKey(numbers.n, numbers.e)
