"""One message for one recipient, as SMTP puts it on the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.rendering.content import Envelope
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition

FINAL_DOT = b".\r\n"
Builder = Callable[[Envelope, datetime], Sequence[bytes]]
"""Builds the message of one envelope as it stands on the wire: stuffed, with its final dot, in pieces."""


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Path:
    """Whose message, to whom: bare addresses."""

    mail_from: str
    rcpt_to: str

    @property
    def commands(self) -> tuple[str, str, str]:
        """The envelope as it is said, command by command."""
        mail, rcpt, data, _ = self.at_once.decode("ascii").split("\r\n")
        return mail, rcpt, data

    @property
    def at_once(self) -> bytes:
        """The envelope as it is written where all of it is said at once."""
        return f"MAIL FROM:<{self.mail_from}>\r\nRCPT TO:<{self.rcpt_to}>\r\nDATA\r\n".encode("ascii")


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Transaction:
    """One message for one recipient, in the bytes of the wire: dot-stuffed, with its final dot, in pieces."""

    path: Path
    body: Sequence[bytes]


def stuff(message: bytes) -> bytes:
    """The message as it stands on the wire: dots at the beginning of a line doubled, the final dot behind it.

    `ValueError` for a line break that is not CRLF: what one relay takes for the end another may not (SMTP smuggling).
    """
    rest = message.replace(b"\r\n", b"")
    if b"\r" in rest or b"\n" in rest:
        raise ValueError("the message has a line break that is not CRLF")
    stuffed = re.sub(rb"\A\.", b"..", message).replace(b"\r\n.", b"\r\n..")
    return stuffed + (FINAL_DOT if stuffed.endswith(b"\r\n") else b"\r\n.\r\n")


def wire_builder(rendition: Rendition) -> Builder:
    """Builds the messages of a rendition for the wire without looking at each.

    The message builder puts no dot at the beginning of a line and no line break but CRLF, whatever is in a slot; that it did
    so in what all its messages share is looked at once. `ValueError` where it did not.
    """
    builder = MessageBuilder(rendition)
    shared = builder.skeleton
    if stuff(shared) != shared + FINAL_DOT:
        raise ValueError("a line of the message begins with a dot, or its last one has no end")
    return lambda envelope, date: [*builder.pieces(envelope, date), FINAL_DOT]
