"""DKIM signatures (RFC 6376): rsa-sha256, relaxed in headers and body, for who sends straight from SMTP.

Which headers are covered is fixed, and each is listed once more than it occurs, so that none can be added. The same
message always gets the same signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from digest.checks.domain.subject import PublicKey, SigningKey
from digest.errors import UsageError
from digest.settings import DkimSettings, Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

COVERED = (
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Auto-Submitted",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
)
LEAST_BITS = 1024  # RFC 8301

_WIDTH = 72
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_HEADER = re.compile(rb"([!-9;-~]+):((?:[^\r\n]|\r\n[ \t])*)\r\n")
_SPACES = re.compile(rb"[ \t]+")
_SEVERAL = re.compile(rb"\t[ \t]*| [ \t]+")


class DkimSigner:
    """Signs for one domain with one key."""

    def __init__(self, domain: str, selector: str, key: RSAPrivateKey) -> None:
        self._domain, self._selector, self._key = domain, selector, key

    @property
    def signing_key(self) -> SigningKey:
        """What has to be published for the signatures to be believed."""
        numbers = self._key.public_key().public_numbers()
        return SigningKey(self._domain, self._selector, PublicKey(numbers.n, numbers.e))

    def sign(self, message: bytes) -> bytes:
        """The message with its signature before it; complete and with CRLF it must be."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        head, _, body = message.partition(b"\r\n\r\n")
        headers = [(name, value) for name, value in _HEADER.findall(head + b"\r\n")]
        found = {name.lower() for name, _ in headers}
        names = [name for name in COVERED for _ in range(2 if name.lower().encode() in found else 1)]
        unsigned = self._value(names, hashlib.sha256(relax_body(body)).digest())
        covered = [relax_header(name, value) + b"\r\n" for name, value in _chosen(headers)]
        signed = b"".join([*covered, relax_header(b"DKIM-Signature", unsigned)])
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return b"DKIM-Signature:" + unsigned + _folded(base64.b64encode(signature).decode("ascii")) + b"\r\n" + message

    def _value(self, names: Iterable[str], body_hash: bytes) -> bytes:
        """The header's value up to the signature itself."""
        lines = [
            f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={self._domain};",
            f"s={self._selector};",
            f"h={_joined(names)};",
            f"bh={base64.b64encode(body_hash).decode('ascii')};",
            "b=",
        ]
        return "\r\n ".join(lines).encode("ascii")


def relax_header(name: bytes, value: bytes) -> bytes:
    """A header in its relaxed form, without the end of its line (RFC 6376, 3.4.2)."""
    return name.lower() + b":" + _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def relax_body(body: bytes) -> bytes:
    """A body in its relaxed form: spaces in lines reduced, those at their ends and empty lines at its end gone (3.4.4)."""
    one_by_one = _SEVERAL.sub(b" ", body) if b"  " in body or b"\t" in body else body
    reduced = one_by_one.replace(b" \r\n", b"\r\n").rstrip(b" ")
    whole = reduced if reduced.endswith(b"\r\n") else reduced + b"\r\n"
    while whole.endswith(b"\r\n\r\n"):
        whole = whole[:-2]
    return b"" if whole == b"\r\n" else whole


def read_signer(settings: Settings) -> DkimSigner | None:
    """What `[providers.smtp.dkim]` asks for, None when it is off; `UsageError` for half of it, and for a key that is none."""
    table = settings.providers.smtp.dkim
    missing = [name for name in ("domain", "selector", "key_file") if getattr(table, name) is None]
    if len(missing) == 3:
        return None
    if missing or table.domain is None or table.selector is None or table.key_file is None:
        raise UsageError(
            f"providers.smtp.dkim signs only with all of domain, selector and key_file: set {' and '.join(missing)} too"
        )
    if not _SELECTOR.fullmatch(table.selector):
        raise UsageError("providers.smtp.dkim.selector is not a selector: use letters, digits, dots and hyphens, such as 2026-11")
    return DkimSigner(table.domain, table.selector, _read_key(settings.resolve(table.key_file), table))


def _read_key(path: Path, table: DkimSettings) -> RSAPrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise UsageError("providers.smtp.dkim needs cryptography: install digest-newsletter[dkim]") from None
    where = f'providers.smtp.dkim.key_file is "{table.key_file}"'
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise UsageError(f"{where}, which cannot be read: {error.strerror}") from None
    except TypeError:
        raise UsageError(f"{where}, which has a password: write the key without one, readable for Digest alone") from None
    except ValueError:
        raise UsageError(f"{where}, which holds no private key in PEM: make one with: openssl genrsa -out FILE 2048") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise UsageError(
            f"{where}, which is no RSA key of {LEAST_BITS} bits or more: make one with: openssl genrsa -out FILE 2048"
        )
    return key


def _chosen(headers: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The covered headers there are, in the order in which they are listed."""
    for name in COVERED:
        yield from ((found, value) for found, value in headers if found.lower() == name.lower().encode())


def _joined(names: Iterable[str]) -> str:
    """Names with colons between them, on lines that are not too long."""
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n  ".join(lines).rstrip(":")


def _folded(text: str) -> bytes:
    return "\r\n ".join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)).encode("ascii")
