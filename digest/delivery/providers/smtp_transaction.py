"""One message for one recipient, as SMTP puts it on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transaction:
    """One message for one recipient, in the bytes of the wire: addresses bare, body dot-stuffed with its final dot."""

    mail_from: str
    rcpt_to: str
    body: bytes


def stuff(message: bytes) -> bytes:
    """The message as it stands on the wire: dots at the beginning of a line doubled, the final dot behind it.

    `ValueError` for a line break that is not CRLF: what one relay takes for the end another may not (SMTP smuggling).
    """
    rest = message.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest:
        raise ValueError("the message has a line break that is not CRLF")
    stuffed = re.sub(rb"\A\.", b"..", message).replace(b"\r\n.", b"\r\n..")
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")
