"""One connection to a real relay on loopback, which misbehaves at every step."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import Provider, Transport
from digest.delivery.providers.smtp import Smtp, SmtpStream, SmtpTransport
from digest.delivery.providers.smtp_transaction import stuff
from digest.rendering.content import Envelope
from digest.settings import Settings
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial, on_nothing
from digest.testing.smtp_sink import CLOSE, RESET, SILENCE, Now, React, SmtpSink
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

SHORT = timedelta(milliseconds=800)


def settings_for(port: int, *, delivery: dict[str, Any] | None = None, **smtp: Any) -> Settings:
    relay = {"host": "127.0.0.1", "port": port, "security": "none", **smtp}
    return some_settings(delivery=delivery, providers={"smtp": relay})


@contextmanager
def connected(sink: SmtpSink, *, delivery: dict[str, Any] | None = None, **smtp: Any) -> Iterator[Transport]:
    with sink, closing(Smtp(settings_for(sink.port, delivery=delivery, **smtp)).open()) as transport:
        yield transport


def carry(transport: Transport, envelope: Envelope | None = None) -> Answer:
    return transport.send(a_rendition(), [envelope or an_envelope()], DATE)


class TestTheContract(ProviderContract):
    """SMTP as every provider is."""

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        secrets = ("canary-user", "canary-password")
        scripts = {
            Behaviour.REFUSES_CONTENT: {"dot": React("554 5.7.1 spam, said reader1@example.com")},
            Behaviour.THROTTLES: {"MAIL": React("451 4.7.1 slow down")},
            Behaviour.FALLS_SILENT: {"dot": SILENCE},
            Behaviour.HANGS_UP: {"dot": CLOSE},
            Behaviour.TALKS_NONSENSE: {"dot": React(b"\x00\xffnonsense\r\n")},
        }
        script: Any = scripts.get(behaviour)
        if behaviour is Behaviour.REFUSES_ONE:

            def script(now: Now) -> React | None:
                refused = now.moment == "RCPT" and "reader2@" in now.line
                return React("550 5.1.1 <Reader2@example.com>: no such user") if refused else None

        login = ("canary-user", "another") if behaviour is Behaviour.REFUSES_ACCOUNT else secrets
        with SmtpSink(script, login=login) as sink, on_nothing() as nothing:
            port = nothing if behaviour is Behaviour.OUT_OF_REACH else sink.port
            delivery = {"timeout": SHORT} if behaviour is Behaviour.FALLS_SILENT else None
            settings = settings_for(port, delivery=delivery, username=secrets[0], password=secrets[1])
            yield Trial(
                provider=as_provider(Smtp(settings)),
                arrived=lambda: [arrived.rcpt_to for arrived in sink.messages],
                requests=lambda: [
                    {"provider": "smtp", "mail_from": it.mail_from, "rcpt_to": it.rcpt_to, "size": len(it.message)}
                    for it in sink.messages
                ],
                connections=lambda: sink.connections,
                secrets=secrets,
            )


def as_provider(provider: Provider) -> Provider:
    """mypy sees to it that it is one."""
    return provider


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",)], ids=["in turn", "pipelined"])
class TestReplies:
    """Each answer at its place in the conversation, with and without pipelining."""

    @pytest.mark.parametrize(
        ("moment", "reply", "outcome", "trouble"),
        [
            ("connect", "554 5.7.1 blocked", Outcome.DEFERRED, Trouble.ACCOUNT),
            ("connect", "421 4.3.2 full", Outcome.DEFERRED, Trouble.THROTTLED),
            ("EHLO", "550 5.7.1 who", Outcome.DEFERRED, Trouble.ACCOUNT),
            ("MAIL", "550 5.1.8 bad sender", Outcome.DEFERRED, Trouble.ACCOUNT),
            ("MAIL", "452 4.3.1 storage", Outcome.DEFERRED, Trouble.THROTTLED),
            ("MAIL", "421 4.7.0 enough", Outcome.DEFERRED, Trouble.THROTTLED),
            ("RCPT", "550 5.1.1 no such user", Outcome.REJECTED, None),
            ("RCPT", "450 4.2.0 greylisted", Outcome.DEFERRED, None),
            ("RCPT", "421 4.7.0 enough", Outcome.DEFERRED, Trouble.THROTTLED),
            ("DATA", "451 4.3.0 error", Outcome.DEFERRED, Trouble.THROTTLED),
            ("DATA", "554 5.5.1 no", Outcome.DEFERRED, Trouble.CONTENT),
            ("dot", "450 4.2.1 busy", Outcome.DEFERRED, None),
            ("dot", "550 5.1.1 no such user", Outcome.REJECTED, None),
            ("dot", "550 5.2.1 disabled", Outcome.REJECTED, None),
            ("dot", "554 5.6.0 broken", Outcome.DEFERRED, Trouble.CONTENT),
            ("dot", "552 too large", Outcome.DEFERRED, Trouble.CONTENT),
            ("dot", "250-first\r\n250 and last", Outcome.ACCEPTED, None),
            ("dot", "250-first\r\n550 and another", Outcome.UNKNOWN, None),
        ],
    )
    def test_each_is_what_the_table_says(
        self, moment: str, reply: str, outcome: Outcome, trouble: Trouble | None, extensions: tuple[str, ...]
    ) -> None:
        with connected(SmtpSink({moment: React(reply)}, extensions=extensions)) as transport:
            answer = carry(transport)
        assert (answer.outcomes, answer.trouble) == ((outcome,), trouble)

    @pytest.mark.parametrize("moment", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize(
        "reaction", [CLOSE, RESET, React("25", end="close"), React(b"garbage\r\n")], ids=["end", "reset", "half", "garbage"]
    )
    def test_whatever_breaks_before_the_body_is_surely_not_taken(
        self, moment: str, reaction: React, extensions: tuple[str, ...]
    ) -> None:
        sink = SmtpSink({moment: reaction}, extensions=extensions)
        with connected(sink) as transport:
            answer = carry(transport)
        assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)
        assert sink.arrived == []

    @pytest.mark.parametrize(
        "reaction",
        [
            CLOSE,
            RESET,
            React(b"25", end="close"),
            React(b"250 ok", end="close"),
            React(b"250-ok\r\n", end="close"),
            React(b"garbage\r\n"),
        ],
        ids=["end", "reset", "half", "no line end", "first of two", "garbage"],
    )
    def test_whatever_breaks_after_the_final_dot_is_unknown(self, reaction: React, extensions: tuple[str, ...]) -> None:
        sink = SmtpSink({"dot": reaction}, extensions=extensions)
        with connected(sink) as transport:
            answer = carry(transport)
        assert (answer.outcomes, answer.trouble) == ((Outcome.UNKNOWN,), None)
        assert len(sink.arrived) == 1

    @pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA", "dot"])
    def test_after_a_refusal_the_connection_carries_the_next(self, moment: str, extensions: tuple[str, ...]) -> None:
        def script(now: Now) -> React | None:
            return React("451 4.2.0 not now") if (now.moment, now.message) == (moment, 1) else None

        sink = SmtpSink(script, extensions=extensions)
        with connected(sink) as transport:
            first, second = carry(transport), carry(transport, an_envelope(2))
        assert (first.outcomes, second.outcomes) == ((Outcome.DEFERRED,), (Outcome.ACCEPTED,))
        assert [message.rcpt_to for message in sink.messages] == ["reader2@example.com"]
        assert sink.connections == 1
        assert "RSET" in sink.commands

    @pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA", "dot"])
    def test_after_a_421_the_connection_is_another(self, moment: str, extensions: tuple[str, ...]) -> None:
        sink = SmtpSink(
            lambda now: React("421 4.7.0 enough") if (now.moment, now.message) == (moment, 1) else None, extensions=extensions
        )
        with connected(sink) as transport:
            first, second = carry(transport), carry(transport)
        assert (first.outcomes, first.trouble, second.outcomes) == ((Outcome.DEFERRED,), Trouble.THROTTLED, (Outcome.ACCEPTED,))
        assert sink.connections == 2

    @pytest.mark.parametrize("moment", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
    def test_a_relay_that_says_nothing_before_the_body_is_given_up(self, moment: str, extensions: tuple[str, ...]) -> None:
        sink = SmtpSink({moment: SILENCE}, extensions=extensions)
        short = SHORT / 2
        with connected(sink, delivery={"timeout": short, "connect_timeout": short}) as transport:
            answer = carry(transport)
        assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)

    def test_a_relay_that_drips_is_given_up_too(self, extensions: tuple[str, ...]) -> None:
        class Dripping(SmtpSink):
            def serve(self, connection: socket.socket, number: int) -> None:
                while not self.over.wait(0.02):
                    connection.sendall(b"2")

        with connected(Dripping(extensions=extensions), delivery={"connect_timeout": SHORT}) as transport:
            answer = carry(transport)
        assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


def test_many_messages_go_over_one_connection_as_they_were_built() -> None:
    sink = SmtpSink()
    with connected(sink) as transport:
        answers = [carry(transport, envelope) for envelope in envelopes(50)]
    assert {answer.outcomes for answer in answers} == {(Outcome.ACCEPTED,)}
    assert answers[0].provider_message_id == "Q1"
    assert [message.rcpt_to for message in sink.messages] == [envelope.address for envelope in envelopes(50)]
    assert sink.connections == 1
    assert sink.commands.count("RSET") == 0
    assert sink.commands[-1] == "QUIT"
    parsed = message_from_bytes(sink.messages[6].message, policy=policy.default)
    assert parsed["To"] == "reader7@example.com"
    assert parsed["List-Unsubscribe"] == "<https://news.example/unsubscribe/u0000000007>"


def test_dots_at_the_beginning_of_a_line_arrive_once() -> None:
    message = b".first\r\n\r\n..\r\n.\r\nlast"
    sink = SmtpSink()
    with sink, closing(built(sink.port, message)) as transport:
        assert carry(transport).outcomes == (Outcome.ACCEPTED,)
    assert sink.messages[0].message == message + b"\r\n"


@pytest.mark.parametrize("message", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\n\r\n"])
def test_a_line_break_that_is_not_crlf_is_the_contents_trouble(message: bytes) -> None:
    sink = SmtpSink()
    with sink, closing(built(sink.port, message)) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONTENT)
    assert sink.connections == 0


def test_a_body_half_written_is_surely_not_taken() -> None:
    sink = SmtpSink({"body": RESET}, receive_buffer=4096)
    with sink, closing(built(sink.port, b"x" * 64_000_000 + b"\r\n")) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)
    assert "while the body was written" in answer.text


def test_a_small_body_the_relay_read_half_of_is_unknown_since_all_of_it_was_written() -> None:
    with connected(SmtpSink({"body": RESET})) as transport:
        assert carry(transport).outcomes == (Outcome.UNKNOWN,)


def test_a_connection_the_relay_let_go_of_is_opened_again() -> None:
    def script(now: Now) -> React | None:
        return React("250 2.0.0 ok", end="close") if (now.moment, now.message) == ("dot", 1) else None

    sink = SmtpSink(script)
    with connected(sink) as transport:
        answers = [carry(transport, envelope) for envelope in envelopes(3)]
    assert {answer.outcomes for answer in answers} == {(Outcome.ACCEPTED,)}
    assert len(sink.messages) == 3
    assert sink.connections == 2


@pytest.mark.parametrize("reaction", [CLOSE, RESET], ids=["end", "reset"])
def test_a_connection_that_ends_at_the_next_mail_is_opened_again(reaction: React) -> None:
    sink = SmtpSink(lambda now: reaction if (now.moment, now.connection, now.message) == ("MAIL", 1, 2) else None)
    with connected(sink) as transport:
        answers = [carry(transport, envelope) for envelope in envelopes(2)]
    assert {answer.outcomes for answer in answers} == {(Outcome.ACCEPTED,)}
    assert sink.connections == 2


def test_a_reply_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    def script(now: Now) -> React | None:
        return React("250 2.0.0 ok\r\n421 4.3.2 shutting down") if (now.moment, now.message) == ("dot", 1) else None

    sink = SmtpSink(script)
    with connected(sink) as transport:
        answers = [carry(transport, envelope) for envelope in envelopes(2)]
    assert {answer.outcomes for answer in answers} == {(Outcome.ACCEPTED,)}
    assert [message.rcpt_to for message in sink.messages] == ["reader1@example.com", "reader2@example.com"]
    assert sink.connections == 2


def test_an_acceptance_before_the_body_is_no_acceptance() -> None:
    sink = SmtpSink({"DATA": React("354 go ahead\r\n250 2.0.0 ok")})
    with connected(sink) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


def test_a_relay_that_wants_the_body_of_a_refused_recipient_gets_none() -> None:
    class Eager(SmtpSink):
        def _transact(self, talk: Any, session: Any, line: str, command: str) -> None:
            talk.say({"RCPT": "550 5.1.1 no such user", "DATA": "354 go ahead"}.get(command, "250 ok"))

    sink = Eager()
    with connected(sink) as transport:
        assert [carry(transport).outcomes for _ in range(2)] == [(Outcome.REJECTED,)] * 2
    assert sink.connections == 2


@pytest.mark.parametrize(
    "address", ["grüße@example.com", "a b@example.com", "a@example.com>\r\nRCPT TO:<b", "", "nobody", "x" * 65 + "@example.com"]
)
def test_an_address_smtp_cannot_carry_is_rejected_and_nothing_said(address: str) -> None:
    sink = SmtpSink()
    with connected(sink) as transport:
        answer = carry(transport, an_envelope(address=address or " "))
    assert answer.outcomes == (Outcome.REJECTED,)
    assert answer.texts[0]
    assert sink.connections == 0


@pytest.mark.parametrize(
    "greeting", [b"220-" + b"x" * 100_000, b"220-more\r\n" * 1000], ids=["a line without end", "lines without end"]
)
def test_a_reply_without_end_is_given_up(greeting: bytes) -> None:
    with connected(SmtpSink({"connect": React(greeting)})) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


def test_a_sender_smtp_cannot_carry_is_the_accounts_trouble() -> None:
    rendition = a_rendition()
    foreign = replace(rendition, sender=replace(rendition.sender, address="news@bücher.example"))
    sink = SmtpSink()
    with connected(sink) as transport:
        answer = transport.send(foreign, envelopes(1), DATE)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.ACCOUNT)
    assert sink.connections == 0


def test_more_than_one_envelope_is_the_callers_mistake() -> None:
    with closing(Smtp(settings_for(25)).open()) as transport, pytest.raises(ValueError, match="unpack"):
        transport.send(a_rendition(), envelopes(2), DATE)


def test_a_name_that_does_not_resolve_is_out_of_reach() -> None:
    with closing(Smtp(settings_for(25, host="no-such-host.invalid")).open()) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


def test_we_call_ourselves_as_configured_or_by_our_name_or_address() -> None:
    plain, named = SmtpSink(), SmtpSink()
    with connected(plain) as transport:
        carry(transport)
    with connected(named, local_hostname="mail.news.example") as transport:
        carry(transport)
    assert plain.commands[0] in {"EHLO [127.0.0.1]", f"EHLO {socket.gethostname()}"}
    assert named.commands[0] == "EHLO mail.news.example"


def built(port: int, message: bytes) -> SmtpTransport:
    """A transport that carries `message`, whatever it is given."""
    no_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    stream = SmtpStream(settings_for(port), no_tls, lambda rendition: lambda envelope, date: [stuff(message)])
    return SmtpTransport(stream)
