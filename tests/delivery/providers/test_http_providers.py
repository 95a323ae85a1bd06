"""Postmark, Resend, Mailgun and Amazon SES as every provider is, and as every HTTP API is."""

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
from digest.delivery.providers.registry import find_provider
from digest.errors import UsageError
from digest.testing.http_stub import CLOSE, RESET, SILENCE, HttpStub, Request, Respond
from digest.testing.provider_contract import Behaviour, ProviderContract, Trial, on_nothing
from digest.testing.service_stubs import KEY, MAILGUN, POSTMARK, RESEND, SERVICES, SES, Service, postmark_result, says
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

SHORT = timedelta(milliseconds=800)
ACCEPTED, DEFERRED, UNKNOWN = Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.UNKNOWN
Script = Callable[[Request], Respond | None]


def provider_of(service: Service, url: str, **delivery: Any) -> Provider:
    settings = some_settings(delivery=delivery, providers={service.name: {**service.settings, "host": url}})
    return find_provider(service.name, settings)


@contextmanager
def connected(service: Service, stub: HttpStub, **delivery: Any) -> Iterator[Transport]:
    with stub, closing(provider_of(service, stub.url, **delivery).open()) as transport:
        yield transport


def always(respond: Respond) -> Script:
    return lambda _: respond


def carry(transport: Transport) -> Answer:
    return transport.send(a_rendition(), envelopes(1), DATE)


def as_described(stub: HttpStub, request: Request, service: Service, names: list[str]) -> dict[str, Any]:
    """A request in the shape of a description: the headers that one names, secrets masked."""
    headers = {name: request.headers[name.lower()] for name in names}
    for secret in service.secrets:
        headers = {name: value.replace(secret, "***") for name, value in headers.items()}
    if service is SES:
        headers["Authorization"] = "***"
    body = {"json": request.payload} if request.payload is not None else {"form": [list(pair) for pair in request.form]}
    return {"method": request.method, "url": stub.url + request.path, "headers": headers, **body}


class HttpContract(ProviderContract):
    """The suite, with a stub that behaves as asked."""

    service: Service
    content: Respond
    account: Respond
    one: Respond  # the answer to a request that reader2 stands in, where the service refuses that address

    def refuse_one(self, request: Request) -> Respond | None:
        return self.one if "reader2@example.com" in self.service.recipients(request) else None

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        responds = {
            Behaviour.REFUSES_CONTENT: self.content,
            Behaviour.REFUSES_ACCOUNT: self.account,
            Behaviour.THROTTLES: says(429, {"message": "slow down, reader1@example.com"}),
            Behaviour.FALLS_SILENT: SILENCE,
            Behaviour.HANGS_UP: CLOSE,
            Behaviour.TALKS_NONSENSE: Respond(raw=b"\x00nonsense\r\n\r\n"),
        }
        script: Script = self.refuse_one if behaviour is Behaviour.REFUSES_ONE else lambda _: responds.get(behaviour)
        with self.service.stub(script) as stub, on_nothing() as nothing:
            url = f"http://127.0.0.1:{nothing}" if behaviour is Behaviour.OUT_OF_REACH else stub.url
            provider = provider_of(self.service, url, **({"timeout": SHORT} if behaviour is Behaviour.FALLS_SILENT else {}))
            named = provider.describe(a_rendition(), envelopes(1), DATE)[0]["headers"]
            yield Trial(
                provider=provider,
                arrived=lambda: [address for request in stub.accepted for address in self.taken(request)],
                requests=lambda: [as_described(stub, request, self.service, list(named)) for request in stub.requests],
                connections=lambda: stub.connections,
                secrets=self.service.secrets,
            )
        assert stub.violations == []

    def taken(self, request: Request) -> list[str]:
        return self.service.recipients(request)


class TestPostmark(HttpContract):
    service = POSTMARK
    content = says(422, {"ErrorCode": 403, "Message": "no field like that, reader1@example.com"})
    account = says(401, {"ErrorCode": 10, "Message": f"the token {KEY} of reader1@example.com is not valid"})

    def refuse_one(self, request: Request) -> Respond | None:
        """One result of the batch says it; the others are taken."""
        results = [
            postmark_result(to, code=406, message=f"{to} is inactive") if to == "reader2@example.com" else postmark_result(to)
            for to in self.service.recipients(request)
        ]
        return says(200, results)

    @contextmanager
    def trial(self, behaviour: Behaviour) -> Iterator[Trial]:
        self.refusing = behaviour is Behaviour.REFUSES_ONE
        with super().trial(behaviour) as trial:
            yield trial

    def taken(self, request: Request) -> list[str]:
        recipients = super().taken(request)
        return [address for address in recipients if not (self.refusing and address == "reader2@example.com")]


