"""The body of SendGrid's v3 mail/send: one rendition, and a personalization for each envelope.

What the readers share is written once; a personalization is a form with some fifteen values put in, at a third of the time of
building it as data and serialising that.

The few personal values are substitutions. SendGrid puts one value into HTML, text and subject alike, so a value that
must be escaped in one and not in the other has a tag for each, and no tag may stand in anything a reader gets.
Source: Twilio SendGrid, "Mail Send" (v3), limits and its OpenAPI description.
"""

from __future__ import annotations

import json
import operator
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import count
from typing import Any

import orjson
from markupsafe import escape

from digest.errors import Refused
from digest.rendering.content import Envelope, Personal
from digest.rendering.list_headers import shared_list_headers, unsubscribe_address
from digest.rendering.rendition import Rendition, Slotted

MOST_RECIPIENTS = 1000
MOST_SUBSTITUTION_BYTES = 10_000
MOST_BYTES = 30_000_000

_SURELY_SHORT = 900  # characters; escaped and raw they are at most eight bytes each, and the tags some 300


def group(envelopes: Sequence[Envelope]) -> list[list[int]]:
    """The positions of `envelopes`, in as few requests as SendGrid allows: no address twice in one, compared without case."""
    groups: list[list[int]] = []
    seen: dict[str, int] = {}
    for position, envelope in enumerate(envelopes):
        address = envelope.address.lower()
        turn = seen[address] = seen.get(address, -1) + 1
        while len(groups) <= turn:
            groups.append([])
        groups[turn].append(position)
    return [part[at : at + MOST_RECIPIENTS] for part in groups for at in range(0, len(part), MOST_RECIPIENTS)]


def build_request(rendition: Rendition, envelopes: Sequence[Envelope]) -> dict[str, Any]:
    """What `write_request` writes, as plain data."""
    request: dict[str, Any] = orjson.loads(write_request(rendition, envelopes))
    return request


def write_request(rendition: Rendition, envelopes: Sequence[Envelope]) -> bytes:
    """The request that carries `envelopes`, in their order, as JSON. `Refused` when a header cannot be written.

    The headers of unsubscribing are each reader's own, both of them; the others of the list are the request's.
    """
    tags = _Tags(rendition, envelopes)
    shared = orjson.dumps(_shared(rendition, tags))
    try:
        personalizations = b",".join([tags.personalization(envelope).encode() for envelope in envelopes])
    except UnicodeEncodeError:
        raise Refused("a reader's name or address has characters that are half of a pair, which JSON cannot carry") from None
    return b"".join((shared[:-1], b',"personalizations":[', personalizations, b"]}"))


def _shared(rendition: Rendition, tags: _Tags) -> dict[str, Any]:
    """What all readers of a request share."""
    headers = {name: value.replace("\r\n", "") for name, value in shared_list_headers(rendition).items()}
    del headers[_ONE_CLICK]
    sender = rendition.sender
    return {
        "from": _party(sender.address, to_ascii(sender.name)),
        **({"reply_to": _party(sender.reply_to, "")} if sender.reply_to else {}),
        "subject": rendition.subject,
        "content": [
            {"type": "text/plain", "value": tags.mark_text(rendition.text)},
            {"type": "text/html", "value": tags.mark_html(rendition.html)},
        ],
        "headers": headers,
        "categories": [rendition.issue],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }


def has_too_long_values(rendition: Rendition, envelope: Envelope) -> bool:
    """Whether an envelope's values exceed SendGrid's allowance for one personalization."""
    personal = envelope.personal
    if (
        len(personal.greeting) + len(personal.email) + len(personal.preferences_url) + len(personal.unsubscribe_url)
        < _SURELY_SHORT
    ):
        return False
    return _Tags(rendition, [envelope]).size(envelope) > MOST_SUBSTITUTION_BYTES


