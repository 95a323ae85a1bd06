"""Live progress: what whoever listens is told, how long, and who may."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from starlette.types import ASGIApp

from digest.app.sending import send
from digest.app.signing_in import still_in
from digest.app.standing import Standing, stands
from digest.delivery.progress import Progress
from digest.delivery.transitions import DeliveryState
from digest.editors import sessions
from digest.errors import Unreachable
from digest.issues.lifecycle import IssueState
from digest.web.desk.cookies import SECURE
from digest.web.desk.progress import MOST, MOST_EACH, Ear, tell
from digest.web.desk.watching import FRESH, Going, Watch
from digest.web.serving import _Pages
from tests.journeys.project import MONDAY, Project
from tests.journeys.serving import served
from tests.web.conftest import HOST, pages_of
from tests.web.desk.conftest import EDDY, EVERYBODY, VERA, come_in, token_in
from tests.web.desk.issue import AT, Draft, offer


def going(state: IssueState = IssueState.SENDING, *, done: int = 0, settled: bool = False) -> Going:
    counted = {one.value: 0 for one in DeliveryState} | {"accepted": done, "planned": 100 - done}
    return Going(Standing("weekly/1", state, 100, counted, settled), None, None)


def told(
    looks: Sequence[Going | Exception],
    still: Callable[[], bool] = lambda: True,
    stop: threading.Event | None = None,
    lasts: float = 60,
) -> list[str]:
    """The events, where each look finds the next of these."""
    found: Iterator[Going | Exception] = iter(looks)

    def look() -> Going:
        one = next(found)
        if isinstance(one, Exception):
            raise one
        return one

    async def listen() -> list[str]:
        return [one async for one in tell(still, look, (stop or threading.Event()).is_set, lasts=lasts, every=0.0)]

    return asyncio.run(listen())


def test_each_change_is_told_and_the_end_ends_it() -> None:
    events = told([going(), going(done=40), going(done=40), going(IssueState.SENT, done=100, settled=True)])
    assert [one.partition(":")[0] for one in events] == ["retry", "data", "data", "", "data", "event"]
    assert [json.loads(one.removeprefix("data: "))["done"] for one in events if one.startswith("data")] == [0, 40, 100]
    assert events[-1].startswith("event: end")


def test_nobody_waits_for_an_issue_that_nothing_happens_to() -> None:
    assert told([going(IssueState.DRAFT)])[-1].startswith("event: end")


def test_it_dies_with_the_session() -> None:
    answers = iter([True, False])
    assert told([going()], lambda: next(answers))[-1].startswith("event: out")


def test_it_is_bounded_in_time_and_ends_with_us_and_with_the_database() -> None:
    stop = threading.Event()
    stop.set()
    assert len(told([going()], lasts=-1)) == 2
    assert len(told([], stop=stop)) == 1
    assert len(told([Unreachable("the database is away")])) == 1


def test_so_many_may_listen_and_so_many_of_one_session() -> None:
    ear = Ear()
    assert [ear.let_in("one") for _ in range(MOST_EACH + 1)] == [True] * MOST_EACH + [False]
    assert [ear.let_in(str(number)) for number in range(MOST)].count(True) == MOST - MOST_EACH
    ear.let_out("one")
    assert (ear.let_in("two"), ear.let_in("three"), ear.inside) == (True, False, MOST)


def test_who_listens_has_to_come_again_when_the_configuration_is_another_one() -> None:
    made: list[threading.Event] = []
    pages = _Pages(lambda over: cast("ASGIApp", made.append(over)))
    ear = Ear(over=made[0])
    assert not ear.has_ended()
    pages.make_anew()
    assert (ear.has_ended(), made[1].is_set()) == (True, False)


def test_a_rate_is_told_by_what_was_seen_before_and_one_look_serves_all(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, times = [0, 20, 40], [0.0]

    def look(app: Any, name: str) -> Standing:
        return going(done=asked.pop(0)).standing

    monkeypatch.setattr("digest.web.desk.watching.stands", look)
    watch, app = Watch(lambda: times[0]), None
    first = watch.look(app, "weekly/1")  # type: ignore[arg-type]  # nothing is asked of it
    assert (first.rate, first.left) == (None, None)
    assert watch.look(app, "weekly/1") is first  # type: ignore[arg-type]
    times[0] = 2 * FRESH
    second = watch.look(app, "weekly/1")  # type: ignore[arg-type]
    assert (second.rate, second.left) == (10 / FRESH, 8 * FRESH)
    assert len(asked) == 1


@pytest.mark.sqlite
def test_a_page_is_told_over_http_while_it_goes_out_and_nothing_of_a_reader(project: Project) -> None:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        browser = come_in(pages, VERA)
        draft, app = Draft(pages, browser), pages.app_now()
        assert "event: end" in browser.get(f"{AT}/progress").text  # a draft
        project.command("issues", "approve", "weekly/1", "--now", app.now.isoformat())
        seen: list[Standing] = []

        def look(_: Progress) -> None:
            seen.append(stands(app, "weekly/1"))

        send(replace(app), draft.issue, look)
        assert next((one.state, one.waiting, one.goes_out) for one in seen) == (IssueState.SENDING, 2, True)
        answer = browser.get(f"{AT}/progress")
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
            "text/event-stream; charset=utf-8",
            "no-store",
        )
        assert '"accepted": 2' in answer.text
        assert "@" not in answer.text
        assert browser.get("/editor/issues/weekly/9/progress").status_code == 404
        secret = str(browser.client.cookies[SECURE])
        assert still_in(app, secret)
        pages.times.append(app.now + timedelta(hours=11))
        assert "event: end" in browser.get(f"{AT}/progress").text  # who only listens is as idle as before
        assert not still_in(replace(app, now=app.now + timedelta(hours=13)), secret)
        with app.store.writing() as connection:
            (mine,) = sessions.those_alive(connection, now=app.now)
            sessions.revoke(connection, mine.id, now=app.now)
        assert not still_in(app, secret)
        assert browser.get(f"{AT}/progress").status_code == 303


@pytest.mark.proof
@pytest.mark.sqlite
def test_digest_serve_sends_what_is_wanted_tells_of_it_and_ends_in_time(project: Project) -> None:
    offer(project)
    for number in range(40):
        project.join(f"u{number}@x.example")
    now = ("--now", MONDAY.isoformat())
    assert project.command("issues", "approve", "weekly/1", *now).returncode == 0
    project.environment |= EVERYBODY
    link = project.command("editor", "link", EDDY, *now).stdout.strip()
    with served(project, *now, DIGEST_DELIVERY__RATE="4") as pages:
        ours = {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
        came = pages.ask("POST", link, {}, ours)
        ours["Cookie"] = came.headers["set-cookie"].partition(";")[0]
        form = {"token": token_in(pages.ask("GET", f"{HOST}/editor/sessions", None, ours).text), "revision": "1"}
        wanted = pages.ask("POST", f"{HOST}{AT}/send", form | {"do": "now", "name": "weekly/1"}, ours)
        assert wanted.status == 303
        connection = http.client.HTTPConnection("127.0.0.1", pages.port, timeout=30)
        connection.request("GET", f"{AT}/progress", None, {"Host": "news.backend.example", "Cookie": ours["Cookie"]})
        lines = iter(connection.getresponse().readline, b"")
        done = (
            json.loads(line.removeprefix(b"data: "))["done"] for line in lines if line.startswith(b'data: {"state": "sending"')
        )
        assert next(one for one in done if one > 2) < 42
        began = time.monotonic()
        pages.process.send_signal(signal.SIGTERM)
        assert pages.process.wait(20) == 0
        assert time.monotonic() - began < 10
        assert b"".join(lines).count(b"event: ") == 0  # it is not over: a browser comes again
        connection.close()
    account = project.account("weekly/1")
    assert account["accepted"] == len(project.sink.arrived) < 42
    assert account["accepted"] + account.get("planned", 0) == 42
    project.run(MONDAY)  # and the next run goes on
    assert project.account("weekly/1") == {"accepted": 42}
