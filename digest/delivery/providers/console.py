"""Mails on the screen: each is printed as plain text, and accepted. For looking at what would be sent, not for sending."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.wording import explain
from digest.errors import Refused
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope
from digest.rendering.list_headers import unsubscribe_address
from digest.rendering.mime import write_date
from digest.rendering.rendition import Rendition
from digest.settings import Settings

_RULE = "-" * 72
_PRINTING = Lock()  # lanes must not print into each other's mail


class Console:
    """Standard output."""

    name = "console"
    batch_limit = 1

    def __init__(self, settings: Settings) -> None:
        """Nothing has to be configured."""

    def open(self) -> ConsoleTransport:
        """A transport; there is nothing to open."""
        return ConsoleTransport()

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """What each mail would look like."""
        return [
            {"provider": self.name, "rcpt_to": envelope.address, "text": show(rendition, envelope, date)}
            for envelope in envelopes
        ]


class ConsoleTransport:
    """Prints."""

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Print one mail; it is accepted when all of it was written."""
        outcomes = [Outcome.DEFERRED] * len(envelopes)
        try:
            for place, envelope in enumerate(envelopes):
                _print(show(rendition, envelope, date))
                outcomes[place] = Outcome.ACCEPTED
        except Refused as error:
            return Answer(tuple(outcomes), text=str(error), trouble=Trouble.CONTENT)
        except (OSError, ValueError) as error:
            return Answer(tuple(outcomes), text=f"standard output: {explain(error)}", trouble=Trouble.CONNECTION)
        return Answer(tuple(outcomes))

    def close(self) -> None:
        """Nothing is open."""


def show(rendition: Rendition, envelope: Envelope, date: datetime) -> str:
    """One mail for people to read: the headers that matter, and its plain text; what would move the cursor is left out."""
    sender = rendition.sender
    lines = [
        _RULE,
        f"From: {sender.name} <{sender.address}>",
        f"To: {envelope.name} <{envelope.address}>" if envelope.name else f"To: {envelope.address}",
        f"Subject: {rendition.subject}",
        f"Date: {write_date(date).decode('ascii')}",
        f"Message-ID: <{envelope.delivery_id}@{sender.address.rpartition('@')[2]}>",
        f"List-Unsubscribe: <{unsubscribe_address(envelope)}>",
        "",
        *fill(rendition, envelope.personal)[1].splitlines(),
    ]
    return "".join("".join(sign for sign in line if sign.isprintable()) + "\n" for line in lines)


def _print(text: str) -> None:
    stream = sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with _PRINTING:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
