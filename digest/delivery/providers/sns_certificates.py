"""The certificates that SNS signs with: fetched once each from where SNS keeps them, by the one way everything is fetched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from digest.catalogue.fetching import Bounds, Page
from digest.delivery.providers.webhook import NotGenuine
from digest.errors import Unreachable

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_BOUNDS = Bounds(size=64 * 1024, redirects=0, connect_seconds=5, read_seconds=5, total_seconds=10)
_MOST_KEPT = 8
_MOST_TRIES = 6  # in a minute: whoever makes addresses up does not make us ask SNS without end
_MINUTE = 60.0


class Fetch(Protocol):
    """What fetches an address; `digest.catalogue.fetching.fetch` is one."""

    def __call__(self, url: str, *, bounds: Bounds) -> Page: ...


class Certificates:
    """Certificates by their addresses. `clock` is real time, in seconds."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._kept: dict[str, Certificate] = {}
        self._tried: list[float] = []
        self._one_at_a_time = threading.Lock()

    def signed(self, address: str, version: str, signature: bytes, data: bytes, real: datetime) -> bool:
        """Whether the certificate at an address signed this; raises `NotGenuine` where that cannot be known."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256

        hashes = {"1": SHA1, "2": SHA256}  # version 1 is SNS's default still
        if version not in hashes:
            raise NotGenuine("is signed in a way that is not known here")
        certificate = self._of(address)
        if not certificate.not_valid_before_utc <= real <= certificate.not_valid_after_utc:
            raise NotGenuine("is signed with a certificate whose time is over, or still to come")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise NotGenuine("is signed with a certificate of another kind than SNS has")
        try:
            key.verify(signature, data, PKCS1v15(), hashes[version]())
        except InvalidSignature:
            return False
        return True

    def _of(self, address: str) -> Certificate:
        kept = self._kept.get(address)
        if kept is not None:  # without waiting for whoever asks for another one
            return kept
        with self._one_at_a_time:
            if address not in self._kept:
                found = self._fetched(address)
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[address] = found
            return self._kept[address]

    def _fetched(self, address: str) -> Certificate:
        from cryptography.x509 import load_pem_x509_certificate

        now = self._clock()
        self._tried = [one for one in self._tried if one > now - _MINUTE]
        if len(self._tried) >= _MOST_TRIES:
            raise NotGenuine("names one more certificate, and too many were asked for in the last minute")
        self._tried.append(now)
        try:
            return load_pem_x509_certificate(self._fetch(address, bounds=_BOUNDS).data)
        except Unreachable as error:
            raise NotGenuine(f"cannot be verified, because the certificate is out of reach: {error}") from None
        except ValueError:
            raise NotGenuine("names a certificate that is none") from None
