"""Postmark's own: a result for each message of a batch, its limits, its reports."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.delivery.event import Cause, Kind
from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.http_answer import ACCEPTED, ACCOUNT, CONTENT, REJECTED, THROTTLED, UNKNOWN, HttpAnswer, Meaning
from digest.delivery.providers.postmark import MOST_BYTES, Postmark
from digest.delivery.providers.postmark_answers import CODES, judge, read_answer
from digest.delivery.providers.postmark_events import BOUNCES, KINDS, read_events
from digest.testing.http_stub import Request, Respond
from digest.testing.service_stubs import POSTMARK, address_of, postmark_result, says
from digest.testing.specimens import DATE, a_rendition, an_envelope, envelopes, some_settings

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OK = {"ErrorCode": 0, "MessageID": "M", "Message": "OK"}


def provider(url: str = "http://127.0.0.1:1", **table: Any) -> Postmark:
    return Postmark(some_settings(providers={"postmark": {**POSTMARK.settings, "host": url, **table}}))


ROWS: list[tuple[dict[str, Any], Meaning]] = [
    (OK, ACCEPTED),
    ({"ErrorCode": 0}, UNKNOWN),
    ({}, UNKNOWN),
    ({"ErrorCode": "0"}, UNKNOWN),
    ({"ErrorCode": True, "MessageID": "M"}, UNKNOWN),
    ({"ErrorCode": 10}, ACCOUNT),
    ({"ErrorCode": 100}, THROTTLED),
    ({"ErrorCode": 300, "Message": "Invalid 'To' address: 'a@b'."}, REJECTED),
    ({"ErrorCode": 300, "Message": "Error parsing 'To': Illegal email domain."}, REJECTED),
    ({"ErrorCode": 300, "Message": "Invalid 'From' address: not a verified sender signature."}, ACCOUNT),
    ({"ErrorCode": 300, "Message": "Provide either email TextBody or HtmlBody or both."}, CONTENT),
    ({"ErrorCode": 300}, CONTENT),
    ({"ErrorCode": 400}, ACCOUNT),
    ({"ErrorCode": 401}, ACCOUNT),
    ({"ErrorCode": 402}, CONTENT),
    ({"ErrorCode": 403}, CONTENT),
    ({"ErrorCode": 405}, ACCOUNT),
    ({"ErrorCode": 406}, REJECTED),
    ({"ErrorCode": 409}, CONTENT),
    ({"ErrorCode": 410}, CONTENT),
    ({"ErrorCode": 411}, CONTENT),
    ({"ErrorCode": 412}, ACCOUNT),
    ({"ErrorCode": 413}, ACCOUNT),
    ({"ErrorCode": 1226}, ACCOUNT),
    ({"ErrorCode": 99999}, CONTENT),
]


@pytest.mark.parametrize(("result", "meaning"), ROWS)
def test_each_result_is_what_the_table_says(result: dict[str, Any], meaning: Meaning) -> None:
    assert judge(result) == meaning


def test_every_code_of_the_table_has_its_row_here() -> None:
    assert set(CODES) <= {result.get("ErrorCode") for result, _ in ROWS}


def test_a_422_of_the_whole_is_judged_by_its_code() -> None:
    told = b'{"ErrorCode": 400, "Message": "no such sender signature"}'
    reading = read_answer(HttpAnswer(422, body=told), 3, NOW)
    assert (reading.meaning, reading.text) == (ACCOUNT, "422 400 no such sender signature")


@pytest.mark.parametrize("body", [b"[]", b"[1, 2]", b"[{}, {}]", b"{}", b"nonsense", b'{"ErrorCode": 0}'])
def test_results_that_are_missing_or_nonsense_leave_their_messages_unknown(body: bytes) -> None:
    reading = read_answer(HttpAnswer(200, body=body), 2, NOW)
    meanings = [reading.items.get(at, (reading.meaning, ""))[0] for at in range(2)]
    assert meanings == [UNKNOWN, UNKNOWN]


def test_more_results_than_messages_make_no_sense_of_any() -> None:
    assert (
        read_answer(HttpAnswer(200, body=b'[{"ErrorCode":0,"MessageID":"a"},{"ErrorCode":0,"MessageID":"b"}]'), 1, NOW).items
        == {}
    )


def send(script: Any, count: int, **rendition: Any) -> Any:
    with POSTMARK.stub(script) as stub, closing(provider(stub.url).open()) as transport:
        answer = transport.send(a_rendition(**rendition), envelopes(count), DATE)
    return answer, stub


def test_each_message_of_a_batch_has_its_own_outcome() -> None:
    codes = {2: (406, "inactive"), 4: (300, "Invalid 'To' address: reader4@example.com")}

    def script(request: Request) -> Respond:
        recipients = [address_of(message["To"]) for message in request.payload]
        return says(200, [postmark_result(to, at, *codes.get(at, (0, "OK"))) for at, to in enumerate(recipients, 1)])

    answer, stub = send(script, 5)
    taken, refused = Outcome.ACCEPTED, Outcome.REJECTED
    assert answer.outcomes == (taken, refused, taken, refused, taken)
    assert answer.texts == {1: "406 inactive", 3: "300 Invalid 'To' address: <address>"}
    assert (answer.trouble, answer.provider_message_id, len(stub.requests)) == (None, "M1", 1)


def test_one_message_that_the_account_may_not_send_stops_everybody_and_what_was_taken_stays() -> None:
    def script(request: Request) -> Respond:
        results = [postmark_result("a", 1), postmark_result("b", 2, 406, "inactive"), postmark_result("c", 3, 403, "no field")]
        return says(200, [*results, postmark_result("d", 4, 405, "out of credits")])

    answer, _ = send(script, 4)
    assert answer.outcomes == (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DEFERRED, Outcome.DEFERRED)
    assert answer.trouble is Trouble.ACCOUNT
    assert answer.text == "405 out of credits"


def test_half_a_list_leaves_the_other_half_unknown() -> None:
    answer, _ = send(lambda _: says(200, [postmark_result("a")]), 3)
    assert answer.outcomes == (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.UNKNOWN)


def test_1200_messages_are_three_batches_over_one_connection() -> None:
    answer, stub = send(None, 1200)
    assert set(answer.outcomes) == {Outcome.ACCEPTED}
    assert [len(request.payload) for request in stub.accepted] == [500, 500, 200]
    assert (stub.violations, stub.connections) == ([], 1)


def test_a_batch_larger_than_postmark_takes_is_halved() -> None:
    answer, stub = send(None, 4, text="x" * (MOST_BYTES // 7))
    assert set(answer.outcomes) == {Outcome.ACCEPTED}
    assert [len(request.payload) for request in stub.accepted] == [2, 2]
    described = provider().describe(a_rendition(text="x" * (MOST_BYTES // 7)), envelopes(4), DATE)
    assert [len(request["json"]) for request in described] == [2, 2]


def test_the_message_stream_is_the_configured_one() -> None:
    (request,) = provider(message_stream="news").describe(a_rendition(), [an_envelope()], DATE)
    assert request["json"][0]["MessageStream"] == "news"


IDS = {"delivery_id": "0123456789abcdef" * 2, "attempt_id": "2", "seal": "0123456789abcdef"}


def record(kind: str, **rest: Any) -> dict[str, Any]:
    times = dict.fromkeys(("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"), "2026-11-23T09:00:00.1234567Z")
    return {
        "RecordType": kind,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Recipient": "ann@x.example",
        "Metadata": IDS,
        **times,
    } | rest


def test_a_delivery_comes_with_everything_that_tells_it_apart() -> None:
    (event,) = read_events([record("Delivery", Details="250 ok")]).events
    assert (event.delivery_id, event.seal, event.attempt) == (IDS["delivery_id"], IDS["seal"], 2)
    assert (event.kind, event.occurred_at) == (Kind.DELIVERED, NOW)
    assert event.provider_message_id == "883953f4-6105-42a2-a16a-77a8eac79483"


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, (kind, _) in KINDS.items()])
def test_each_documented_kind_has_its_word(name: str, kind: Kind) -> None:
    rest = {"Type": "HardBounce", "SuppressSending": True, "SuppressionReason": "ManualSuppression"}
    assert [event.kind for event in read_events([record(name, **rest)]).events] == [kind]


@pytest.mark.parametrize(("name", "happening"), BOUNCES.items())
def test_each_kind_of_bounce_has_its_meaning(name: str, happening: tuple[Kind, Cause | None]) -> None:
    (event,) = read_events([record("Bounce", Type=name, Details="550 ann@x.example unknown", Email="ann@x.example")]).events
    assert (event.kind, event.reason) == happening
    assert event.words == ("550 <address> unknown" if event.reason else "")


@pytest.mark.parametrize(
    "ignored",
    [
        record("Bounce", Type="AutoResponder"),
        record("Bounce", Type="AddressChange"),
        record("Inbound"),
        record("SubscriptionChange", SuppressSending=False),
        record("SubscriptionChange", SuppressSending=True, SuppressionReason="HardBounce"),
        record("Delivery", Metadata={}),
        record("Delivery", Metadata={"delivery_id": "test-1", "attempt_id": "1"}),
    ],
)
def test_what_says_nothing_of_a_delivery_is_counted(ignored: dict[str, Any]) -> None:
    assert (read_events([ignored]).events, read_events([ignored]).ignored) == ((), 1)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        {},
        record("Delivery", DeliveredAt=None),
        record("Delivery", DeliveredAt="yesterday"),
        record("Delivery", DeliveredAt="2026-11-23T09:00:00"),
        record("Delivery", MessageID=5),
        record("Delivery", Metadata=IDS | {"delivery_id": "x"}),
    ],
)
def test_a_bad_record_is_a_fault_and_stops_only_itself(bad: Any) -> None:
    read = read_events([record("Open"), bad, record("Click")])
    assert [event.kind for event in read.events] == [Kind.OPENED, Kind.CLICKED]
    assert len(read.faults) == 1
    assert read.faults[0].startswith("entry 1: ")
