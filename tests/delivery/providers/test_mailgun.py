"""Mailgun's own: recipient variables, an address that is refused and not named, its answers and its reports."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.delivery.event import Cause, Kind
from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.http_answer import ACCEPTED, ACCOUNT, CONTENT, REJECTED, THROTTLED, UNKNOWN, HttpAnswer, Meaning
from digest.delivery.providers.mailgun import Mailgun
from digest.delivery.providers.mailgun_answers import read_answer
from digest.delivery.providers.mailgun_events import FAILURES, KINDS, read_events
from digest.errors import UsageError
from digest.rendering.assemble import fill
from digest.testing.http_stub import Request, Respond
from digest.testing.service_stubs import MAILGUN, says
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NO_ADDRESS = "'to' parameter is not a valid address. please check documentation"


def provider(url: str = "http://127.0.0.1:1", **table: Any) -> Mailgun:
    return Mailgun(some_settings(providers={"mailgun": {**MAILGUN.settings, "host": url, **table}}))


@pytest.mark.parametrize(
    ("status", "message", "meaning"),
    [
        (400, NO_ADDRESS, REJECTED),
        (400, "to parameter is not a valid address", REJECTED),
        (400, "'from' parameter is not a valid address", ACCOUNT),
        (400, "Domain mg.news.example is not allowed to send: disabled", ACCOUNT),
        (400, "Please activate your Mailgun account", ACCOUNT),
        (400, "to parameter is missing", CONTENT),
        (400, "Need at least one of 'text' or 'html' parameters specified", CONTENT),
        (401, "Forbidden", ACCOUNT),
        (402, "", ACCOUNT),
        (403, "Sandbox subdomains are for test purposes only", ACCOUNT),
        (404, "Domain not found", ACCOUNT),
        (413, "", CONTENT),
        (429, "", THROTTLED),
        (500, "", UNKNOWN),
    ],
)
def test_each_answer_is_what_the_table_says(status: int, message: str, meaning: Meaning) -> None:
    assert read_answer(HttpAnswer(status, body=json.dumps({"message": message}).encode()), NOW).meaning == meaning


def test_an_id_is_what_makes_a_200_an_acceptance() -> None:
    assert read_answer(HttpAnswer(200, body=b'{"id": "<a@b>", "message": "Queued."}'), NOW).meaning == ACCEPTED
    assert read_answer(HttpAnswer(200, body=b"Mailgun Magnificent API"), NOW).meaning == UNKNOWN


def test_addresses_that_are_refused_and_not_named_are_found_by_halving_and_the_others_get_one_mail_each() -> None:
    bad = {"reader3@example.com", "reader88@example.com"}

    def script(request: Request) -> Respond | None:
        return says(400, {"message": NO_ADDRESS}) if bad & set(MAILGUN.recipients(request)) else None

    with MAILGUN.stub(script) as stub, closing(provider(stub.url).open()) as transport:
        answer = transport.send(a_rendition(), envelopes(100), DATE)
    arrived = [address for request in stub.accepted for address in MAILGUN.recipients(request)]
    assert [at for at, outcome in enumerate(answer.outcomes, 1) if outcome is Outcome.REJECTED] == [3, 88]
    assert (answer.trouble, set(answer.texts)) == (None, {2, 87})
    assert arrived == [f"reader{number}@example.com" for number in range(1, 101) if number not in (3, 88)]


def test_when_halving_takes_too_many_requests_the_rest_waits() -> None:
    with MAILGUN.stub(lambda _: says(400, {"message": NO_ADDRESS})) as stub, closing(provider(stub.url).open()) as transport:
        answer = transport.send(a_rendition(), envelopes(200), DATE)
    assert len(stub.requests) == 50
    assert set(answer.outcomes) == {Outcome.REJECTED, Outcome.DEFERRED}


def test_an_address_that_stands_twice_goes_into_two_requests() -> None:
    batch = [an_envelope(1, address="a@example.com"), an_envelope(2, address="a@example.com"), an_envelope(3)]
    with MAILGUN.stub() as stub, closing(provider(stub.url).open()) as transport:
        assert transport.send(a_rendition(), batch, DATE).outcomes == (Outcome.ACCEPTED,) * 3
    assert [MAILGUN.recipients(request) for request in stub.accepted] == [
        ["a@example.com", "reader3@example.com"],
        ["a@example.com"],
    ]
    assert stub.violations == []


def test_2500_readers_are_three_requests_over_one_connection() -> None:
    with MAILGUN.stub() as stub, closing(provider(stub.url).open()) as transport:
        answer = transport.send(a_rendition(), envelopes(2500), DATE)
    assert set(answer.outcomes) == {Outcome.ACCEPTED}
    assert [len(MAILGUN.recipients(request)) for request in stub.accepted] == [1000, 1000, 500]
    assert (stub.violations, stub.connections) == ([], 1)


def test_a_value_is_escaped_in_html_and_as_it_is_in_text() -> None:
    reader = an_envelope(greeting='Ada & <Co> "%recipient.seal%"')
    (request,) = provider().describe(a_rendition(), [reader, an_envelope(2)], DATE)
    fields = dict(request["form"])
    variables = json.loads(fields["recipient-variables"])[reader.address]
    texts = []
    for name in ("html", "text"):
        text = fields[name]
        for slot in a_rendition().html.slots:
            text = text.replace(f"%recipient.{name}_{slot}%", variables[f"{name}_{slot}"])
        texts.append(text)
    assert tuple(texts) == fill(a_rendition(), reader.personal)


def test_an_article_that_holds_mailguns_own_variable_is_the_contents_trouble() -> None:
    for rendition in (a_rendition(text="about %recipient.name%"), replace(a_rendition(), subject="%recipient%")):
        with closing(provider().open()) as transport:
            answer = transport.send(rendition, envelopes(1), DATE)
        assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONTENT)
        assert "%recipient, which Mailgun would replace" in answer.text


def test_without_a_domain_the_setting_is_named() -> None:
    with pytest.raises(UsageError, match=r"set providers\.mailgun\.domain, or DIGEST_PROVIDERS__MAILGUN__DOMAIN"):
        provider(domain=None)


IDS = {"delivery_id": "0123456789abcdef" * 2, "attempt_id": "2", "seal": "0123456789abcdef"}


def event_of(kind: str, **rest: Any) -> dict[str, Any]:
    return {
        "event": kind,
        "timestamp": 1795424400.5,
        "recipient": "ann@x.example",
        "user-variables": IDS,
        "message": {"headers": {"message-id": "20261123.1@mg.news.example"}},
        "delivery-status": {"message": "550 <ann@x.example> unknown"},
    } | rest


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_documented_kind_has_its_word(name: str, kind: Kind) -> None:
    (event,) = read_events([event_of(name, severity="permanent")]).events
    assert (event.kind, event.occurred_at, event.attempt) == (kind, NOW, 2)
    assert (event.delivery_id, event.seal) == (IDS["delivery_id"], IDS["seal"])
    assert event.provider_message_id == "20261123.1@mg.news.example"


def test_a_webhooks_body_holds_the_event_beside_its_signature() -> None:
    wrapped = {"signature": {"token": "x"}, "event-data": event_of("delivered")}
    assert read_events([wrapped]).events == read_events([event_of("delivered")]).events


@pytest.mark.parametrize(
    ("reason", "severity", "happening"),
    [
        *((reason, "permanent", happening) for reason, happening in FAILURES.items()),
        ("generic", "permanent", (Kind.BOUNCED, Cause.OTHER)),
        ("generic", "temporary", (Kind.DEFERRED, None)),
        ("old", "temporary", (Kind.BOUNCED, Cause.TIMED_OUT)),
    ],
)
def test_each_failure_has_its_meaning(reason: str, severity: str, happening: tuple[Kind, Cause | None]) -> None:
    (event,) = read_events([event_of("failed", reason=reason, severity=severity)]).events
    assert (event.kind, event.reason) == happening
    assert event.words == ("550 <address> unknown" if event.reason else "")


def test_what_says_nothing_of_a_delivery_is_counted_and_a_bad_entry_stops_only_itself() -> None:
    ignored = [
        event_of("stored"),
        event_of("delivered", **{"user-variables": {}}),
        event_of("delivered", **{"user-variables": IDS | {"seal": ""}}),
    ]
    bad: list[Any] = [3, {}, event_of("delivered", timestamp="now"), event_of("delivered", message=None)]
    read = read_events([*ignored, *bad, event_of("opened")])
    assert (len(read.events), read.ignored, len(read.faults)) == (1, 3, 4)
