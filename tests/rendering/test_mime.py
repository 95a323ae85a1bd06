from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings

from digest.errors import Refused
from digest.rendering.assemble import assemble, fill
from digest.rendering.cleaning import one_line
from digest.rendering.content import Arrangement, Envelope, IssueContent, Personal
from digest.rendering.list_headers import list_headers
from digest.rendering.mime import MessageBuilder
from digest.rendering.render import render_blocks

from .sample import ENVELOPE, issues, personals, shipped
from .test_assemble import GOLDEN, rendition

DATE = datetime(2026, 11, 23, 9, 0, 5, 77, tzinfo=timezone(timedelta(hours=1)))
HEADERS = [
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
]


def parsed(raw: bytes) -> EmailMessage:
    message = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    return message


def sound(raw: bytes) -> EmailMessage:
    """The message, after every promise that holds for all messages has been looked at."""
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not any(line.startswith(b".") for line in raw.split(b"\r\n"))
    assert raw.isascii()
    message, old = parsed(raw), BytesParser(policy=policy.compat32).parsebytes(raw)
    assert message.keys() == old.keys() == HEADERS
    for part in (*message.walk(), *old.walk()):
        assert part.defects == []
    return message


def bodies(message: Message) -> tuple[str, str]:
    text, html = (part.get_payload(decode=True) for part in message.iter_parts())  # type: ignore[attr-defined]  # EmailMessage has it
    return html.decode().replace("\r\n", "\n"), text.decode().replace("\r\n", "\n")


@settings(max_examples=60, deadline=None, derandomize=True, print_blob=True)
@given(issues(), personals)
def test_every_message_holds_exactly_its_headers_and_its_bodies(
    issue: tuple[IssueContent, Arrangement], personal: Personal
) -> None:
    content, arrangement = issue
    made = assemble(render_blocks(shipped(), content), arrangement, issue="weekly/1", number=1, content=content)
    personal = replace(personal, unsubscribe_url=ENVELOPE.personal.unsubscribe_url)
    name = personal.greeting or None
    message = sound(MessageBuilder(made).build(replace(ENVELOPE, name=name, personal=personal), DATE))
    expected = tuple(body.replace("\r\n", "\n").replace("\r", "\n") for body in fill(made, personal))
    assert bodies(message) == expected
    assert one_line(content.subject) == one_line(message["Subject"]) or "=?" in content.subject
    assert [address.addr_spec for address in message["To"].addresses] == [ENVELOPE.address]


def test_the_headers_say_what_the_standards_want() -> None:
    message = sound(MessageBuilder(rendition()).build(ENVELOPE, DATE))
    assert str(message["From"]) == "Example Engineering <weekly@news.example.org>"
    assert str(message["To"]) == "Maja Ahlström <maja@example.net>"
    assert str(message["Reply-To"]) == "editors@example.org"
    assert str(message["Subject"]) == rendition().subject
    assert str(message["Message-ID"]) == "<d-4f2a9c0b7e@news.example.org>"
    assert str(message["List-Unsubscribe"]) == f"<{ENVELOPE.personal.unsubscribe_url}>"
    assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert str(message["List-Id"]) == "Back-end Weekly <weekly.news.example.org>"
    assert str(message["Auto-Submitted"]) == "auto-generated"
    assert str(message["Feedback-ID"]) == "weekly-12:weekly:digest:news.example.org"
    assert parsedate_to_datetime(str(message["Date"])) == DATE.replace(microsecond=0)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_the_sample_message_is_the_reviewed_one() -> None:
    raw = MessageBuilder(rendition()).build(ENVELOPE, DATE)
    golden = GOLDEN / "sample.eml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(raw)
    assert raw == golden.read_bytes()


def test_one_delivery_makes_the_same_bytes_date_aside() -> None:
    one = MessageBuilder(rendition()).build(ENVELOPE, DATE)
    again = MessageBuilder(rendition()).build(replace(ENVELOPE, attempt_id="a-2"), DATE)
    later = MessageBuilder(rendition()).build(ENVELOPE, DATE + timedelta(days=1))
    assert one == again
    assert one.replace(b"Mon, 23 Nov 2026 08:00:05", b"Tue, 24 Nov 2026 08:00:05") == later


def test_a_long_unsubscribe_link_is_never_encoded_nor_folded() -> None:
    address = "https://digest.example.org/unsubscribe/" + "x" * 800
    raw = MessageBuilder(rendition()).build(replace(ENVELOPE, personal=replace(ENVELOPE.personal, unsubscribe_url=address)), DATE)
    sound(raw)
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in raw


def test_a_sender_without_reply_to_has_no_such_header() -> None:
    made = rendition()
    raw = MessageBuilder(replace(made, sender=replace(made.sender, reply_to=None))).build(ENVELOPE, DATE)
    assert b"Reply-To" not in raw


@pytest.mark.parametrize(
    "envelope",
    [
        replace(ENVELOPE, address="a@example.net\r\nBcc: evil@example.com"),
        replace(ENVELOPE, address="a@example.net, b@example.net"),
        replace(ENVELOPE, address="a,b@example.net"),
        replace(ENVELOPE, address="é@example.net"),
        replace(ENVELOPE, delivery_id="x>\r\nBcc: y"),
        replace(ENVELOPE, personal=replace(ENVELOPE.personal, unsubscribe_url="https://x.example/>, <mailto:a@b.example")),
        replace(ENVELOPE, personal=replace(ENVELOPE.personal, unsubscribe_url="mailto:a@b.example")),
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(envelope: Envelope) -> None:
    with pytest.raises(Refused):
        MessageBuilder(rendition()).build(envelope, DATE)


def test_a_date_without_a_zone_is_a_defect() -> None:
    with pytest.raises(ValueError, match="aware"):
        MessageBuilder(rendition()).build(ENVELOPE, datetime(2026, 11, 23))  # noqa: DTZ001  # that is the point


def test_the_same_time_in_two_zones_is_the_same_date() -> None:
    builder = MessageBuilder(rendition())
    assert builder.build(ENVELOPE, DATE) == builder.build(ENVELOPE, DATE.astimezone(UTC))


def test_list_headers_for_providers_are_those_of_the_message() -> None:
    made = replace(rendition(), newsletter_title="Größen, täglich neu und noch viel länger als man für möglich hält, wirklich")
    message = sound(MessageBuilder(made).build(ENVELOPE, DATE))
    given = list_headers(made, ENVELOPE)
    assert list(given) == ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Auto-Submitted", "Feedback-ID"]
    raw = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    assert raw.isascii()
    again = parsed(raw.encode() + b"\r\n")
    assert {name: str(again[name]) for name in given} == {name: str(message[name]) for name in given}


def test_a_mail_that_unsubscribes_stands_behind_the_page_and_only_where_one_is_read() -> None:
    mailto = "mailto:bounces@news.example?subject=unsubscribe%20" + "A" * 32
    envelope = replace(ENVELOPE, unsubscribe_mailto=mailto)
    message = sound(MessageBuilder(rendition()).build(envelope, DATE))
    page = ENVELOPE.personal.unsubscribe_url
    assert str(message["List-Unsubscribe"]) == f"<{page}>, <{mailto}>"
    with pytest.raises(Refused, match="mailto"):
        MessageBuilder(rendition()).build(replace(envelope, unsubscribe_mailto="mailto:a b"), DATE)
