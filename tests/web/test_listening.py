"""What is posted to the webhooks, by providers and by everybody else."""

from __future__ import annotations

import gzip
import json
import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from digest.app.processing import process
from digest.delivery import reports
from digest.delivery.reports import Report, ReportState
from digest.errors import Unreachable
from digest.store import tables
from digest.testing.webhook_signing import SendGridSigner
from digest.web.guarding import MOST_REPORT_BYTES
from tests.journeys.project import Project
from tests.web.conftest import Pages, pages_of

SENDGRID = SendGridSigner()
KEY = {"DIGEST_PROVIDERS__SENDGRID__WEBHOOK_KEY": SENDGRID.key}
NAMES = ("sendgrid", "ses", "postmark", "resend", "mailgun")


@pytest.fixture
def open_pages(project: Project) -> Iterator[Pages]:
    with pages_of(project, **KEY) as made:
        yield made


def post(pages: Pages, body: bytes, name: str = "sendgrid", **headers: str) -> tuple[int, str]:
    """What SendGrid would post: signed, unless a header says otherwise."""
    answer = pages.client.post(f"/webhooks/{name}", content=body, headers=SENDGRID.headers(body, datetime.now(UTC)) | headers)
    return answer.status_code, answer.text


def kept(pages: Pages) -> list[Report]:
    with pages.app.store.reading() as connection:
        found = [
            reports.find(connection, one)
            for one in connection.execute(select(tables.report.c.id).order_by(tables.report.c.id)).scalars()
        ]
    return [one for one in found if one is not None]


def test_a_verified_report_is_kept_to_the_byte_and_answered_and_a_repetition_is_kept_once(open_pages: Pages) -> None:
    body = b' [{"event" : "delivered"}]\r\n'
    for _ in range(3):
        assert post(open_pages, body) == (200, "kept\n")
    (one,) = kept(open_pages)
    assert (one.provider, one.body, one.state, one.read_at) == ("sendgrid", body, ReportState.WAITING, None)
    assert abs(one.received_at - datetime.now(UTC)).total_seconds() < 60


@pytest.mark.parametrize("name", NAMES)
def test_without_a_key_everything_is_refused_and_the_log_says_so_once(
    pages: Pages, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.WARNING, "digest.webhooks"):
        for _ in range(3):
            assert post(pages, b"[]", name) == (403, f"refused: no key is configured for {name}\n")
    assert [one.getMessage() for one in caplog.records] == [
        f"a report to /webhooks/{name} was refused: no key is configured for it; docs/providers/{name}.md says how"
    ]
    assert kept(pages) == []


def test_a_forged_report_is_refused_and_the_log_says_so_without_a_word_of_it(
    open_pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    forger = SendGridSigner()
    with caplog.at_level(logging.INFO):
        status, said = post(open_pages, b'["canary@x.example"]', **forger.headers(b'["canary@x.example"]', datetime.now(UTC)))
    assert (status, "is not signed with providers.sendgrid.webhook_key" in said) == (403, True)
    (line,) = [one.getMessage() for one in caplog.records if one.name == "digest.webhooks"]
    assert "was refused: it is not signed with" in line
    assert "canary" not in caplog.text
    assert kept(open_pages) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/smtp", 404),
        ("/webhooks/dry-run", 404),
        ("/webhooks/", 404),
        ("/webhooks/SENDGRID", 404),
        ("/webhooks/sendgrid/x", 404),
        ("/webhooks/..%2fsendgrid", 404),
        ("/webhooks/sendgrid%00", 404),
        ("/webhooks/sendgrid/", 200),
    ],
)
def test_there_are_no_other_webhooks(open_pages: Pages, path: str, status: int) -> None:
    body = b"[]"
    headers = SENDGRID.headers(body, datetime.now(UTC))
    assert open_pages.client.post(path, content=body, headers=headers).status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_a_post_is_answered(open_pages: Pages, method: str) -> None:
    assert open_pages.client.request(method, "/webhooks/sendgrid").status_code == 405


def test_what_is_larger_than_the_bound_is_refused_with_and_without_its_length_said(open_pages: Pages) -> None:
    def in_parts() -> Iterator[bytes]:
        for _ in range(10):
            yield b" " * 1024 * 1024

    assert post(open_pages, b" " * (MOST_REPORT_BYTES + 1))[0] == 413
    assert open_pages.client.post("/webhooks/sendgrid", content=in_parts()).status_code == 413
    assert post(open_pages, b" " * MOST_REPORT_BYTES)[0] == 200
    assert open_pages.client.post("/unsubscribe/x", content=b" " * 100_000).status_code == 200  # its bound is its own
    assert open_pages.client.post("/subscribe", data={"email": "x" * 100_000}).status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "nonsense"])
