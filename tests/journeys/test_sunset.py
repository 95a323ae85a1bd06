"""The sunset rule: who reads is never asked, who is silent is asked once, and who does not answer is let go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select
from starlette.testclient import TestClient

from digest.app import App
from digest.app.hearing import hear
from digest.app.running import Ran
from digest.audience.consent import evidence_of
from digest.audience.finding import subscription_of
from digest.audience.suppression import is_suppressed
from digest.audience.tokens import Purpose, make_token
from digest.delivery.providers.sendgrid_events import read_events
from digest.issues.issue import find_issue
from digest.store import tables
from digest.testing.http_stub import Request, Respond
from digest.testing.service_stubs import POSTMARK, ServiceStub
from digest.web.application import make_application
from tests.journeys.project import BEGAN, MONDAY, Project, article
from tests.reporting import entry

ANN, BOB, CLEO, ROBOT = "ann@x.example", "bob@x.example", "cleo@x.example", "robot@x.example"
DAY = timedelta(days=1)
HOST = "https://news.backend.example"
ASKED_ON = 8  # the first day on which ten have passed since they joined


@pytest.fixture
def refused() -> set[str]:
    """Whose question the service takes later."""
    return set()


@pytest.fixture
def stub(project: Project, refused: set[str]) -> Iterator[ServiceStub]:
    """A daily newsletter that asks after ten days and waits for three, through a service that tells of opens."""

    def script(request: Request) -> Respond | None:
        asks = b"Do you still want" in request.body
        return Respond(429, b"{}") if asks and any(email.encode() in request.body for email in refused) else None

    project.configure('schedule = "0 9 * * 1"', 'schedule = "0 9 * * *"')
    project.configure('welcome = "none"', 'welcome = "none"\nsunset = "10d"\nsunset_grace = "3d"')
    with POSTMARK.stub(script) as made:
        project.environment |= POSTMARK.environment(made)
        for email in (ANN, BOB, CLEO, ROBOT):
            project.join(email)
        yield made


def day(project: Project, number: int, *readers: str) -> Ran:
    """An article and a run; some read it an hour later, and a filter opens ROBOT's mail at once."""
    at = MONDAY + number * DAY
    project.offer(*(article(f"a{one}", at=BEGAN) for one in range(number + 1)))
    ran = project.run(at)
    read(project, [at], *readers)
    return ran


def days(project: Project, first: int, last: int, *readers: str) -> None:
    """The same without runs, which take their time: the last issue once more on each of these days."""
    name, times = project.issues()[-1].name, [MONDAY + number * DAY for number in range(first, last + 1)]
    with project.app() as app, app.store.writing() as connection:
        for at in times:
            _copy(connection, name, at)
    read(project, times, *readers)


def _copy(connection: Connection, name: str, at: datetime) -> None:
    of, issue, delivery = find_issue(connection, name), tables.issue, tables.delivery
    row = connection.execute(select(issue).where(issue.c.id == of.id)).one()._asdict()
    number, own = connection.execute(select(func.max(issue.c.number) + 1, func.max(issue.c.id) + 1)).one()
    row |= {"id": own, "number": number, "slot": f"{at:%Y-%m-%dT%H:%M}", "slot_at": at}
    connection.execute(insert(issue).values(row))
    for one in connection.execute(select(delivery).where(delivery.c.issue_id == of.id)).all():
        connection.execute(insert(delivery).values(one._asdict() | {"issue_id": own}))


def read(project: Project, times: list[datetime], *readers: str) -> None:
    """What the provider tells of the newest issues, one for each time."""
    if not readers:
        return
    issues = project.issues()[-len(times) :]
    with project.app() as app:
        with app.store.reading() as connection:
            ids = {email: subscription_of(connection, email, "weekly")[0].id for email in (ROBOT, *readers)}
        told = [
            entry(app, issue, ids[email], what, at + timedelta(seconds=after))
            for issue, at in zip(issues, times, strict=True)
            for email, what, after in [
                (ROBOT, "delivered", 2),
                (ROBOT, "open", 3),
                *((reader, "open", 3600) for reader in readers),
            ]
        ]
        hear(app, read_events(told), "postmark")


def questions(stub: ServiceStub) -> list[dict[str, Any]]:
    """The letters that ask, in the order in which they were taken."""
    messages = (message for request in stub.accepted for message in request.payload)
    return [message for message in messages if message["Subject"].startswith("Do you still want")]


def link(letter: dict[str, Any]) -> str:
    (found,) = set(re.findall(rf"^{HOST}(/stay/\S+)$", letter["TextBody"], re.MULTILINE))
    return str(found)


def state(project: Project, email: str) -> str:
    with project.app() as app, app.store.reading() as connection:
        return subscription_of(connection, email, "weekly")[1].state.value


def acts(project: Project, email: str) -> list[tuple[str, str]]:
    with project.app() as app, app.store.reading() as connection:
        person = subscription_of(connection, email, "weekly")[0]
        return [(one.act.value, one.source.value) for one in evidence_of(connection, person.id)[1:]]  # they were added


def browser(app: App) -> TestClient:
    return TestClient(make_application(app.settings, app.store, lambda: app.now), base_url=HOST, follow_redirects=False)


def counted(ran: Ran) -> list[tuple[int, int]]:
    return [(one.asked, one.ended) for one in ran.sunset]


