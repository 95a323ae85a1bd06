"""The same main job through every other service, and onto the screen, and into folders."""

from __future__ import annotations

import json
import mailbox
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from digest.testing.http_stub import CLOSE, HttpStub, Request, Respond
from digest.testing.service_stubs import MAILGUN, POSTMARK, RESEND, SERVICES, SES, Service
from tests.journeys.project import MONDAY, Project
from tests.journeys.test_events import people

LATER = MONDAY + timedelta(minutes=5)


def through(service: Service, stub: HttpStub, **more: str) -> dict[str, str]:
    """The environment that sends through the stub."""
    return service.environment(stub) | {"DIGEST_DELIVERY__BATCH": "10"} | more


def carried(service: Service, requests: list[Request]) -> Counter[str]:
    return Counter(address for request in requests for address in service.recipients(request))


one_database = pytest.mark.rather_sqlite  # about the service: what the ledger does is shown on both
every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


@every_service
def test_everybody_gets_one_mail_and_no_judge_finds_fault(project: Project, service: Service) -> None:
    people(project, 25)
    with service.stub() as stub:
        said = project.command("run", "--now", MONDAY.isoformat(), **through(service, stub))
        assert project.code(LATER, **through(service, stub)) == 0
    assert said.returncode == 0
    assert not any(secret in said.stdout + said.stderr for secret in service.secrets)
    assert stub.violations == []
    assert carried(service, stub.accepted) == Counter(f"u{number}@x.example" for number in range(25))
    assert project.account("weekly/1") == {"accepted": 25}


