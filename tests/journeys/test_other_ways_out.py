"""The same main job through SendGrid, through aiosmtpd and through Postfix's own sink."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from digest.testing.sendgrid_judge import judge_by_openapi, judge_strictly
from digest.testing.sendgrid_stub import Request, Respond, SendGridStub, errors
from tests.journeys.project import MONDAY, Project, article

KEY = "SG.canary-key-of-this-test"
TOPICS = ("databases", "messaging", "python", "security")
OPENAPI = Path(os.environ.get("DIGEST_SENDGRID_OPENAPI", Path(__file__).parents[3] / "shared/data/sendgrid/tsg_mail_v3.json"))


def sendgrid(stub: SendGridStub, **more: str) -> dict[str, str]:
    """The environment that sends through the stub."""
    return {
        "DIGEST_DELIVERY__PROVIDER": "sendgrid",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": KEY,
        "DIGEST_PROVIDERS__SENDGRID__HOST": stub.url,
    } | more


def crowd(project: Project, many: int) -> dict[str, set[str]]:
    """So many readers of drawn topics; returns which articles each must get."""
    draw = random.Random(11)
    mixes = {f"u{number}@x.example": draw.sample(TOPICS, draw.randint(1, 3)) for number in range(many)}
    rows = "".join(f'{email},"Ünal; {email}",{" ".join(topics)},yes\n' for email, topics in mixes.items())
    (project.folder / "people.csv").write_text("email,name,topics,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(*(article(f"about-{topic}", tags=(topic,)) for topic in TOPICS))
    return {email: {f"about-{topic}" for topic in topics} for email, topics in mixes.items()}


def test_2500_readers_through_sendgrid_without_one_violation(project: Project) -> None:
    wanted = crowd(project, 2500)
    judges = [judge_strictly, *([judge_by_openapi(OPENAPI)] if OPENAPI.exists() else [])]
    with SendGridStub(judges=judges, api_key=KEY) as stub:
        assert project.code(**sendgrid(stub)) == 0
        assert project.code(MONDAY + timedelta(minutes=5), **sendgrid(stub)) == 0
        assert stub.violations == []
        assert Counter(stub.recipients) == Counter(dict.fromkeys(wanted, 1))
        for request in stub.requests:
            text = request.payload["content"][0]["value"]
            held = {key for topic in TOPICS if f"https://backend.example/{(key := f'about-{topic}')}\n" in text + "\n"}
            assert all(wanted[email] == held for email in request.recipients)
    assert project.account("weekly/1") == {"accepted": 2500}


def test_a_request_refused_for_one_address_goes_out_without_it(project: Project) -> None:
    crowd(project, 300)

    def script(request: Request) -> Respond | None:
        places = [number for number, email in enumerate(request.recipients) if email == "u7@x.example"]
        return errors((f"personalizations.{places[0]}.to.0.email", "Does not contain a valid address.")) if places else None

    with SendGridStub(script, judges=[judge_strictly], api_key=KEY) as stub:
        assert project.code(**sendgrid(stub, DIGEST_DELIVERY__BATCH="100")) == 1
        assert len(stub.recipients) == len(set(stub.recipients)) == 299
    assert project.account("weekly/1") == {"accepted": 299, "rejected": 1}


@pytest.mark.parametrize(
    ("status", "code", "state", "left"),
    [
        (401, 3, "paused", {"planned", "deferred"}),
        (413, 3, "paused", {"planned", "deferred"}),
        (429, 1, "sending", {"planned", "deferred"}),
        (500, 3, "paused", {"planned", "unknown"}),
    ],
)
def test_an_api_that_refuses_everything_rejects_nobody(
    project: Project, status: int, code: int, state: str, left: set[str]
) -> None:
    crowd(project, 200)
    with SendGridStub(lambda _: Respond(status, b"{}", {"Retry-After": "900"}), api_key=KEY) as stub:
        got = project.command("run", "--now", MONDAY.isoformat(), **sendgrid(stub))
    assert got.returncode == code
    assert KEY not in got.stdout + got.stderr
    assert "Traceback" not in got.stderr
    assert project.issue("weekly/1").state == state
    assert set(project.account("weekly/1")) == left
    assert project.account("weekly/1").get("unknown", 0) <= 12


def test_without_a_key_nothing_begins(project: Project) -> None:
    refused = project.command("run", DIGEST_DELIVERY__PROVIDER="sendgrid")
    assert refused.returncode == 2
    assert "DIGEST_PROVIDERS__SENDGRID__API_KEY" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


class Kept:
    """What aiosmtpd received."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, Message]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        from email import message_from_bytes

        self.letters += [(to, message_from_bytes(envelope.content)) for to in envelope.rcpt_tos]
        return "250 kept"


def test_aiosmtpd_gets_one_mail_for_each_with_their_topics_and_then_nothing(project: Project) -> None:
    wanted = crowd(project, 25)
    kept = Kept()
    server = Controller(kept, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        for minutes in (0, 5):
            environment = {"DIGEST_PROVIDERS__SMTP__PORT": str(server.port), "DIGEST_PROVIDERS__SMTP__HOST": "127.0.0.1"}
            assert project.code(MONDAY + timedelta(minutes=minutes), **environment) == 0
    finally:
        server.stop()
    assert Counter(to for to, _ in kept.letters) == Counter(dict.fromkeys(wanted, 1))
    for to, letter in kept.letters:
        text = str(letter.get_payload(0))
        assert {key for key in (f"about-{topic}" for topic in TOPICS) if key in text.replace("=\r\n", "")} == wanted[to]


@pytest.mark.postfix
def test_postfixs_sink_counts_one_mail_for_each_and_none_after(project: Project, tmp_path: Path) -> None:
    if shutil.which("smtp-sink") is None:
        assert os.environ.get("CI") != "true", "smtp-sink is missing, and CI must have it"
        pytest.skip("Postfix's smtp-sink is not installed")
    wanted = crowd(project, 30)
    folder = tmp_path / "sink"
    folder.mkdir(mode=0o777)
    with postfix(folder) as port:
        for minutes in (0, 5):
            environment = {"DIGEST_PROVIDERS__SMTP__PORT": str(port), "DIGEST_PROVIDERS__SMTP__HOST": "127.0.0.1"}
            assert project.code(MONDAY + timedelta(minutes=minutes), **environment) == 0
    written = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in folder.iterdir())
    assert written.count("\nMessage-ID:") == len(wanted)
    assert all(written.count(f"\nTo: {name}") <= 1 for name in wanted)


@contextmanager
def postfix(folder: Path) -> Iterator[int]:
    """Postfix's smtp-sink on a free port, keeping every mail in a file."""
    port = free_port()
    user = ["-u", "root"] if os.getuid() == 0 else []
    with subprocess.Popen(["smtp-sink", *user, "-R", str(folder), "-d", "mail.", f"127.0.0.1:{port}", "50"]) as process:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
