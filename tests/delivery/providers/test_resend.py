"""Resend's own: the idempotency key and a body that never changes under it; its answers and its reports."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.delivery.event import Cause, Kind
from digest.delivery.providers.answer import Outcome
from digest.delivery.providers.http_answer import ACCEPTED, ACCOUNT, CONTENT, REJECTED, THROTTLED, UNKNOWN, HttpAnswer, Meaning
from digest.delivery.providers.port import key_life
from digest.delivery.providers.resend import Resend
from digest.delivery.providers.resend_answers import NAMES, read_answer
from digest.delivery.providers.resend_events import KINDS, read_events
from digest.testing.http_stub import CLOSE, Request, Respond
from digest.testing.service_stubs import RESEND, says
from digest.testing.specimens import DATE, a_rendition, an_envelope, some_settings

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def provider(url: str = "http://127.0.0.1:1") -> Resend:
    return Resend(some_settings(providers={"resend": {**RESEND.settings, "host": url}}))


ROWS: list[tuple[int, str, str, Meaning]] = [
    (200, "", "", UNKNOWN),
    (400, "validation_error", "something", CONTENT),
    (400, "validation_error", "Invalid `to` field.", REJECTED),
    (400, "invalid_idempotency_key", "1 to 256", CONTENT),
    (401, "missing_api_key", "", ACCOUNT),
    (401, "restricted_api_key", "", ACCOUNT),
    (403, "invalid_api_key", "", ACCOUNT),
    (403, "validation_error", "The domain is not verified; the `to` field", ACCOUNT),
    (404, "not_found", "", ACCOUNT),
    (405, "method_not_allowed", "", ACCOUNT),
    (409, "invalid_idempotent_request", "", UNKNOWN),
    (409, "concurrent_idempotent_requests", "", UNKNOWN),
    (409, "another", "", UNKNOWN),
    (413, "", "", CONTENT),
    (422, "missing_required_field", "", CONTENT),
    (422, "validation_error", "Invalid `to` field. The email address needs to follow the format.", REJECTED),
    (422, "invalid_from_address", "", ACCOUNT),
    (422, "invalid_access", "", ACCOUNT),
    (422, "invalid_region", "", ACCOUNT),
    (429, "rate_limit_exceeded", "", THROTTLED),
    (429, "daily_quota_exceeded", "", ACCOUNT),
    (429, "monthly_quota_exceeded", "", ACCOUNT),
    (451, "security_error", "", ACCOUNT),
    (451, "", "", UNKNOWN),
    (500, "application_error", "", UNKNOWN),
    (500, "internal_server_error", "", UNKNOWN),
]


@pytest.mark.parametrize(("status", "name", "message", "meaning"), ROWS)
def test_each_answer_is_what_the_table_says(status: int, name: str, message: str, meaning: Meaning) -> None:
    body = says(status, {"statusCode": status, "name": name, "message": message}).body
    assert read_answer(HttpAnswer(status, body=body), NOW).meaning == meaning


def test_every_name_of_the_table_has_its_row_here() -> None:
    assert set(NAMES) <= {(status, name) for status, name, *_ in ROWS}


def test_an_id_is_what_makes_a_200_an_acceptance() -> None:
    reading = read_answer(HttpAnswer(200, body=b'{"id": "49a3"}'), NOW)
    assert (reading.meaning, reading.message_id) == (ACCEPTED, "49a3")


def test_the_deliverys_id_is_the_key_for_a_day() -> None:
    assert key_life(provider()) == timedelta(hours=24)
    (request,) = provider().describe(a_rendition(), [an_envelope(7)], DATE)
    assert request["headers"]["Idempotency-Key"] == "d0000000007"


def test_another_attempt_at_another_time_makes_the_same_request_byte_for_byte() -> None:
    first = an_envelope(7)
    again = replace(first, attempt_id="a0000000099")
    requests = [provider().build(a_rendition(), [one], at) for one, at in ((first, DATE), (again, DATE + timedelta(hours=5)))]
    assert requests[0] == requests[1]


def test_what_was_taken_without_an_answer_is_answered_when_it_is_sent_again_and_not_taken_twice() -> None:
    """A stub that keeps keys as Resend says it does: the same key and body get the first answer, another body a 409."""
    kept: dict[str, tuple[bytes, str]] = {}

    def script(request: Request) -> Respond | None:
        key = request.headers["idempotency-key"]
        body, message_id = kept.setdefault(key, (request.body, f"M{len(kept) + 1}"))
        if body != request.body:
            return says(409, {"name": "invalid_idempotent_request", "message": "different payload"})
        return CLOSE if request.number == 1 else says(200, {"id": message_id})

    with RESEND.stub(script) as stub, closing(provider(stub.url).open()) as transport:
        first = transport.send(a_rendition(), [an_envelope(1)], DATE)
        again = transport.send(a_rendition(), [replace(an_envelope(1), attempt_id="2")], DATE + timedelta(hours=1))
        edited = transport.send(a_rendition(text="Other news"), [an_envelope(1)], DATE)
    assert first.outcomes == (Outcome.UNKNOWN,)
    assert (again.outcomes, again.provider_message_id) == ((Outcome.ACCEPTED,), "M1")
    assert (edited.outcomes, len(kept)) == ((Outcome.UNKNOWN,), 1)


IDS = {"delivery_id": "0123456789abcdef" * 2, "seal": "0123456789abcdef"}


def event_of(kind: str, tags: Any = IDS, **data: Any) -> dict[str, Any]:
    inside = {"email_id": "56761188-7520-42d8-8898-ff6fc54ce618", "to": ["ann@x.example"], "tags": tags, **data}
    return {"type": kind, "created_at": "2026-11-23T09:00:00.000Z", "data": inside}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_documented_kind_has_its_word(name: str, kind: Kind) -> None:
    (event,) = read_events([event_of(name)]).events
    assert (event.kind, event.occurred_at, event.attempt) == (kind, NOW, 0)
    assert (event.delivery_id, event.seal) == (IDS["delivery_id"], IDS["seal"])
    assert event.provider_message_id == "56761188-7520-42d8-8898-ff6fc54ce618"


def test_tags_may_come_as_the_pairs_that_were_sent() -> None:
    pairs = [{"name": name, "value": value} for name, value in IDS.items()]
    assert read_events([event_of("email.delivered", pairs)]).events == read_events([event_of("email.delivered")]).events


@pytest.mark.parametrize(
    ("bounce", "cause"),
    [("Permanent", Cause.BOUNCED), ("Transient", Cause.BLOCKED), ("Undetermined", Cause.OTHER), ("", Cause.OTHER)],
)
def test_only_a_permanent_bounce_is_a_hard_one(bounce: str, cause: Cause) -> None:
    told = {"type": bounce, "message": "550 <ann@x.example> unknown"}
    (event,) = read_events([event_of("email.bounced", bounce=told)]).events
    assert (event.reason, event.words) == (cause, "550 <address> unknown")


def test_a_transient_bounce_counts_when_it_lasts_where_it_says_something_of_the_address() -> None:
    kinds = ("MailboxFull", "CustomTimeoutExceeded", "General")
    found = read_events([event_of("email.bounced", bounce={"type": "Transient", "subType": kind}) for kind in kinds])
    assert [event.reason for event in found.events] == [Cause.OTHER, Cause.TIMED_OUT, Cause.BLOCKED]


def test_what_resend_dropped_is_rejected_with_its_reason() -> None:
    failed, suppressed = read_events(
        [event_of("email.failed", failed={"reason": "no quota"}), event_of("email.suppressed")]
    ).events
    assert (failed.kind, failed.reason, failed.words) == (Kind.REJECTED, Cause.OTHER, "no quota")
    assert (suppressed.kind, suppressed.reason) == (Kind.REJECTED, Cause.BOUNCED)


def test_what_says_nothing_of_a_delivery_is_counted_and_a_bad_entry_stops_only_itself() -> None:
    ignored = [event_of("email.scheduled"), event_of("domain.created"), event_of("email.sent", {}), event_of("email.sent", [3])]
    bad: list[Any] = [3, {"type": 5}, event_of("email.sent") | {"created_at": "soon"}, event_of("email.sent", email_id=None)]
    read = read_events([*ignored, *bad, event_of("email.sent")])
    assert (len(read.events), read.ignored, len(read.faults)) == (1, 4, 4)
