"""From a provider's post to what is known of a delivery: over HTTP, with the real server where it matters."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.app.processing import process
from digest.catalogue import fetching
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.sendgrid_stub import CLOSE, Request, Respond, SendGridStub
from digest.testing.webhook_signing import TOPIC, SnsSigner, mailgun_body, postmark_headers, resend_headers
from tests.databases import eventually
from tests.journeys.project import MONDAY, Project
from tests.journeys.serving import Served, served
from tests.journeys.test_events import lost, people, reports, told
from tests.journeys.test_other_ways_out import KEY, sendgrid
from tests.reporting import LISTENING, SENDGRID, entry, readers, states, stored


def post(server: Served, body: bytes, headers: dict[str, str], name: str = "sendgrid") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", f"/webhooks/{name}", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def report(server: Served, entries: Iterable[dict[str, Any]]) -> None:
    body = json.dumps(list(entries)).encode()
    assert post(server, body, SENDGRID.headers(body, datetime.now(UTC))) == 200


def test_case_26_a_webhook_arrives_three_times_out_of_order_before_the_answer_and_is_counted_once(project: Project) -> None:
    people(project, 12)
    draw = random.Random(26)
    answers = iter([None, CLOSE] * 6)  # every other answer is lost, though the mail was taken

    def script(request: Request) -> Respond | None:
        for _ in range(3):
            entries = reports(request, "processed", "delivered", "spamreport" if request.number == 5 else "open")
            draw.shuffle(entries)
            report(server, entries)
        if request.number % 3 == 0:  # some are read before the answer is, the others afterwards
            with project.app() as app:
                process(app)
        return next(answers)

    with (
        served(project, scheduler=False, **LISTENING) as server,
        SendGridStub(script, judges=[judge_strictly], api_key=KEY) as stub,
    ):
        project.run(MONDAY, **sendgrid(stub, DIGEST_DELIVERY__BATCH="1", DIGEST_DELIVERY__CONCURRENCY="1"))
        assert stub.violations == []
        assert len(stub.requests) == 12
    assert project.command("events", "process").returncode == 0
    with project.app() as app:
        assert len(stored(app)) == 36
        assert set(states(app)) == {"read"}
    assert project.issue("weekly/1").state == "sent"
    assert project.account("weekly/1") == {"accepted": 12}
    assert told(project) == {"delivered": 11, "complained": 1}
    whole = json.loads(project.command("stats", "weekly/1", "--json").stdout)["engagement"]["whole"]
    assert (whole["delivered"], whole["complained"]) == ({"unique": 12, "total": 12}, {"unique": 1, "total": 1})
    assert whole["clicked"] is None


def test_the_server_reads_what_it_was_told_by_itself_and_what_was_unknown_ends_the_issue(project: Project) -> None:
    (request,) = lost(project, 3)
    assert project.issue("weekly/1").state == "sending"
    now = MONDAY.isoformat()  # whatever is due has been sent, so the scheduler has nothing else to do
    with served(project, "--now", now, scheduler=True, **LISTENING) as server:
        report(server, reports(request, "processed"))
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert project.account("weekly/1") == {"accepted": 3}
    assert "3 unknown are now accepted" not in project.command("run", "--now", now).stdout  # it was done already


def test_a_run_from_cron_reads_what_a_server_without_a_scheduler_was_told(project: Project) -> None:
    (request,) = lost(project, 3)
    with served(project, scheduler=False, **LISTENING) as server:
        report(server, reports(request, "processed")[:2])
    said = project.command("run", "--now", MONDAY.isoformat())
    assert "2 unknown are now accepted" in said.stdout
    assert project.account("weekly/1") == {"accepted": 2, "unknown": 1}


def test_no_key_is_told_by_the_doctor_and_a_bad_one_is_an_error_before_anything_is_served(project: Project) -> None:
    sending = {"DIGEST_DELIVERY__PROVIDER": "sendgrid", "DIGEST_PROVIDERS__SENDGRID__API_KEY": "SG.x"}
    said = project.command("doctor", "--offline", **sending).stdout
    assert "note webhook sendgrid: is refused, for want of a key" in said
    assert "docs/providers/sendgrid.md says how it is set up" in said
    well = project.command("doctor", "--offline", **sending, **LISTENING).stdout
    assert "ok  webhook sendgrid: reports are taken at https://news.backend.example/webhooks/sendgrid" in well
    bad = {"DIGEST_PROVIDERS__SENDGRID__WEBHOOK_KEY": "SG.not-a-verification-key"}
    assert "no verification key of SendGrid" in project.command("doctor", "--offline", **sending, **bad).stdout
    served_badly = project.command("serve", "--port", "0", **bad)
    assert (served_badly.returncode, "no verification key of SendGrid" in served_badly.stderr) == (2, True)
    assert "SG.not-a-verification-key" not in served_badly.stderr
    shown = project.command(
        "config", "show", **LISTENING, DIGEST_PROVIDERS__SENDGRID__FORMER_WEBHOOK_KEYS='["former-key"]'
    ).stdout
    assert SENDGRID.key not in shown
    assert "former-key" not in shown


IDS = ("delivery_id", "attempt_id", "seal")


def test_what_each_provider_posts_of_a_delivery_is_taken_and_known(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.testclient import TestClient

    from digest.web.application import make_application

    people(project, 5)
    project.run(MONDAY)
    sns, real = SnsSigner(), datetime.now(UTC)
    monkeypatch.setattr(fetching, "fetch", sns.fetch)  # Amazon, which no test asks
    secret, password, signing_key = "whsec_" + "c2VjcmV0" * 4, "p" * 32, "m" * 32
    environment = LISTENING | {
        "DIGEST_PROVIDERS__POSTMARK__WEBHOOK_KEY": password,
        "DIGEST_PROVIDERS__RESEND__WEBHOOK_KEY": secret,
        "DIGEST_PROVIDERS__MAILGUN__WEBHOOK_KEY": signing_key,
        "DIGEST_PROVIDERS__SES__TOPIC_ARN": TOPIC,
    }
    with project.app(MONDAY, **environment) as app:
        issue, at = project.issue("weekly/1"), MONDAY.isoformat()
        own = [entry(app, issue, one, "delivered", MONDAY) for one in readers(app, issue)]
        ids = [{name: one[name] for name in IDS} for one in own]
        bodies: dict[str, bytes] = {
            "sendgrid": json.dumps([own[0]]).encode(),
            "ses": sns.notification(
                {
                    "eventType": "Delivery",
                    "mail": {"messageId": "m", "tags": {name: [text] for name, text in ids[1].items()}},
                    "delivery": {"timestamp": at},
                },
                real,
            ),
            "postmark": json.dumps({"RecordType": "Delivery", "DeliveredAt": at, "MessageID": "m", "Metadata": ids[2]}).encode(),
            "resend": json.dumps(
                {"type": "email.delivered", "created_at": at, "data": {"email_id": "m", "tags": ids[3]}}
            ).encode(),
            "mailgun": mailgun_body(
                signing_key,
                "ab12" * 12,
                {
                    "event": "delivered",
                    "timestamp": MONDAY.timestamp(),
                    "user-variables": ids[4],
                    "message": {"headers": {"message-id": "m"}},
                },
                real,
            ),
        }
        headers: dict[str, dict[str, str]] = {
            "sendgrid": SENDGRID.headers(bodies["sendgrid"], real),
            "postmark": postmark_headers(password),
            "resend": resend_headers(secret, "msg_1", bodies["resend"], real),
        }
        with TestClient(make_application(app.settings, app.store), base_url="http://localhost") as client:
            confirming = sns.message("", real, kind="SubscriptionConfirmation", Token="t" * 64, SubscribeURL="https://x")
            assert client.post("/webhooks/ses", content=json.dumps(confirming)).status_code == 200
            assert [one for one in sns.asked if "ConfirmSubscription" in one] == []  # it is answered first
            for name, body in bodies.items():
                for _ in range(2):
                    assert client.post(f"/webhooks/{name}", content=body, headers=headers.get(name)).status_code == 200
        done = process(app)
        assert (done.reports, done.faulty, done.applied.new, done.applied.repeated) == (6, 0, 5, 0)
        assert [kind for _, kind in stored(app)] == ["delivered"] * 5
        assert sum("ConfirmSubscription" in one for one in sns.asked) == 1
    assert told(project) == {"delivered": 5}