def to_ascii(name: str) -> str:
    """A sender's name in ASCII, which is all that SendGrid takes there: without accents, or empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode("ascii")
    return " ".join(plain.split())


def to_display_name(name: str | None) -> str:
    """A reader's name without what SendGrid refuses in it: semicolons, commas and control characters."""
    return " ".join(re.sub(r"[;,\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", name or "").split())


_SLOTS = tuple(field.name for field in fields(Personal))
_personal_values = operator.attrgetter(*_SLOTS)
_escapable = re.compile("[&<>\"']").search
_json = json.encoder.encode_basestring  # a text as JSON, quotes and all
_ONE_CLICK = "List-Unsubscribe-Post"
# What comes back with every event is opaque, for SendGrid keeps custom arguments in its logs.
_FORM = (
    '{"to":[{"email":%%s%%s}],'
    '"headers":{"List-Unsubscribe":"<%%s>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"},'
    '"substitutions":{%s},"custom_args":{"delivery_id":%%s,"attempt_id":%%s%%s}}'
)

_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"}
    | {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-"}
)


class _Tags:
    """The substitution tags of one request: `~dg0.html.greeting!`, with a number under which no text of it holds such a beginning.

    The beginning has its `~` in no other place and a tag ends otherwise, so that a text beside a tag cannot complete one.
    """

    def __init__(self, rendition: Rendition, envelopes: Sequence[Envelope]) -> None:
        everything = "\0".join(_texts(rendition, envelopes))
        start = next(start for number in count() if (start := f"~dg{number}.") not in everything)
        self._html = {slot: f"{start}html.{slot}!" for slot in rendition.html.slots}
        self._text = {slot: f"{start}text.{slot}!" for slot in rendition.text.slots}
        places = [_SLOTS.index(slot) for slot in self._html] + [len(_SLOTS) + _SLOTS.index(slot) for slot in self._text]
        self._pick = operator.itemgetter(*places, 0, 0)  # two more, so that it always makes a tuple
        tags = ",".join(f"{_json(tag)}:%s" for tag in (*self._html.values(), *self._text.values()))
        self._form = _FORM % tags

    def mark_html(self, slotted: Slotted) -> str:
        """The HTML with a tag in each slot."""
        return slotted.fill(self._html)

    def mark_text(self, slotted: Slotted) -> str:
        """The text with a tag in each slot."""
        return slotted.fill(self._text)

    def size(self, envelope: Envelope) -> int:
        """How many bytes one reader's substitutions take, tags and values."""
        personal = envelope.personal
        values = {tag: str(escape(getattr(personal, slot))) for slot, tag in self._html.items()}
        values |= {tag: getattr(personal, slot) for slot, tag in self._text.items()}
        return sum(len(name.encode()) + len(value.encode()) for name, value in values.items())

    def personalization(self, envelope: Envelope) -> str:
        """One reader's, as JSON. What stands for a tag is escaped in HTML, and as it is in text."""
        values = _personal_values(envelope.personal)
        written = [*map(_json, values)]
        escaped = [*map(_json, map(escape, values))] if _escapable("".join(values)) else written
        name, seal = envelope.name and to_display_name(envelope.name), envelope.seal
        return self._form % (
            _json(envelope.address),
            f',"name":{_json(name)}' if name else "",
            unsubscribe_address(envelope),
            *self._pick(escaped + written)[:-2],
            _json(envelope.delivery_id),
            _json(envelope.attempt_id),
            f',"seal":{_json(seal)}' if seal else "",
        )


def _texts(rendition: Rendition, envelopes: Iterable[Envelope]) -> Iterator[str]:
    yield from (rendition.subject, *rendition.html.literals, *rendition.text.literals)
    for envelope in envelopes:
        personal = envelope.personal
        yield from (envelope.name or "", personal.greeting, personal.email, personal.preferences_url, personal.unsubscribe_url)


def _party(email: str, name: str) -> dict[str, str]:
    return {"email": email, "name": name} if name else {"email": email}
