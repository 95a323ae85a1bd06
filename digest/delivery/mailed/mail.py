"""A mail as it came, taken apart within bounds: whatever it is made of, it costs little, and nothing is raised."""

from __future__ import annotations

import quopri
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

LARGEST = 1_000_000
"""Octets that are looked at: bounces carry the mail they are about, and say what happened before it."""

_MOST_BOUNDARIES, _MOST_DELIMITERS, _MOST_PARTS, _LONGEST_TEXT = 20, 1_000, 40, 64_000
_STATUS, _FEEDBACK = "message/delivery-status", "message/feedback-report"
_STATUSES = (_STATUS, "message/global-delivery-status", "message/disposition-notification")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers")

Fields = dict[str, str]
"""A group of header fields: by lower-case name, the first of each, unfolded."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. `texts` are what it says to people, before the mail that it returns; `statuses` are the groups of fields of a
    report on delivery, `feedback` those of a complaint; `returned` is the head of the mail that it is about.

    `whole` is False where something was left out, being too much.
    """

    fields: Fields
    kind: str
    report: str
    texts: tuple[str, ...]
    statuses: tuple[Fields, ...]
    feedback: Fields
    returned: Fields
    everything: str
    whole: bool

    @property
    def text(self) -> str:
        """All it says to people."""
        return "\n".join(self.texts)

    @property
    def subject(self) -> str:
        """Its subject, decoded."""
        return decoded(self.fields.get("subject", ""))

    @property
    def written_at(self) -> datetime | None:
        """When it says it was written."""
        return read_date(self.fields.get("date", ""))


def take_apart(raw: bytes) -> Mail:
    """A mail of any origin; what cannot be read of it is left out."""
    looked_at = raw[:LARGEST]
    everything = looked_at.decode("latin-1")
    try:
        # A parser looks at each line once for each boundary, and makes a part of each delimiter.
        if looked_at.lower().count(b"boundary") > _MOST_BOUNDARIES or looked_at.count(b"\n--") > _MOST_DELIMITERS:
            return _only_head(everything)
        message = BytesParser().parsebytes(looked_at)
        return _taken_apart(message, everything, whole=len(raw) <= LARGEST)
    except Exception:  # the parser has its own surprises; one mail that it stumbles over is one that is not understood
        return _only_head(everything)


def read_date(text: str) -> datetime | None:
    """A date as mails write it, in UTC to the second; None where it is none."""
    try:
        found = parsedate_to_datetime(text[:100])
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found.replace(microsecond=0)


def decoded(text: str) -> str:
    """A header's text without its encoded words (RFC 2047); as it stands where those are broken."""
    try:
        return str(make_header(decode_header(text[:2000])))
    except (ValueError, LookupError, TypeError, AssertionError):
        return text


def groups_of_fields(text: str) -> tuple[Fields, ...]:
    """Groups of header fields, apart by empty lines (RFC 3464, 2.1)."""
    groups: list[Fields] = []
    group: Fields = {}
    name = ""
    for line in text[:_LONGEST_TEXT].splitlines():
        if not line.strip():
            group, name = {}, ""
        elif line[0] in " \t" and name:
            group[name] = f"{group[name]} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            if not group:
                groups.append(group)
            if name in group:
                name = f"{name}\0"  # a repeated field is read over, its further lines too
            group[name] = value.strip()
    return tuple(groups[:_MOST_PARTS])


def _only_head(everything: str) -> Mail:
    head = groups_of_fields(everything[:_LONGEST_TEXT].partition("\n\n")[0].partition("\r\n\r\n")[0])
    return Mail(head[0] if head else {}, "", "", (), (), {}, {}, everything, whole=False)


def _taken_apart(message: Message, everything: str, *, whole: bool) -> Mail:
    texts: list[str] = []
    statuses: list[Fields] = []
    feedback: Fields = {}
    returned: Fields = {}
    many = 0
    for part in _parts(message):
        many += 1
        kind = part.get_content_type()
        if kind in _STATUSES:
            statuses += groups_of_fields(_source(part))
        elif kind == _FEEDBACK:
            feedback = feedback or _merged(groups_of_fields(_source(part)))
        elif kind in _RETURNED:
            returned = returned or _head_of(part)
        elif kind.startswith("text/") and not returned:
            texts.append(_text(part))
    fields = _fields(message)
    report = str(message.get_param("report-type") or "").lower()
    complete = whole and many < _MOST_PARTS
    return Mail(
        fields, message.get_content_type(), report, tuple(texts), tuple(statuses), feedback, returned, everything, complete
    )


def _parts(message: Message) -> Iterator[Message]:
    """The parts that are no containers, in order; what a returned mail holds is not looked into."""
    waiting, many = [message], 0
    while waiting and many < _MOST_PARTS:
        part = waiting.pop(0)
        many += 1
        inside = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inside, list):
            waiting[:0] = [one for one in inside if isinstance(one, Message)]
        else:
            yield part


def _fields(message: Message) -> Fields:
    found: Fields = {}
    for name, value in message.items():
        found.setdefault(name.lower(), " ".join(str(value)[:4000].split()))
    return found


def _head_of(part: Message) -> Fields:
    inside = part.get_payload()
    if isinstance(inside, list):
        return _fields(inside[0]) if inside and isinstance(inside[0], Message) else {}
    found = groups_of_fields(_text(part))
    return found[0] if found else {}


def _source(part: Message) -> str:
    """The text of a part that the parser has taken for groups of headers."""
    inside = part.get_payload()
    if not isinstance(inside, list):
        return _text(part)
    blocks = []
    for one in inside:
        if isinstance(one, Message):
            head = "\n".join(f"{name}: {value}" for name, value in one.items())
            rest = one.get_payload()
            blocks.append(f"{head}\n{rest if isinstance(rest, str) else ''}")
    text = "\n\n".join(blocks)[:_LONGEST_TEXT]
    return _unwrapped(text, str(part.get("content-transfer-encoding", "")))


def _unwrapped(text: str, encoding: str) -> str:
    raw = text.encode("latin-1", "replace")
    match encoding.strip().lower():
        case "base64":
            try:
                return a2b_base64(raw).decode("utf-8", "replace")
            except NotBase64:
                return text
        case "quoted-printable":
            return quopri.decodestring(raw).decode("utf-8", "replace")
    return text


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw[:_LONGEST_TEXT].decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return raw[:_LONGEST_TEXT].decode("latin-1")


def _merged(groups: Sequence[Fields]) -> Fields:
    whole: Fields = {}
    for group in groups:
        whole = group | whole
    return whole
