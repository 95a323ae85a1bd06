"""What providers report afterwards, or before they have answered: counted once, and nothing is sent because of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from digest.app.hearing import hear
from digest.audience.people import subscribe
from digest.delivery.events import Applied
from digest.delivery.providers.sendgrid_events import read_events
from digest.insights.statistics import statistics
from digest.issues.issue import find_issue
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.sendgrid_stub import CLOSE, Request, Respond, SendGridStub
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article
from tests.journeys.test_other_ways_out import KEY, sendgrid

NOW = MONDAY.isoformat()


def people(project: Project, many: int) -> None:
    """So many readers of everything, and one article."""
    with project.app(BEGAN) as app, app.store.writing() as connection:
        for number in range(many):
            subscribe(connection, app.settings.newsletters[0], f"u{number}@x.example", confirmed=True, now=BEGAN)
    project.offer(article("a"))


def reports(request: Request, *kinds: str, after: int = 1, **rest: Any) -> list[dict[str, Any]]:
    """What SendGrid would post of everybody in a request: its custom arguments come back on every event."""
    return [
        {
            "event": kind,
            "email": personalization["to"][0]["email"],
            "timestamp": int(MONDAY.timestamp()) + after + place,
            "sg_event_id": f"{random.random()}",  # another one with each posting
            "sg_message_id": f"M{request.number}.filter0001",
        }
        | personalization["custom_args"]
        | rest
        for personalization in request.payload["personalizations"]
        for place, kind in enumerate(kinds)
    ]


def post(project: Project, entries: Iterable[dict[str, Any]]) -> Applied:
    """What the webhook does with a posting."""
    with project.app() as app:
        return hear(app, read_events(list(entries)), "sendgrid")


def told(project: Project, name: str = "weekly/1") -> dict[str, int]:
    """What was reported of an issue, without zeros."""
    with project.app() as app, app.store.reading() as connection:
        found = statistics(connection, find_issue(connection, name))
    assert sum(found["account"].values()) == found["audience"]
    return {kind: count for kind, count in found["reported"].items() if count}


def test_case_26_events_three_times_out_of_order_and_before_the_answer_are_counted_once(project: Project) -> None:
    people(project, 12)
    draw = random.Random(26)
    answers = iter([None, CLOSE] * 6)  # every other answer is lost, though the mail was taken
    new = repeated = 0

    def script(request: Request) -> Respond | None:
        nonlocal new, repeated
        for _ in range(3):
            entries = reports(request, "processed", "delivered", "spamreport" if request.number == 5 else "open")
            draw.shuffle(entries)
            applied = post(project, entries)
            new, repeated = new + applied.new, repeated + applied.repeated
        return next(answers)

    with SendGridStub(script, judges=[judge_strictly], api_key=KEY) as stub:
        said = project.run(MONDAY, **sendgrid(stub, DIGEST_DELIVERY__BATCH="1", DIGEST_DELIVERY__CONCURRENCY="1"))
        assert [one.issue.state for one in said.handled] == ["sent"]
        assert stub.violations == []
        assert len(stub.requests) == 12
    assert (new, repeated) == (36, 72)
    assert project.account("weekly/1") == {"accepted": 12}
    assert told(project) == {"delivered": 11, "complained": 1}


def lost(project: Project, many: int) -> list[Request]:
    """An issue whose every answer was lost: `many` readers are unknown."""
    people(project, many)
    with SendGridStub(lambda _: CLOSE, api_key=KEY) as stub:
        project.run(MONDAY, **sendgrid(stub, DIGEST_DELIVERY__BATCH=str(many)))
        assert project.account("weekly/1") == {"unknown": many}
        return stub.requests


def test_a_file_of_events_resolves_what_is_unknown(project: Project, tmp_path: Path) -> None:
    (request,) = lost(project, 4)
    entries = reports(request, "processed")
    file = tmp_path / "events.json"
    file.write_text(json.dumps([*entries[:2], {"event": "delivered"}, "nonsense", {"event": "moon"}]), encoding="utf-8")
    got = project.command("issues", "resolve", "weekly/1", "--events", str(file))
    assert (got.returncode, got.stdout.splitlines()[:2]) == (
        0,
        ["events: 2 new, 2 that say nothing of a delivery", "2 deliveries are now accepted"],
    )
    assert "entry 3: is not an object" in got.stderr
    again = project.command("issues", "resolve", "weekly/1", "--events", str(file))
    assert "events: 2 known already" in again.stdout
    assert "nothing was resolved" in again.stdout
    file.write_text("\n".join(json.dumps(entry) for entry in entries) + "\n{broken\n", encoding="utf-8")
    lines = json.loads(project.command("issues", "resolve", "weekly/1", "--events", str(file), "--json").stdout)
    assert (lines["state"], lines["events"]["new"], lines["events"]["moved"]) == ("sent", 2, {"accepted": 2})
    assert project.account("weekly/1") == {"accepted": 4}


def test_a_file_must_hold_events_of_a_provider_that_reports(project: Project, tmp_path: Path) -> None:
    lost(project, 1)
    file = tmp_path / "events.json"
    for written, options, said in (
        ("no json", (), "holds no events"),
        ("7", (), "holds no events"),
        ("[]", ("--provider", "smtp"), "smtp reports no events"),
        ("[]", ("--provider", "nowhere"), "which is no provider"),
        ("[]", ("--as", "accepted"), "Either --as"),
        (None, (), "cannot be read"),
    ):
        file.unlink(missing_ok=True)
        if written is not None:
            file.write_text(written, encoding="utf-8")
        got = project.command("issues", "resolve", "weekly/1", "--events", str(file), *options)
        assert (got.returncode, said in got.stderr) == (2, True), got.stderr
    file.write_text("[]", encoding="utf-8")
    assert "events: none" in project.command("issues", "resolve", "weekly/1", "--events", str(file)).stdout


def test_a_person_who_says_resend_does_not_overrule_an_event(project: Project) -> None:
    (request,) = lost(project, 2)
    assert post(project, reports(request, "processed")[:1]).moved
    assert project.command("issues", "resolve", "weekly/1", "--as", "resend").returncode == 0
    with SendGridStub(api_key=KEY) as stub:
        project.run(MONDAY, **sendgrid(stub))
        assert len(stub.recipients) == 1
    assert project.account("weekly/1") == {"accepted": 2}


def test_too_many_hard_bounces_halt_everything_once(project: Project) -> None:
    people(project, 20)
    with SendGridStub(api_key=KEY) as stub:
        project.run(MONDAY, **sendgrid(stub, DIGEST_DELIVERY__BATCH="20"))
        entries = reports(stub.requests[0], "bounce", type="bounce", reason="550 no such user")
        post(project, entries[:2])
        assert project.command("send", "weekly/1", **sendgrid(stub)).returncode == 0
        post(project, entries[2:3])
        halted = project.command("doctor", **sendgrid(stub))
        assert halted.returncode == 3
        assert "weekly/1: hard bounces: 3 of the first 20 do not exist" in halted.stdout
        stats = project.command("stats", "weekly/1", **sendgrid(stub))
        assert "events: 3 bounced" in stats.stdout
        assert "alarm: hard bounces" in stats.stderr
        assert project.command("halt", "--lift").returncode == 0
        post(project, entries[3:])  # who lifted it has seen it
        assert "no halt is in force" in project.command("doctor", **sendgrid(stub)).stdout
        assert json.loads(project.command("stats", "weekly/1", "--json", **sendgrid(stub)).stdout)["reported"]["bounced"] == 20


def test_a_run_tells_of_missed_slots_of_few_and_of_many_unknown(project: Project) -> None:
    people(project, 8)
    project.run(MONDAY)
    project.offer(article("b"))
    with SendGridStub(lambda _: CLOSE, api_key=KEY) as stub:
        late = (MONDAY + 2 * WEEK).isoformat()
        environment = sendgrid(stub, DIGEST_DELIVERY__BATCH="8", DIGEST_DELIVERY__CONCURRENCY="1")
        run = project.command("run", "--now", late, **environment)
    assert "weekly/2: alarm: missed slots: 1 since the issue before, the last of 2026-11-30T09:00" in run.stderr
    assert "weekly/2: alarm: unusually few: 0 accepted, and 8 of the issue before" in run.stderr
    assert "many unknown" not in run.stderr
    stats = json.loads(project.command("stats", "weekly/2", "--json", **environment | {"DIGEST_DELIVERY__BATCH": "7"}).stdout)
    assert "many unknown: 8 are unknown, and a crash explains no more than 7" in stats["alarms"]
    assert project.command("run", "--now", late).returncode in {0, 1}  # these only tell
