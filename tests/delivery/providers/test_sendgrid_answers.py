"""The table of SAFETY, row by row, for SendGrid."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.http_answer import HttpAnswer, retry_after
from digest.delivery.providers.sendgrid_answers import read_answer

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

ROWS = [
    (202, Outcome.ACCEPTED, None),
    (400, Outcome.DEFERRED, Trouble.CONTENT),
    (413, Outcome.DEFERRED, Trouble.CONTENT),
    (415, Outcome.DEFERRED, Trouble.CONTENT),
    (401, Outcome.DEFERRED, Trouble.ACCOUNT),
    (402, Outcome.DEFERRED, Trouble.ACCOUNT),
    (403, Outcome.DEFERRED, Trouble.ACCOUNT),
    (404, Outcome.DEFERRED, Trouble.ACCOUNT),
    (405, Outcome.DEFERRED, Trouble.ACCOUNT),
    (429, Outcome.DEFERRED, Trouble.THROTTLED),
    (200, Outcome.UNKNOWN, None),
    (201, Outcome.UNKNOWN, None),
    (204, Outcome.UNKNOWN, None),
    (101, Outcome.UNKNOWN, None),
    (301, Outcome.UNKNOWN, None),
    (302, Outcome.UNKNOWN, None),
    (307, Outcome.UNKNOWN, None),
    (408, Outcome.UNKNOWN, None),
    (409, Outcome.UNKNOWN, None),
    (418, Outcome.UNKNOWN, None),
    (500, Outcome.UNKNOWN, None),
    (502, Outcome.UNKNOWN, None),
    (503, Outcome.UNKNOWN, None),
    (504, Outcome.UNKNOWN, None),
    (999, Outcome.UNKNOWN, None),
]


def refusal(*fields: Any) -> bytes:
    return json.dumps({"errors": [{"message": "refused", "field": name, "help": None} for name in fields]}).encode()


@pytest.mark.parametrize(("status", "outcome", "trouble"), ROWS)
def test_a_status_means_what_the_table_says(status: int, outcome: Outcome, trouble: Trouble | None) -> None:
    reading = read_answer(HttpAnswer(status, {}, b"words"), 3, NOW)
    assert (reading.outcome, reading.trouble, dict(reading.named)) == (outcome, trouble, {})


@pytest.mark.parametrize("body", [b"", b" \n", b'{"errors": [{"message": null}]}'])
def test_a_403_without_a_word_says_what_it_usually_means(body: bytes) -> None:
    text = read_answer(HttpAnswer(403, {}, body), 3, NOW).text
    assert text.startswith("403 without a word; usually the API key lacks the right `mail.send`, or the sender is not verified")
    assert read_answer(HttpAnswer(500, {}, b""), 3, NOW).text == "500"
    assert read_answer(HttpAnswer(403, {}, refusal(None)), 3, NOW).text == "403 refused"


def test_the_last_request_of_a_window_is_accepted_and_the_next_waits_for_it_to_end() -> None:
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 7)}
    reading = read_answer(HttpAnswer(202, limits), 1, NOW)
    assert (reading.outcome, reading.trouble, reading.retry_after) == (Outcome.ACCEPTED, None, 7)
    assert read_answer(HttpAnswer(202, limits | {"x-ratelimit-remaining": "1"}), 1, NOW).retry_after is None


def test_an_acceptance_brings_its_message_id() -> None:
    assert read_answer(HttpAnswer(202, {"x-message-id": "M1"}), 1, NOW).message_id == "M1"
    assert read_answer(HttpAnswer(202), 1, NOW).message_id is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (["personalizations.0.to.0.email"], {0}),
        (["personalizations.2.to"], {2}),
        (["personalizations.1"], {1}),
        (["personalizations[1].to[0].email"], {1}),
        (["personalizations.0.to.0.email", "personalizations.2.substitutions"], {0, 2}),
        (["personalizations.0.to.0.email", "from.email"], {0}),
    ],
)
def test_a_400_that_names_personalizations_refuses_those(fields: list[str], named: set[int]) -> None:
    reading = read_answer(HttpAnswer(400, {}, refusal(*fields)), 3, NOW)
    assert (reading.outcome, reading.trouble, set(reading.named)) == (Outcome.DEFERRED, None, named)
    assert all("refused" in words for words in reading.named.values())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad Request</html>",
        b"\xff\xfe",
        b"[]",
        b'{"errors": null}',
        b'{"errors": {"field": "personalizations.0"}}',
        b'{"errors": ["personalizations.0"]}',
        b'{"errors": [{"field": 7}]}',
        b"[" * 100_000,
        refusal("personalizations"),
        refusal("personalizations.3.to.0.email"),
        refusal("personalizations.99999.to"),
        refusal("personalizations.x.to"),
        refusal("from.email"),
        refusal(None),
    ],
    ids=range(15),
)
def test_a_400_that_names_none_of_ours_is_the_contents_trouble(body: bytes) -> None:
    reading = read_answer(HttpAnswer(400, {}, body), 3, NOW)
    assert (reading.outcome, reading.trouble, dict(reading.named)) == (Outcome.DEFERRED, Trouble.CONTENT, {})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 09:01:30 GMT"}, 90),
        ({"retry-after": "Mon, 23 Nov 2026 08:00:00 GMT"}, 0),
        ({"retry-after": "999999"}, 3600),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 45)}, 45),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 45)}, 0),
        ({"x-ratelimit-reset": "60"}, 60),
        ({"retry-after": "7", "x-ratelimit-reset": "60"}, 7),
        ({"retry-after": "soon", "x-ratelimit-reset": "60"}, 60),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds
    assert read_answer(HttpAnswer(429, headers), 1, NOW).retry_after == seconds
