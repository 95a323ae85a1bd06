"""The transport, against a stub on loopback that judges every request and misbehaves as told."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import Provider, Transport
from digest.delivery.providers.sendgrid import SendGrid
from digest.delivery.providers.sendgrid_request import MOST_BYTES
from digest.errors import UsageError
from digest.rendering.content import Envelope
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial, on_nothing
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.sendgrid_stub import CLOSE, RESET, SILENCE, Request, Respond, SendGridStub, errors
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

KEY = "SG.canary-key"
SHORT = timedelta(milliseconds=800)
Judges = list[Callable[[Any], Iterator[str]]]


def a_stub(script: Callable[[Request], Respond | None] | None = None, **how: Any) -> SendGridStub:
    return SendGridStub(script, **{"judges": [judge_strictly], "api_key": KEY, **how})


def provider_for(url: str, **delivery: Any) -> Provider:
    return SendGrid(some_settings(delivery=delivery, providers={"sendgrid": {"api_key": KEY, "host": url}}))


@contextmanager
def connected(stub: SendGridStub, **delivery: Any) -> Iterator[Transport]:
    with stub, closing(provider_for(stub.url, **delivery).open()) as transport:
        yield transport


def carry(transport: Transport, batch: list[Envelope] | None = None) -> Answer:
    return transport.send(a_rendition(), batch or envelopes(3), DATE)


def refuse(*addresses: str, at_once: int = 1000) -> Callable[[Request], Respond | None]:
    """A script: 400 that names the personalizations of these addresses, at most `at_once` of them."""

    def script(request: Request) -> Respond | None:
        named = [number for number, address in enumerate(request.recipients) if address in addresses][:at_once]
        fields = [(f"personalizations.{number}.to.0.email", f"{request.recipients[number]} does not do") for number in named]
        return errors(*fields) if named else None

    return script


class TestTheContract(ProviderContract):
    """SendGrid as every provider is."""

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        responds = {
            Behaviour.REFUSES_CONTENT: errors(("content", "no, reader1@example.com")),
            Behaviour.REFUSES_ACCOUNT: errors((None, f"the key {KEY} of reader1@example.com is not valid"), status=401),
            Behaviour.THROTTLES: errors((None, "too many requests"), status=429),
            Behaviour.FALLS_SILENT: SILENCE,
            Behaviour.HANGS_UP: CLOSE,
            Behaviour.TALKS_NONSENSE: Respond(raw=b"\x00nonsense\r\n\r\n"),
        }
        script = refuse("reader2@example.com") if behaviour is Behaviour.REFUSES_ONE else lambda _: responds.get(behaviour)
        with a_stub(script) as stub, on_nothing() as nothing:
            url = f"http://127.0.0.1:{nothing}" if behaviour is Behaviour.OUT_OF_REACH else stub.url
            delivery = {"timeout": SHORT} if behaviour is Behaviour.FALLS_SILENT else {}
            yield Trial(
                provider=provider_for(url, **delivery),
                arrived=lambda: stub.recipients,
                requests=lambda: [as_described(stub, request) for request in stub.requests],
                connections=lambda: stub.connections,
                secrets=(KEY,),
            )
        assert stub.violations == []


def as_described(stub: SendGridStub, request: Request) -> dict[str, Any]:
    headers = {
        "Authorization": request.headers["authorization"].replace(KEY, "***"),
        "User-Agent": request.headers["user-agent"],
        "Accept": request.headers["accept"],
        "Content-Type": request.headers["content-type"],
    }
    return {"method": request.method, "url": stub.url + request.path, "headers": headers, "json": request.payload}


def test_2500_readers_in_batches_get_one_mail_each_and_no_judge_finds_fault(judges: Judges) -> None:
    stub = a_stub(judges=judges)
    everybody = envelopes(2500)
    with connected(stub) as transport:
        answers = [carry(transport, everybody[start : start + 1000]) for start in range(0, 2500, 1000)]
    assert [len(answer.outcomes) for answer in answers] == [1000, 1000, 500]
    assert {outcome for answer in answers for outcome in answer.outcomes} == {Outcome.ACCEPTED}
    assert [answer.provider_message_id for answer in answers] == ["M1", "M2", "M3"]
    assert [len(request.recipients) for request in stub.accepted] == [1000, 1000, 500]
    assert stub.recipients == [envelope.address for envelope in everybody]
    assert stub.violations == []
    assert stub.connections == 1


def test_2500_readers_in_one_send_are_as_many_requests_as_it_takes() -> None:
    stub = a_stub()
    with connected(stub) as transport:
        answer = carry(transport, envelopes(2500))
    assert set(answer.outcomes) == {Outcome.ACCEPTED}
    assert answer.provider_message_id == "M1 M2 M3"
    assert [len(request.recipients) for request in stub.accepted] == [1000, 1000, 500]


def test_an_address_that_stands_twice_goes_into_two_requests() -> None:
    stub = a_stub()
    batch = [an_envelope(1, address="a@example.com"), an_envelope(2, address="A@example.com"), an_envelope(3)]
    with connected(stub) as transport:
        assert carry(transport, batch).outcomes == (Outcome.ACCEPTED,) * 3
    assert [request.recipients for request in stub.accepted] == [["a@example.com", "reader3@example.com"], ["A@example.com"]]
    assert stub.violations == []


def test_a_request_larger_than_sendgrid_takes_is_halved() -> None:
    stub = a_stub(judges=[])
    batch = [an_envelope(number, greeting="a" * 4000) for number in range(4)]
    rendition = a_rendition(text="x" * (MOST_BYTES // 2 - 10_000))
    with connected(stub) as transport:
        assert transport.send(rendition, batch, DATE).outcomes == (Outcome.ACCEPTED,) * 4
    assert [len(request.recipients) for request in stub.accepted] == [2, 2]
    assert all(len(request.body) <= MOST_BYTES for request in stub.accepted)


def test_named_addresses_are_rejected_and_the_others_taken_in_the_same_send() -> None:
    stub = a_stub(refuse("reader2@example.com", "reader5@example.com"))
    with connected(stub) as transport:
        answer = carry(transport, envelopes(6))
    accepted, rejected = Outcome.ACCEPTED, Outcome.REJECTED
    assert answer.outcomes == (accepted, rejected, accepted, accepted, rejected, accepted)
    assert answer.trouble is None
    assert answer.texts == {
        1: "400 personalizations.1.to.0.email: <address> does not do",
        4: "400 personalizations.4.to.0.email: <address> does not do",
    }
    assert len(stub.requests) == 2
    assert stub.recipients == [f"reader{number}@example.com" for number in (1, 3, 4, 6)]


def test_named_one_by_one_each_is_the_one_that_was_meant() -> None:
    stub = a_stub(refuse("reader2@example.com", "reader3@example.com", "reader5@example.com", at_once=1))
    with connected(stub) as transport:
        answer = carry(transport, envelopes(6))
    assert [number for number, outcome in enumerate(answer.outcomes, 1) if outcome is Outcome.REJECTED] == [2, 3, 5]
    assert stub.recipients == [f"reader{number}@example.com" for number in (1, 4, 6)]


def test_after_ten_rounds_the_rest_waits_for_another_send() -> None:
    stub = a_stub(refuse(*(f"reader{number}@example.com" for number in range(1, 13)), at_once=1))
    with connected(stub) as transport:
        answer = carry(transport, envelopes(14))
    assert answer.outcomes == (Outcome.REJECTED,) * 10 + (Outcome.DEFERRED,) * 4
    assert answer.trouble is None
    assert len(stub.requests) == 10
    assert stub.recipients == []


def test_when_all_are_named_all_are_rejected() -> None:
    stub = a_stub(refuse(*(f"reader{number}@example.com" for number in range(1, 4))))
    with connected(stub) as transport:
        assert carry(transport).outcomes == (Outcome.REJECTED,) * 3
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("respond", "outcome", "trouble"),
    [
        (errors(("from.email", "not verified")), Outcome.DEFERRED, Trouble.CONTENT),
        (Respond(413), Outcome.DEFERRED, Trouble.CONTENT),
        (errors((None, "forbidden"), status=403), Outcome.DEFERRED, Trouble.ACCOUNT),
        (Respond(429, headers={"Retry-After": "30"}), Outcome.DEFERRED, Trouble.THROTTLED),
        (Respond(200, b"{}"), Outcome.UNKNOWN, None),
        (Respond(500), Outcome.UNKNOWN, None),
        (Respond(502, b"<html>"), Outcome.UNKNOWN, None),
        (Respond(503), Outcome.UNKNOWN, None),
        (Respond(504), Outcome.UNKNOWN, None),
        (CLOSE, Outcome.UNKNOWN, None),
        (RESET, Outcome.UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 20", end="close"), Outcome.UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 202", end="reset"), Outcome.UNKNOWN, None),
        (Respond(raw=b"garbage\r\n\r\n", end="close"), Outcome.UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 abc what\r\n\r\n"), Outcome.UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 202 Accepted\r\n" + b"X: y\r\n" * 200 + b"\r\n"), Outcome.UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf", end="close"), Outcome.ACCEPTED, None),
        (Respond(raw=b"HTTP/1.1 400 Bad\r\nContent-Length: 999\r\n\r\n{", end="close"), Outcome.DEFERRED, Trouble.CONTENT),
    ],
    ids=range(18),
)
def test_each_answer_is_what_the_table_says(respond: Respond, outcome: Outcome, trouble: Trouble | None) -> None:
    with connected(a_stub(lambda _: respond)) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((outcome,) * 3, trouble)


def test_how_long_to_wait_is_handed_on() -> None:
    with connected(a_stub(lambda _: Respond(429, headers={"Retry-After": "30"}))) as transport:
        assert carry(transport).retry_after == 30


def test_a_redirect_is_not_followed_and_unknown() -> None:
    with a_stub() as elsewhere:
        with connected(a_stub(lambda _: Respond(302, headers={"Location": elsewhere.url + "/v3/mail/send"}))) as transport:
            assert carry(transport).outcomes == (Outcome.UNKNOWN,) * 3
        assert elsewhere.connections == 0


def test_after_doubt_nothing_more_of_the_send_goes_out() -> None:
    stub = a_stub(lambda _: Respond(500))
    batch = [an_envelope(1, address="a@example.com"), an_envelope(2, address="a@example.com")]
    with connected(stub) as transport:
        assert carry(transport, batch).outcomes == (Outcome.UNKNOWN, Outcome.DEFERRED)
    assert len(stub.requests) == 1


def test_a_request_half_written_is_surely_not_taken() -> None:
    stub = a_stub(early=RESET, receive_buffer=4096)
    with connected(stub) as transport:
        answer = transport.send(a_rendition(text="x" * 25_000_000), envelopes(1), DATE)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(413, Trouble.CONTENT), (401, Trouble.ACCOUNT), (202, Trouble.CONNECTION), (500, Trouble.CONNECTION)],
)
def test_a_refusal_of_a_request_half_written_is_heard_and_nothing_else_is(status: int, trouble: Trouble) -> None:
    stub = a_stub(early=Respond(status, end="close"), receive_buffer=4096)
    with connected(stub) as transport:
        answer = transport.send(a_rendition(text="x" * 25_000_000), envelopes(1), DATE)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), trouble)


def test_an_envelope_whose_headers_cannot_be_written_is_the_contents_trouble() -> None:
    envelope = an_envelope()
    broken = replace(envelope, personal=replace(envelope.personal, unsubscribe_url="mailto:nobody"))
    stub = a_stub()
    with connected(stub) as transport:
        answer = carry(transport, [broken])
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONTENT)
    assert stub.connections == 0


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    stub = a_stub(lambda request: Respond(202, end="close") if request.number == 1 else None)
    with connected(stub) as transport:
        first = carry(transport)
        stub.wait_until_closed(1)
        second = carry(transport)
    assert first.outcomes == second.outcomes == (Outcome.ACCEPTED,) * 3
    assert stub.connections == 2


@pytest.mark.parametrize("respond", [Respond(500), Respond(400), Respond(429)])
def test_a_transport_goes_on_after_an_answer_of_any_kind(respond: Respond) -> None:
    stub = a_stub(lambda request: respond if request.number == 1 else None)
    with connected(stub) as transport:
        carry(transport)
        assert carry(transport).outcomes == (Outcome.ACCEPTED,) * 3
    assert stub.connections == 1


def test_an_envelope_sendgrid_cannot_carry_is_rejected_alone() -> None:
    stub = a_stub()
    batch = [an_envelope(1), an_envelope(2, greeting="&" * 3000), an_envelope(3, address="grüße@example.com")]
    with connected(stub) as transport:
        answer = carry(transport, batch)
    assert answer.outcomes == (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.REJECTED)
    assert set(answer.texts) == {1, 2}
    assert stub.recipients == ["reader1@example.com"]


def test_https_reaches_a_service_whose_certificate_is_trusted(server_tls: ssl.SSLContext, trusted: Path) -> None:
    stub = a_stub(tls=server_tls)
    with connected(stub) as transport:
        assert [carry(transport).outcomes for _ in range(3)] == [(Outcome.ACCEPTED,) * 3] * 3
    assert stub.connections == 1


def test_https_to_a_service_whose_certificate_is_not_trusted_is_out_of_reach(server_tls: ssl.SSLContext) -> None:
    stub = a_stub(tls=server_tls)
    with connected(stub) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,) * 3, Trouble.CONNECTION)
    assert "certificate" in answer.text
    assert stub.requests == []


def test_a_base_url_with_a_path_keeps_it() -> None:
    stub = a_stub(judges=[])
    with stub, closing(provider_for(stub.url + "/behind/").open()) as transport:
        carry(transport)
    assert stub.requests[0].path == "/behind/v3/mail/send"


def test_no_log_holds_the_key_or_a_reader(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with connected(a_stub(refuse("reader1@example.com"))) as transport:
        carry(transport)
    with connected(a_stub(lambda _: Respond(401, KEY.encode()))) as transport:
        answer = carry(transport)
    assert "401 ***" in answer.text
    assert "canary" not in caplog.text
    assert "reader" not in caplog.text


@pytest.mark.parametrize("key", [None, "", "  "])
def test_without_a_key_the_setting_is_named(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "the package's own variable does not count")
    with pytest.raises(UsageError, match="DIGEST_PROVIDERS__SENDGRID__API_KEY"):
        SendGrid(some_settings(providers={"sendgrid": {"api_key": key}}))


def test_a_key_that_no_header_can_carry_is_wrong_usage_and_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        SendGrid(some_settings(providers={"sendgrid": {"api_key": "canary key"}}))
    assert "canary" not in str(caught.value)


def test_a_description_never_holds_the_key() -> None:
    described = provider_for("https://api.sendgrid.com").describe(a_rendition(), envelopes(2), DATE)
    assert described[0]["url"] == "https://api.sendgrid.com/v3/mail/send"
    assert described[0]["headers"]["Authorization"] == "Bearer ***"
    assert "canary" not in json.dumps(described)
