"""Whole messages (RFC 5322, MIME) from a rendition: what is shared is encoded once, a message is one join."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter

from markupsafe import escape

from digest.errors import Refused
from digest.rendering.content import Envelope, Personal
from digest.rendering.header_text import phrase, unstructured
from digest.rendering.list_headers import shared_list_headers, unsubscribe_ways
from digest.rendering.quoted_printable import encode_last_piece, encode_piece
from digest.rendering.rendition import Rendition, Slotted

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,200}")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_personal_values = attrgetter(*(field.name for field in fields(Personal)))
_KEYS = ("to", "date", "id", "unsubscribe", *(f"{kind} {field.name}" for field in fields(Personal) for kind in ("plain", "html")))
_escapable = re.compile("[&<>\"']").search


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a delivery's own bytes go: `key` is one of `_KEYS`."""

    key: str


class MessageBuilder:
    """Builds the messages of one rendition: multipart/alternative, quoted-printable, CRLF, headers in a fixed order.

    One delivery always makes the same bytes, Date aside. No body line is longer than 76 bytes; no line begins with a dot.
    """

    def __init__(self, rendition: Rendition) -> None:
        self._pieces = [b""]
        slots = []
        for piece in (*_head(rendition), *_body(rendition)):
            if isinstance(piece, _Slot):
                slots.append(_KEYS.index(piece.key))
                self._pieces += (b"", b"")
            else:
                self._pieces[-1] += piece
        self._at_slots = itemgetter(*slots)

    @property
    def skeleton(self) -> bytes:
        """What all messages of the rendition share, nothing in the slots."""
        return b"".join(self._pieces)

    def build(self, envelope: Envelope, date: datetime) -> bytes:
        """The whole message of one delivery; Refused when its address, id or link cannot stand in a header."""
        return b"".join(self.pieces(envelope, date))

    def pieces(self, envelope: Envelope, date: datetime) -> list[bytes]:
        """The same in pieces, for whoever writes them one after the other: joining them would copy all there is."""
        pieces = self._pieces.copy()
        pieces[1::2] = self._at_slots(_values(envelope, date))
        return pieces


@lru_cache(maxsize=64)
def write_date(date: datetime) -> bytes:
    """An aware time as the Date header writes it, in UTC."""
    if date.tzinfo is None:
        raise ValueError("a Date needs an aware time")
    date = date.astimezone(UTC)
    return f"{_DAYS[date.weekday()]}, {date.day:02d} {_MONTHS[date.month - 1]} {date.year:04d} {date:%H:%M:%S} +0000".encode(
        "ascii"
    )


def _head(rendition: Rendition) -> Iterator[bytes | _Slot]:
    sender = rendition.sender
    reply_to = f"Reply-To: {_mailbox(None, sender.reply_to, after=10)}\r\n" if sender.reply_to else ""
    yield f"From: {_mailbox(sender.name, sender.address, after=6)}\r\nTo: ".encode("ascii")
    yield _Slot("to")
    yield f"\r\n{reply_to}Subject: {unstructured(rendition.subject, after=9)}\r\nDate: ".encode("ascii")
    yield _Slot("date")
    yield b"\r\nMessage-ID: <"
    yield _Slot("id")
    yield f"@{sender.address.rpartition('@')[2]}>\r\nList-Unsubscribe: <".encode("ascii")
    yield _Slot("unsubscribe")
    shared = "".join(f"{name}: {value}\r\n" for name, value in shared_list_headers(rendition).items())
    yield f">\r\n{shared}MIME-Version: 1.0\r\n".encode("ascii")


def _body(rendition: Rendition) -> Iterator[bytes | _Slot]:
    boundary = b"=_" + _fingerprint(rendition)  # `=_` cannot occur in quoted-printable
    yield b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n'
    for kind, slotted in (("plain", rendition.text), ("html", rendition.html)):
        yield b"\r\n--" + boundary
        yield f'\r\nContent-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'.encode(
            "ascii"
        )
        yield from _encoded(kind, slotted)
    yield b"\r\n--" + boundary + b"--\r\n"


def _encoded(kind: str, slotted: Slotted) -> Iterator[bytes | _Slot]:
    for literal, slot in zip(slotted.literals, slotted.slots, strict=False):
        yield encode_piece(literal)
        yield _Slot(f"{kind} {slot}")
    yield encode_last_piece(slotted.literals[-1])


def _fingerprint(rendition: Rendition) -> bytes:
    content = "\0".join((rendition.issue, rendition.language, *rendition.text.literals, *rendition.html.literals))
    return hashlib.sha256(content.encode()).hexdigest()[:32].encode("ascii")


def _values(envelope: Envelope, date: datetime) -> list[bytes]:
    """A delivery's own bytes in the order of `_KEYS`: headers, then each personal value for either body."""
    if not _IDENTIFIER.fullmatch(envelope.delivery_id):
        raise Refused("a delivery's id has characters that a Message-ID cannot carry")
    values = [
        _mailbox(envelope.name, envelope.address, after=4).encode("ascii"),
        write_date(date.replace(microsecond=0)),
        envelope.delivery_id.encode("ascii"),
        unsubscribe_ways(envelope).encode("ascii"),
    ]
    for value in _personal_values(envelope.personal):
        encoded = encode_piece(value)
        values += (encoded, encode_piece(str(escape(value))) if _escapable(value) else encoded)
    return values


def _mailbox(name: str | None, address: str, *, after: int) -> str:
    """An address with its display name, folded before the address where the line would become long."""
    if not _ADDRESS.fullmatch(address):
        raise Refused("an address has characters that a header cannot carry: a delivery needs a plain ASCII address")
    written = phrase(name, after=after) if name else ""
    if not written:
        return address
    folds = "\r\n" in written or after + len(written) + len(address) > 72
    return f"{written}\r\n <{address}>" if folds else f"{written} <{address}>"