@one_database
@every_service
def test_a_dry_run_writes_the_requests_with_their_secrets_masked_and_contacts_nobody(project: Project, service: Service) -> None:
    people(project, 3)
    with service.stub() as stub:
        assert project.command("run", "--dry-run", "--now", MONDAY.isoformat(), **through(service, stub)).returncode == 0
        assert stub.connections == 0
    written = (project.folder / "outbox" / "weekly-1" / "requests.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["method"] for line in written.splitlines()]
    assert "***" in written
    assert not any(secret in written for secret in service.secrets)


@every_service
def test_what_had_no_answer_is_unknown_and_counted_and_only_a_key_sends_it_again(project: Project, service: Service) -> None:
    people(project, 12)
    first: list[bytes] = []

    def script(request: Request) -> Respond | None:
        if not first:
            first.append(request.body)
        return CLOSE if request.number == 1 else None

    once = {"DIGEST_DELIVERY__CONCURRENCY": "1"}
    with service.stub(script) as stub:
        project.run(MONDAY, **through(service, stub, **once))
        lost = len(service.recipients(stub.requests[0]))
        if service is not RESEND:
            project.run(LATER, **through(service, stub, **once))
            assert project.account("weekly/1") == {"unknown": lost, "accepted": 12 - lost}
            assert max(carried(service, stub.requests).values()) == 1
            return
        assert project.account("weekly/1") == {"unknown": 1, "accepted": 11}
        project.command("send", "weekly/1", **through(service, stub, **once))
        again = [request for request in stub.requests[1:] if request.body == first[0]]
    assert [request.headers["idempotency-key"] for request in again] == [stub.requests[0].headers["idempotency-key"]]
    assert project.account("weekly/1") == {"accepted": 12}


@one_database
@every_service
@pytest.mark.parametrize(("status", "code", "left"), [(401, 3, {"planned", "deferred"}), (500, 3, {"planned", "unknown"})])
def test_a_service_that_refuses_everything_rejects_nobody(
    project: Project, service: Service, status: int, code: int, left: set[str]
) -> None:
    people(project, 40)
    with service.stub(lambda _: Respond(status, b"{}")) as stub:
        got = project.command("run", "--now", MONDAY.isoformat(), **through(service, stub, DIGEST_DELIVERY__BATCH="1"))
    assert got.returncode == code
    assert "Traceback" not in got.stderr
    assert project.issue("weekly/1").state == "paused"
    assert set(project.account("weekly/1")) == left


def _postmark(request: Request) -> list[dict[str, Any]]:
    at = {"RecordType": "Delivery", "DeliveredAt": MONDAY.isoformat(), "MessageID": "M"}
    return [at | {"Metadata": message["Metadata"], "Recipient": message["To"]} for message in request.payload]


def _resend(request: Request) -> list[dict[str, Any]]:
    tags = {tag["name"]: tag["value"] for tag in request.payload["tags"]}
    return [{"type": "email.delivered", "created_at": MONDAY.isoformat(), "data": {"email_id": "M", "tags": tags}}]


def _mailgun(request: Request) -> list[dict[str, Any]]:
    variables = json.loads(dict(request.form)["recipient-variables"])
    at = {"event": "delivered", "timestamp": MONDAY.timestamp(), "message": {"headers": {"message-id": "M"}}}
    return [
        at | {"user-variables": {name: own[name] for name in ("delivery_id", "attempt_id", "seal")}} for own in variables.values()
    ]


def _ses(request: Request) -> list[dict[str, Any]]:
    tags = {tag["Name"]: [tag["Value"]] for tag in request.payload["EmailTags"]}
    told = {"eventType": "Delivery", "mail": {"messageId": "M", "tags": tags}, "delivery": {"timestamp": MONDAY.isoformat()}}
    return [{"Type": "Notification", "Message": json.dumps(told)}]


@one_database
@pytest.mark.parametrize(
    ("service", "reports"),
    [(POSTMARK, _postmark), (RESEND, _resend), (MAILGUN, _mailgun), (SES, _ses)],
    ids=lambda one: getattr(one, "name", ""),
)
def test_what_a_service_reports_finds_its_deliveries_and_resolves_what_was_unknown(
    project: Project, service: Service, reports: Callable[[Request], list[dict[str, Any]]]
) -> None:
    people(project, 12)
    with service.stub(lambda request: CLOSE if request.number == 1 else None) as stub:
        project.run(MONDAY, **through(service, stub, DIGEST_DELIVERY__CONCURRENCY="1"))
        assert project.account("weekly/1")["unknown"] == len(service.recipients(stub.requests[0]))
        entries = [entry for request in stub.requests for entry in reports(request)]
        file = project.folder / "events.json"
        file.write_text(json.dumps(entries), encoding="utf-8")
        said = project.command("issues", "resolve", "weekly/1", "--events", str(file), **through(service, stub))
    assert said.returncode == 0, said.stderr
    assert project.account("weekly/1") == {"accepted": 12}


@one_database
def test_mails_are_printed(project: Project) -> None:
    people(project, 3)
    said = project.command("run", "--now", MONDAY.isoformat(), DIGEST_DELIVERY__PROVIDER="console")
    assert said.returncode == 0
    assert {line for line in said.stdout.splitlines() if line.startswith("To: ")} == {
        f"To: u{number}@x.example" for number in range(3)
    }
    assert project.account("weekly/1") == {"accepted": 3}


@one_database
@pytest.mark.parametrize("name", ["eml", "maildir"])
def test_mails_become_files(project: Project, name: str) -> None:
    people(project, 12)
    environment = {"DIGEST_DELIVERY__PROVIDER": name, f"DIGEST_PROVIDERS__{name.upper()}__PATH": "letters"}
    assert project.code(**environment) == 0
    assert project.code(LATER, **environment) == 0
    folder: Path = project.folder / "letters"
    found = mailbox.Maildir(folder, create=False) if name == "maildir" else map(_read, folder.iterdir())
    assert Counter(str(message["To"]) for message in found) == Counter(f"u{number}@x.example" for number in range(12))
    assert project.account("weekly/1") == {"accepted": 12}


def _read(path: Path) -> Any:
    return message_from_bytes(path.read_bytes())


@one_database
def test_half_a_dkim_table_is_told_before_anything_begins(project: Project) -> None:
    refused = project.command("run", DIGEST_DELIVERY__PROVIDER="smtp", DIGEST_PROVIDERS__SMTP__DKIM__DOMAIN="x.example")
    assert refused.returncode == 2
    assert "set selector and key_file too" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@one_database
def test_a_misspelt_variable_of_a_nested_table_is_told(project: Project) -> None:
    refused = project.command("run", DIGEST_PROVIDERS__SMTP__DKIM__DOMAN="x.example")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


@one_database
def test_each_service_names_what_it_lacks(project: Project) -> None:
    for name, variable in {
        "postmark": "DIGEST_PROVIDERS__POSTMARK__SERVER_TOKEN",
        "resend": "DIGEST_PROVIDERS__RESEND__API_KEY",
        "mailgun": "DIGEST_PROVIDERS__MAILGUN__API_KEY",
        "ses": "DIGEST_PROVIDERS__SES__REGION",
    }.items():
        refused = project.command("run", DIGEST_DELIVERY__PROVIDER=name)
        assert refused.returncode == 2
        assert variable in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
