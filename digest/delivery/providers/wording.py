"""The words of services, made fit to be kept and shown: one line, bounded, without secrets or readers' addresses."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST = 500
# Halves of surrogate pairs are no characters: no store takes them, and a mail in UTF-7 may hold some.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")


def mask(text: str, secrets: Collection[str] = (), addresses: Collection[str] = ()) -> str:
    """`text` on one line of at most 500 characters; each secret is `***`, each of `addresses` is `<address>`.

    Addresses are compared without case, and are to be given in lower case.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    text = " ".join((text if text.isprintable() else _UNPRINTABLE.sub(" ", text)).split())
    if addresses and "@" in text:
        text = _ADDRESS.sub(lambda found: "<address>" if found[0].rstrip(".").lower() in addresses else found[0], text)
        text = text.replace("<<address>>", "<address>")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def explain(error: BaseException) -> str:
    """A network error in words: `connection refused`, or its kind where it has none."""
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return str(reason) or type(error).__name__
