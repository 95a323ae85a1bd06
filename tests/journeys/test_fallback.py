"""A provider that fails in the middle of an issue, and another that carries the rest: nobody twice, nobody lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.testing.sendgrid_stub import SendGridStub
from digest.testing.smtp_sink import Now
from digest.testing.smtp_talk import RESET, React
from tests.journeys.project import MONDAY, Project, a_project, article

KEY = "SG.key-of-this-test"
PEOPLE = 40
TAKEN = 10


class Relay:
    """A relay that takes so many messages and then fails in one way."""

    def __init__(self, moment: str, reaction: React) -> None:
        self.moment, self.reaction, self.taken = moment, reaction, 0

    def __call__(self, now: Now) -> React | None:
        if now.moment == "dot" and self.taken < TAKEN:
            self.taken += 1
            return None
        return self.reaction if now.moment == self.moment and self.taken >= TAKEN else None


@pytest.fixture
def stub() -> Iterator[SendGridStub]:
    with SendGridStub(api_key=KEY) as started:
        yield started


def crowd(project: Project) -> set[str]:
    people = {f"u{number}@x.example" for number in range(PEOPLE)}
    rows = "".join(f"{email},yes\n" for email in sorted(people))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(article("a"))
    return people


def falling_back(stub: SendGridStub) -> dict[str, str]:
    return {
        "DIGEST_DELIVERY__FALLBACK": "sendgrid",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": KEY,
        "DIGEST_PROVIDERS__SENDGRID__HOST": stub.url,
        "DIGEST_DELIVERY__RETRY_FIRST": "0s",
    }


@pytest.mark.parametrize(
    ("moment", "reaction", "in_doubt"),
    [
        ("MAIL", React("535 5.7.8 your account is closed"), 0),
        ("MAIL", RESET, 0),
        ("RCPT", RESET, 0),
        ("dot", RESET, 3),
    ],
    ids=["account", "reset-at-mail", "reset-at-rcpt", "reset-after-dot"],
)
def test_what_the_first_surely_did_not_take_goes_through_the_second(
    tmp_path: Path, stub: SendGridStub, moment: str, reaction: React, in_doubt: int
) -> None:
    with a_project(tmp_path, Relay(moment, reaction)) as project:
        people = crowd(project)
        got = project.command("run", "--now", MONDAY.isoformat(), **falling_back(stub))
        assert "went through sendgrid" in got.stdout
        account = project.account("weekly/1")
        unknown = account.get("unknown", 0)
        assert in_doubt <= unknown <= in_doubt + 2
        assert account["accepted"] == PEOPLE - unknown
        through_smtp = Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)
        through_sendgrid = Counter(stub.recipients)
        assert max((through_smtp + through_sendgrid).values()) == 1
        assert TAKEN <= len(through_smtp) <= TAKEN + 4  # four connections, each with an envelope that was taken ahead
        assert len(set(through_smtp) | set(through_sendgrid)) >= len(people) - unknown
        stats = json.loads(project.command("stats", "weekly/1", "--json", **falling_back(stub)).stdout)
        assert stats["providers"] == {"sendgrid": len(through_sendgrid), "smtp": len(through_smtp) + unknown}
        assert project.code(MONDAY, **falling_back(stub)) == 0
        assert Counter(stub.recipients) == through_sendgrid


def test_a_first_that_is_dead_from_the_start_leaves_everything_to_the_second(project: Project, stub: SendGridStub) -> None:
    people = crowd(project)
    dead = falling_back(stub) | {"DIGEST_PROVIDERS__SMTP__PORT": "1"}
    assert project.code(**dead) == 0
    assert Counter(stub.recipients) == Counter(dict.fromkeys(people, 1))
    assert project.account("weekly/1") == {"accepted": PEOPLE}


def test_content_that_is_refused_is_not_tried_on_the_second(tmp_path: Path, stub: SendGridStub) -> None:
    with a_project(tmp_path, Relay("dot", React("554 5.6.0 not this"))) as project:
        crowd(project)
        assert project.code(**falling_back(stub)) == 3
        assert stub.recipients == []
        assert project.account("weekly/1")["accepted"] == TAKEN


def test_when_both_fail_the_issue_pauses_with_both_reasons_and_resume_sends_all(project: Project, stub: SendGridStub) -> None:
    people = crowd(project)
    dead = falling_back(stub) | {"DIGEST_PROVIDERS__SMTP__PORT": "1", "DIGEST_PROVIDERS__SENDGRID__HOST": "http://127.0.0.1:1"}
    assert project.code(**dead) == 5
    issue = project.issue("weekly/1")
    assert issue.state == "paused"
    assert "smtp: " in (issue.reason or "")
    assert "sendgrid: " in (issue.reason or "")
    assert project.command("issues", "resume", "weekly/1").returncode == 0
    assert project.code(MONDAY) == 0
    assert Counter(one.rcpt_to for one in project.sink.arrived) == Counter(dict.fromkeys(people, 1))


@pytest.mark.parametrize(("fallback", "said"), [("smtp", "same as provider"), ("dry-run", "carries nothing"), ("smpt", "smtp")])
def test_a_fallback_that_cannot_be_one_is_refused_in_one_line(project: Project, fallback: str, said: str) -> None:
    got = project.command("run", DIGEST_DELIVERY__FALLBACK=fallback)
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert said in line
    assert "fallback" in line