class TestResend(HttpContract):
    service = RESEND
    content = says(422, {"statusCode": 422, "name": "missing_required_field", "message": "for reader1@example.com"})
    account = says(403, {"name": "invalid_api_key", "message": f"API key {KEY} of reader1@example.com is invalid"})
    one = says(422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field: reader2@example.com"})


class TestMailgun(HttpContract):
    service = MAILGUN
    content = says(400, {"message": "Need at least one of 'text' or 'html', reader1@example.com"})
    account = Respond(401, f"Forbidden: {KEY} and {MAILGUN.secrets[1]} of reader1@example.com".encode())
    one = says(400, {"message": "'to' parameter is not a valid address. please check documentation"})


class TestSes(HttpContract):
    service = SES
    content = says(400, {"message": "no"}, **{"x-amzn-ErrorType": "MessageRejected:http://x/"})
    account = says(
        403, {"message": f"{KEY} of canary-id: reader1@example.com"}, **{"x-amzn-ErrorType": "InvalidSignatureException"}
    )
    one = says(400, {"message": "Invalid: reader2@example.com"}, **{"x-amzn-ErrorType": "BadRequestException:"})


every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@every_service
@pytest.mark.parametrize(
    ("respond", "outcome", "trouble"),
    [
        (Respond(400, b"{}"), DEFERRED, Trouble.CONTENT),
        (Respond(401), DEFERRED, Trouble.ACCOUNT),
        (Respond(402), DEFERRED, Trouble.ACCOUNT),
        (Respond(403), DEFERRED, Trouble.ACCOUNT),
        (Respond(404), DEFERRED, Trouble.ACCOUNT),
        (Respond(405), DEFERRED, Trouble.ACCOUNT),
        (Respond(413), DEFERRED, Trouble.CONTENT),
        (Respond(415), DEFERRED, Trouble.CONTENT),
        (Respond(429, headers={"Retry-After": "30"}), DEFERRED, Trouble.THROTTLED),
        (Respond(200, b""), UNKNOWN, None),
        (Respond(200, b"{}"), UNKNOWN, None),
        (Respond(200, b"Mailgun Magnificent API"), UNKNOWN, None),
        (Respond(202, b"{}"), UNKNOWN, None),
        (Respond(408), UNKNOWN, None),
        (Respond(500), UNKNOWN, None),
        (Respond(502, b"<html>"), UNKNOWN, None),
        (Respond(503, b"[]"), UNKNOWN, None),
        (Respond(504), UNKNOWN, None),
        (CLOSE, UNKNOWN, None),
        (RESET, UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 20", end="close"), UNKNOWN, None),
        (Respond(raw=b"garbage\r\n\r\n", end="close"), UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", end="close"), UNKNOWN, None),
        (Respond(raw=b"HTTP/1.1 400 Bad\r\nContent-Length: 999\r\n\r\n{", end="close"), DEFERRED, Trouble.CONTENT),
    ],
    ids=range(24),
)
def test_each_answer_is_what_the_table_says(
    service: Service, respond: Respond, outcome: Outcome, trouble: Trouble | None
) -> None:
    with connected(service, service.stub(always(respond))) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((outcome,), trouble)
    assert answer.retry_after == (30 if trouble is Trouble.THROTTLED else None)


@every_service
@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
def test_a_refusal_without_a_word_says_what_it_usually_means(service: Service, status: int) -> None:
    with connected(service, service.stub(always(Respond(status)))) as transport:
        assert f"{status} without a word; usually the " in carry(transport).text


@every_service
def test_a_redirect_is_not_followed_and_unknown(service: Service) -> None:
    with service.stub() as elsewhere:
        location = {"Location": elsewhere.url + service.path}
        for status in (301, 302, 303, 307, 308):
            with connected(service, service.stub(always(Respond(status, headers=location)))) as transport:
                assert carry(transport).outcomes == (UNKNOWN,)
        assert elsewhere.connections == 0


@every_service
def test_a_request_half_written_is_surely_not_taken(service: Service) -> None:
    stub = service.stub(early=RESET, receive_buffer=4096)
    with connected(service, stub) as transport:
        answer = transport.send(a_rendition(text="x" * 25_000_000), envelopes(1), DATE)
    assert (answer.outcomes, answer.trouble) == ((DEFERRED,), Trouble.CONNECTION)


@every_service
def test_after_doubt_or_trouble_nothing_more_of_a_send_goes_out(service: Service) -> None:
    for status, outcome in ((500, UNKNOWN), (401, DEFERRED)):
        stub = service.stub(always(Respond(status)))
        two = [an_envelope(1, address="a@example.com"), an_envelope(2, address="a@example.com")]
        with connected(service, stub) as transport:
            provider = provider_of(service, stub.url)
            answers = [transport.send(a_rendition(), two[: provider.batch_limit], DATE)]
        assert answers[0].outcomes[0] is outcome
        assert len(stub.requests) == 1


@every_service
def test_an_address_that_no_header_can_carry_is_rejected_alone(service: Service) -> None:
    stub = service.stub()
    with connected(service, stub) as transport:
        answer = transport.send(a_rendition(), [an_envelope(3, address="grüße@example.com")], DATE)
    assert answer.outcomes == (Outcome.REJECTED,)
    assert answer.texts == {0: f"the address is not one that {service.name} can carry"}
    assert stub.connections == 0


@every_service
def test_a_link_that_no_header_can_carry_is_the_contents_trouble(service: Service) -> None:
    envelope = an_envelope()
    broken = replace(envelope, personal=replace(envelope.personal, unsubscribe_url="mailto:nobody"))
    stub = service.stub()
    with connected(service, stub) as transport:
        answer = transport.send(a_rendition(), [broken], DATE)
    assert (answer.outcomes, answer.trouble) == ((DEFERRED,), Trouble.CONTENT)
    assert stub.connections == 0


@every_service
def test_https_reaches_a_service_whose_certificate_is_trusted(
    service: Service, server_tls: ssl.SSLContext, trusted: Path
) -> None:
    stub = service.stub(tls=server_tls)
    with connected(service, stub) as transport:
        assert [carry(transport).outcomes for _ in range(3)] == [(ACCEPTED,)] * 3
    assert stub.connections == 1


@every_service
def test_https_to_a_service_whose_certificate_is_not_trusted_is_out_of_reach(
    service: Service, server_tls: ssl.SSLContext
) -> None:
    stub = service.stub(tls=server_tls)
    with connected(service, stub) as transport:
        answer = carry(transport)
    assert (answer.outcomes, answer.trouble) == ((DEFERRED,), Trouble.CONNECTION)
    assert stub.requests == []


@every_service
def test_a_base_url_with_a_path_keeps_it(service: Service) -> None:
    stub = service.stub(judges=[])
    with stub, closing(provider_of(service, stub.url + "/behind/").open()) as transport:
        carry(transport)
    assert stub.requests[0].path == "/behind" + service.path


@every_service
def test_no_log_and_no_answer_holds_the_key_or_a_reader(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    words = f"{' '.join(service.secrets)} reader1@example.com".encode()
    with connected(service, service.stub(always(Respond(401, words)))) as transport:
        answer = carry(transport)
    assert "***" in answer.text
    for secret in (*service.secrets, "reader1@"):
        assert secret not in answer.text
        assert secret not in caplog.text


@every_service
def test_a_description_never_holds_the_key(service: Service) -> None:
    provider = find_provider(service.name, some_settings(providers={service.name: dict(service.settings)}))
    described = json.dumps(provider.describe(a_rendition(), envelopes(2), DATE))
    assert "***" in described
    assert not any(secret in described for secret in service.secrets)
    assert '"url": "https://' in described


@every_service
@pytest.mark.parametrize("key", [None, "", "  ", "canary key", "canaryü"])
def test_a_key_that_is_missing_or_broken_is_named_and_not_shown(
    service: Service, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in service.settings if service.settings[name] in service.secrets]:
        with pytest.raises(UsageError) as caught:
            find_provider(service.name, some_settings(providers={service.name: {**service.settings, name: key}}))
        assert f"DIGEST_PROVIDERS__{service.name.upper()}__{name.upper()}" in str(caught.value)
        assert "canary" not in str(caught.value)