def test_what_is_packed_is_refused_unread(open_pages: Pages, encoding: str) -> None:
    body = gzip.compress(b"[" + b" " * 10_000_000 + b"]")
    assert post(open_pages, body, **{"Content-Encoding": encoding})[0] == 415
    assert kept(open_pages) == []


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "deep": b"[" * 200_000,
    "deep and closed": b"[" * 5_000 + b"]" * 5_000,
    "deep objects": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "a huge number": b'[{"event":"delivered","timestamp":' + b"9" * 100_000 + b"}]",
    "a huge exponent": b'[{"event":"delivered","timestamp":1e999999}]',
    "infinity": b'[{"event":"delivered","timestamp":Infinity}]',
    "NUL": b'[{"event":"del\\u0000ivered","sg_message_id":"\\u0000"}]',
    "raw NUL": b"[\x00]",
    "half a character": b'[{"event":"\\ud800"}]',
    "not UTF-8": b'[{"event":"\xff\xfe"}]',
    "UTF-16": '[{"event":"open"}]'.encode("utf-16"),
    "a text": b'"delivered"',
    "a number": b"7",
    "null": b"null",
    "lists in a list": b"[[[]], 7, null, true, {}]",
    "an object of objects": b'{"0": {"event": "open"}}',
    "wrong types": b'[{"event":7},{"event":[]},{"event":{}},{"event":null},{"event":true}]',
    "form": b"event=delivered&timestamp=1",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "ten thousand": json.dumps([{"event": "moon"}] * 10_000).encode(),
}


READABLE = {"ten thousand", "a huge number", "a huge exponent", "NUL"}
"""Those that may be JSON, and in which no entry is one of ours."""


def test_a_signed_report_of_whatever_is_in_it_is_kept_read_and_shown_and_never_a_fault_of_ours(open_pages: Pages) -> None:
    for body in HOSTILE.values():
        assert post(open_pages, body) == (200, "kept\n")
    assert process(open_pages.app).reports == len(HOSTILE)
    for what, one in zip(HOSTILE, kept(open_pages), strict=True):
        assert one.body == HOSTILE[what]
        assert one.state is ReportState.FAULTY or (what in READABLE and one.state is ReportState.READ), (what, one.reason)
        assert "defect" not in (one.reason or ""), (what, one.reason)
    assert process(open_pages.app).reports == 0


def test_an_unsigned_one_is_refused_by_every_webhook_and_never_a_fault_of_ours(project: Project) -> None:
    environment = KEY | {
        "DIGEST_PROVIDERS__POSTMARK__WEBHOOK_KEY": "p" * 32,
        "DIGEST_PROVIDERS__RESEND__WEBHOOK_KEY": "whsec_" + "c2VjcmV0" * 4,
        "DIGEST_PROVIDERS__MAILGUN__WEBHOOK_KEY": "m" * 32,
        "DIGEST_PROVIDERS__SES__TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:digest",
    }
    kinds = ("application/json", "text/plain; charset=UTF-8", "multipart/form-data", "image/png; x=\x7f", "")
    with pages_of(project, **environment) as pages:
        for name in NAMES:
            for place, (what, body) in enumerate(HOSTILE.items()):
                headers = {"Content-Type": kinds[place % len(kinds)]}
                answer = pages.client.post(f"/webhooks/{name}", content=body, headers=headers)
                assert answer.status_code == 403, (name, what, answer.text)
        assert kept(pages) == []


def test_entries_of_any_type_in_any_place_are_faults_that_stop_only_themselves(open_pages: Pages) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    values: list[Any] = [None, True, 7, -1, 1e308, "", "x", "\0", "é" * 3, [], {}, [[]], {"a": {}}, 2**63, "0" * 32, 1795424400]
    keys = (
        "event",
        "timestamp",
        "sg_message_id",
        "delivery_id",
        "seal",
        "attempt_id",
        "reason",
        "type",
        "url",
        "email",
        "sg_machine_open",
    )
    entries = [{key: draw.choice([*values, "delivered", "bounce", "click"]) for key in keys} for _ in range(2_000)]
    assert post(open_pages, json.dumps(entries).encode())[0] == 200
    process(open_pages.app)
    (one,) = kept(open_pages)
    assert one.account is not None
    assert one.account["events"] + one.account["ignored"] + one.account["faulty"] == 2_000
    with open_pages.app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.event)).scalar_one() == 0


def test_while_the_store_is_away_the_provider_is_told_to_try_again(open_pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise Unreachable("the disk is full")

    monkeypatch.setattr(reports, "keep", away)
    assert post(open_pages, b"[]") == (503, "it cannot be kept just now; try again\n")
    monkeypatch.undo()
    assert post(open_pages, b"[]") == (200, "kept\n")
