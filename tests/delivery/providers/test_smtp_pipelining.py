"""The envelope of the next message behind the final dot (RFC 2920, 3.1): one round trip a message, and nothing by mistake."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from digest.delivery.mailed.bounce_address import BounceAddress
from digest.delivery.providers import smtp
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import Ahead
from digest.delivery.providers.smtp import Smtp, SmtpStream
from digest.delivery.providers.smtp_signing import kept
from digest.delivery.providers.smtp_transaction import Builder, stuff, wire_builder
from digest.delivery.providers.waiting import run
from digest.rendering.content import Envelope, Personal
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition, Slotted
from digest.testing.smtp_sink import Now, SmtpSink
from digest.testing.smtp_talk import CLOSE, RESET, React
from digest.testing.specimens import DATE, a_rendition, an_envelope
from tests.delivery.providers.test_smtp import settings_for

TWO = "reader2@example.com"


@contextmanager
def streaming(sink: SmtpSink) -> Iterator[SmtpStream]:
    with sink, closing(SmtpStream(settings_for(sink.port), ssl.create_default_context, wire_builder)) as stream:
        yield stream


def carry(stream: SmtpStream, number: int = 1, ahead: str | None = None) -> Answer:
    return run(stream.send(a_rendition(), [an_envelope(number)], DATE, following(ahead)))


def following(address: str | None) -> Ahead | None:
    return None if address is None else Ahead(address, lambda: an_envelope(2, address=address))


def heard(sink: SmtpSink, command: str) -> bool:
    """Whether the sink hears a command within a few seconds."""
    for _ in range(500):
        if command in sink.commands:
            return True
        time.sleep(0.01)
    return False


def test_the_next_envelope_is_written_behind_the_final_dot() -> None:
    sink = SmtpSink()
    with streaming(sink) as stream:
        assert carry(stream, 1, TWO).outcomes == (Outcome.ACCEPTED,)
        assert heard(sink, f"RCPT TO:<{TWO}>")
        assert [arrived.rcpt_to for arrived in sink.messages] == ["reader1@example.com"]
        assert carry(stream, 2).outcomes == (Outcome.ACCEPTED,)
    assert sink.connections == 1
    assert [command.partition(" ")[0] for command in sink.commands] == [
        *("EHLO", "MAIL", "RCPT", "DATA"),
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]
    assert [arrived.rcpt_to for arrived in sink.messages] == ["reader1@example.com", TWO]


def test_where_the_relay_does_not_offer_it_one_thing_is_said_after_the_other() -> None:
    sink = SmtpSink(extensions=())
    with streaming(sink) as stream:
        carry(stream, 1, TWO)
        assert sink.commands[-1] == "DATA"
        assert sink.commands.count("DATA") == 1
        assert carry(stream, 2).outcomes == (Outcome.ACCEPTED,)
    assert sink.connections == 1


def test_whoever_was_announced_and_does_not_follow_gets_nothing() -> None:
    sink = SmtpSink()
    with streaming(sink) as stream:
        carry(stream, 1, TWO)
        assert heard(sink, f"RCPT TO:<{TWO}>")
        assert carry(stream, 3).outcomes == (Outcome.ACCEPTED,)
    assert [arrived.rcpt_to for arrived in sink.arrived] == ["reader1@example.com", "reader3@example.com"]
    assert sink.connections == 2


def test_an_end_after_an_announcement_is_no_message_and_no_goodbye_that_could_be_one() -> None:
    sink = SmtpSink()
    with streaming(sink) as stream:
        carry(stream, 1, TWO)
        assert heard(sink, f"RCPT TO:<{TWO}>")
    assert [arrived.rcpt_to for arrived in sink.arrived] == ["reader1@example.com"]
    assert "QUIT" not in sink.commands


@pytest.mark.parametrize(
    ("moment", "reply", "outcome", "trouble"),
    [
        ("MAIL", "550 5.1.8 bad sender", Outcome.DEFERRED, Trouble.ACCOUNT),
        ("MAIL", "421 4.7.0 enough", Outcome.DEFERRED, Trouble.THROTTLED),
        ("RCPT", "550 5.1.1 no such user", Outcome.REJECTED, None),
        ("RCPT", "450 4.2.0 greylisted", Outcome.DEFERRED, None),
        ("DATA", "451 4.3.0 error", Outcome.DEFERRED, Trouble.THROTTLED),
        ("dot", "450 4.2.1 busy", Outcome.DEFERRED, None),
    ],
)
def test_what_is_said_to_an_announced_envelope_is_of_that_message_alone(
    moment: str, reply: str, outcome: Outcome, trouble: Trouble | None
) -> None:
    sink = SmtpSink(lambda now: React(reply) if (now.moment, now.message) == (moment, 2) else None)
    with streaming(sink) as stream:
        first, second, third = carry(stream, 1, TWO), carry(stream, 2, "reader3@example.com"), carry(stream, 3)
    assert (first.outcomes, second.outcomes, third.outcomes) == ((Outcome.ACCEPTED,), (outcome,), (Outcome.ACCEPTED,))
    assert second.trouble is trouble


@pytest.mark.parametrize("reply", ["450 4.2.1 busy", "550 5.1.1 no such user"])
def test_a_refused_message_does_not_concern_the_one_announced_behind_it(reply: str) -> None:
    sink = SmtpSink(lambda now: React(reply) if (now.moment, now.message) == ("dot", 1) else None)
    with streaming(sink) as stream:
        first, second = carry(stream, 1, TWO), carry(stream, 2)
    assert first.outcomes != (Outcome.ACCEPTED,)
    assert second.outcomes == (Outcome.ACCEPTED,)
    assert [arrived.rcpt_to for arrived in sink.messages] == [TWO]


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reaction", [CLOSE, RESET, React("25", end="close")], ids=["end", "reset", "half"])
def test_a_relay_that_lets_go_of_what_was_announced_is_called_again(moment: str, reaction: React) -> None:
    sink = SmtpSink(lambda now: reaction if (now.moment, now.connection, now.message) == (moment, 1, 2) else None)
    with streaming(sink) as stream:
        answers = [carry(stream, 1, TWO), carry(stream, 2)]
    # A reset may overtake the answer to the first: then nobody knows of that one, and the second goes all the same.
    assert answers[0].outcomes == (Outcome.ACCEPTED,) or reaction is RESET
    assert answers[1].outcomes == (Outcome.ACCEPTED,)
    assert [arrived.rcpt_to for arrived in sink.messages] == ["reader1@example.com", TWO]


def test_a_relay_that_tired_of_waiting_for_the_body_is_called_again() -> None:
    def script(now: Now) -> React | None:
        tired = React("354 go ahead\r\n421 4.4.2 timed out", end="close")
        return tired if (now.moment, now.connection, now.message) == ("DATA", 1, 2) else None

    sink = SmtpSink(script)
    with streaming(sink) as stream:
        answers = [carry(stream, 1, TWO), carry(stream, 2)]
    assert {answer.outcomes for answer in answers} == {(Outcome.ACCEPTED,)}
    assert sink.connections == 2
    assert len(sink.messages) == 2


NASTY = "\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\n\r.\r\0\n..\n. \nbare\rreturn\nbare feed\0nul " + "ü" * 400 + "x" * 3000


@pytest.mark.parametrize(
    "extensions",
    [(), ("PIPELINING",), ("PIPELINING", "8BITMIME", "SMTPUTF8"), ("8BITMIME",)],
    ids=lambda offered: "+".join(offered),
)
def test_a_message_as_it_was_carried_is_strictly_a_message(extensions: tuple[str, ...]) -> None:
    """Dots, bare CR, bare LF, NUL and long lines in the content, with and without what a relay may offer."""
    html, text = Slotted((f"<p>{NASTY}", f"{NASTY}</p>"), ("greeting",)), Slotted((NASTY, NASTY), ("email",))
    rendition = replace(a_rendition(), html=html, text=text)
    personal = Personal(f".{NASTY}", f".{NASTY}", "https://news.example/p", "https://news.example/u")
    envelope = replace(an_envelope(1, name="Ann . Dot"), personal=personal)
    sink = SmtpSink(extensions=extensions)
    with streaming(sink) as stream:
        for ahead in (TWO, None):
            answer = run(stream.send(rendition, [envelope if ahead else an_envelope(2)], DATE, following(ahead)))
            assert answer.outcomes == (Outcome.ACCEPTED,)
    assert not [command for command in sink.commands if "evil" in command or "SMTPUTF8" in command or "BODY" in command]
    assert [arrived.rcpt_to for arrived in sink.messages] == ["reader1@example.com", TWO]
    message = sink.messages[0].message
    assert message.endswith(b"\r\n")
    assert message.isascii()
    assert not set(message) & {*range(9), *range(11, 13), *range(14, 32)}
    lines = message.split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line or len(line) > 998 or line.startswith(b".")]
    parsed = message_from_bytes(message, policy=policy.default)
    assert [part.defects for part in parsed.walk()] == [[], [], []]
    once = ("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "MIME-Version")
    assert {name: len(parsed.get_all(name, [])) for name in once} == dict.fromkeys(once, 1)
    assert {name.lower() for name in parsed} <= {
        *map(str.lower, once),
        "reply-to",
        "auto-submitted",
        "feedback-id",
        "content-type",
    }


def test_what_is_built_for_the_wire_is_what_would_be_stuffed() -> None:
    rendition, envelope = a_rendition(), an_envelope(1)
    assert b"".join(wire_builder(rendition)(envelope, DATE)) == stuff(MessageBuilder(rendition).build(envelope, DATE))


def counting(made: list[Rendition]) -> Callable[[Rendition], Builder]:
    """`wire_builder`, and each time of what."""

    def make(rendition: Rendition) -> Builder:
        made.append(rendition)
        return wire_builder(rendition)

    return make


def test_what_messages_share_is_encoded_once_for_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Rendition] = []
    monkeypatch.setattr(smtp, "signing", lambda signer: counting(made))
    rendition = a_rendition()
    with SmtpSink() as sink:
        provider = Smtp(settings_for(sink.port))
        with closing(provider.stream()) as one, closing(provider.stream()) as other:
            for number, stream in enumerate((one, other, one), 1):
                assert run(stream.send(rendition, [an_envelope(number)], DATE)).outcomes == (Outcome.ACCEPTED,)
        assert sink.connections == 2
    assert len(made) == 1


def test_of_what_messages_share_that_of_a_few_renditions_is_kept() -> None:
    made: list[Rendition] = []
    of = kept(counting(made), most=2)
    one, two, three = (a_rendition() for _ in range(3))
    assert of(one) is of(one)
    assert of(two) is not of(one)
    assert of(three) is of(three)
    assert of(one) is of(one)  # it had made room for the other two
    assert [id(rendition) for rendition in made] == [id(one), id(two), id(three), id(one)]


def test_each_message_has_a_bounce_address_of_its_own_the_one_that_is_announced_too() -> None:
    def delivery(number: int) -> Envelope:
        return replace(an_envelope(number), delivery_id=f"{number:032x}", seal=f"{number:016x}")

    sink = SmtpSink()
    settings = settings_for(sink.port, bounce_address="bounces@news.example")
    with sink, closing(SmtpStream(settings, ssl.create_default_context, wire_builder)) as stream:
        following = Ahead(TWO, lambda: delivery(2))
        assert run(stream.send(a_rendition(), [delivery(1)], DATE, following)).outcomes == (Outcome.ACCEPTED,)
        assert run(stream.send(a_rendition(), [delivery(2)], DATE)).outcomes == (Outcome.ACCEPTED,)
        assert run(stream.send(a_rendition(), [an_envelope(3)], DATE)).outcomes == (Outcome.ACCEPTED,)
    assert sink.connections == 1
    bounces = BounceAddress("bounces@news.example")
    assert [arrived.mail_from for arrived in sink.messages] == [
        bounces.of(delivery(1)),
        bounces.of(delivery(2)),
        "bounces@news.example",
    ]
    assert len([command for command in sink.commands if command.startswith("MAIL")]) == 3  # none was said in vain