def test_who_reads_is_never_asked_and_of_the_silent_who_says_yes_stays(project: Project, stub: ServiceStub) -> None:
    assert counted(day(project, 0, ANN)) == [(0, 0)]
    days(project, 1, ASKED_ON - 1, ANN)
    assert counted(day(project, ASKED_ON, ANN)) == [(3, 0)]
    asked = {letter["To"]: letter for letter in questions(stub)}
    assert sorted(asked) == [BOB, CLEO, ROBOT]
    assert (
        "asked on 2026-12-01 whether they want to go on (sent 2026-12-01)" in project.command("subscribers", "show", BOB).stdout
    )
    with project.app(MONDAY + (ASKED_ON + 1) * DAY) as app, browser(app) as client:
        path = link(asked[CLEO])
        assert [client.request(method, path).status_code for method in ("GET", "HEAD", "GET")] == [200, 200, 200]
        assert acts(project, CLEO) == []
        assert client.get(path.replace("/stay/", "/erase/")).status_code == 404
        assert [client.post(path).status_code for _ in range(2)] == [200, 200]
        assert client.post("/stay/x").status_code == 404
    assert acts(project, CLEO) == [("stayed", "page")]
    assert counted(day(project, ASKED_ON + 2, ANN)) == [(0, 0)]
    assert counted(day(project, ASKED_ON + 3, ANN)) == [(0, 2)]
    assert [state(project, email) for email in (ANN, BOB, CLEO, ROBOT)] == ["active", "unsubscribed", "active", "unsubscribed"]
    assert acts(project, BOB) == [("left", "sunset")]
    why = "left by sunset “no open or click for 10 days, asked on 2026-12-01, no answer”"
    assert why in project.command("subscribers", "show", BOB).stdout
    with project.app(MONDAY + 12 * DAY) as app, browser(app) as client:
        with app.store.reading() as connection:
            assert not is_suppressed(connection, BOB, "weekly")
        assert client.post(link(asked[BOB])).status_code == 404  # it is over; they can subscribe again
    days(project, ASKED_ON + 4, ASKED_ON + 9, ANN)
    assert counted(day(project, ASKED_ON + 10, ANN)) == [(0, 0)]
    assert counted(day(project, ASKED_ON + 12, ANN)) == [(1, 0)]  # another span has passed
    assert [letter["To"] for letter in questions(stub)][3:] == [CLEO]


def test_a_run_reports_whom_it_asked_and_in_a_dry_run_a_halt_or_once_more_that_day_nobody_is(
    project: Project, stub: ServiceStub
) -> None:
    day(project, 0, ANN)
    days(project, 1, ASKED_ON - 1, ANN)
    at = MONDAY + ASKED_ON * DAY
    dry = project.command("run", "--dry-run", "--json", "--now", at.isoformat())
    assert json.loads(dry.stdout)["sunset"] == []
    project.command("halt", "looking into it")
    assert project.run(at).sunset == []
    project.command("halt", "--lift")
    said = project.command("run", "--now", at.isoformat())
    assert "weekly: 3 silent readers asked whether they want to go on, 0 who did not answer let go" in said.stdout
    again = project.command("run", "--json", "--now", (at + timedelta(hours=1)).isoformat())
    assert json.loads(again.stdout)["sunset"] == []
    assert len(questions(stub)) == 3


def test_a_letter_that_does_not_leave_ends_nothing_and_an_open_or_a_visit_answers_as_well(
    project: Project, stub: ServiceStub, refused: set[str]
) -> None:
    refused.add(BOB)
    day(project, 0, ANN)
    days(project, 1, ASKED_ON - 1, ANN)
    day(project, ASKED_ON, ANN, CLEO)
    assert "(not sent), no answer yet" in project.command("subscribers", "show", BOB).stdout
    with project.app(MONDAY + (ASKED_ON + 2) * DAY) as app, browser(app) as client:
        with app.store.reading() as connection:
            number = subscription_of(connection, ROBOT, "weekly")[1].id
        path = f"/preferences/{make_token(app.key, Purpose.PREFERENCES, number)}"
        client.get(path)
        assert acts(project, ROBOT) == []
        client.post(path, data={"what": "save", "everything": "1", "language": "de"})
    assert acts(project, ROBOT) == [("stayed", "page")]
    assert counted(day(project, ASKED_ON + 5, ANN)) == [(0, 0)]
    assert {state(project, email) for email in (ANN, BOB, CLEO, ROBOT)} == {"active"}


def test_where_nobody_was_heard_nobody_is_asked(project: Project, stub: ServiceStub) -> None:
    day(project, 0)
    days(project, 1, ASKED_ON - 1)
    assert counted(day(project, ASKED_ON)) == [(0, 0)]
    assert questions(stub) == []


@pytest.mark.parametrize("provider", ["smtp", "console", "eml", "maildir", "dry-run", "sendgrid", "mailgun", "ses"])
@pytest.mark.rather_sqlite
def test_a_provider_that_tells_nothing_of_readers_is_refused_with_the_rule(project: Project, provider: str) -> None:
    project.configure('welcome = "none"', 'welcome = "none"\nsunset = "180d"')
    said = project.command("config", "check", DIGEST_DELIVERY__PROVIDER=provider)
    assert said.returncode == 2
    assert f"newsletters.0.sunset: {provider} tells Digest of no opens or clicks" in said.stderr
    assert "take it out, or send through postmark or resend" in said.stderr


@pytest.mark.rather_sqlite
def test_a_grace_as_long_as_the_span_is_refused(project: Project, stub: ServiceStub) -> None:
    project.configure('sunset_grace = "3d"', 'sunset_grace = "10d"')
    said = project.command("config", "check")
    assert (said.returncode, "is not longer than sunset_grace" in said.stderr) == (2, True)
