"""A dead-man's switch hears of every run, and stops none."""

from __future__ import annotations

import logging
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import pytest

from digest.app.pinging import Switch, Word, address_of, ask, told
from digest.errors import Busy, Refused, Unreachable
from digest.settings.scheduler import Scheduler

URL = "https://hc.example/ping/uuid?rid=1"


def settings(kind: str = "healthchecks", url: str | None = URL) -> Scheduler:
    return Scheduler.model_validate({"ping_url": url, "ping_kind": kind})


def test_where_each_word_is_told() -> None:
    assert [address_of(settings(), word) for word in Word] == [
        "https://hc.example/ping/uuid/start?rid=1",
        URL,
        "https://hc.example/ping/uuid/fail?rid=1",
    ]
    assert [address_of(settings("success"), word) for word in Word] == [None, URL, None]
    assert [address_of(settings(url=None), word) for word in Word] == [None, None, None]


@pytest.mark.parametrize(
    ("code", "raised", "words"),
    [
        (0, None, ["/start", ""]),
        (1, None, ["/start", ""]),
        (3, None, ["/start", "/fail"]),
        (5, None, ["/start", "/fail"]),
        (0, Refused("no"), ["/start", "/fail"]),
        (0, KeyboardInterrupt(), ["/start", "/fail"]),
        (0, Busy("another one"), ["/start"]),
    ],
)
def test_a_run_tells_how_it_ended(code: int, raised: BaseException | None, words: list[str]) -> None:
    heard: list[str] = []
    with suppress(BaseException), told(settings(), Switch(heard.append)) as outcome:
        outcome.code = code
        if raised is not None:
            raise raised
    assert heard == [address_of(settings(), Word(word)) for word in words]


def test_a_switch_that_cannot_be_reached_is_said_without_its_address_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(address: str) -> None:
        raise Unreachable("it answered 500")

    with caplog.at_level(logging.WARNING), Switch(refuse) as switch:
        switch.tell(settings(), Word.START)
        switch.tell(settings(), Word.SUCCESS)
    assert [record.getMessage() for record in caplog.records] == ["the dead-man's switch could not be told: it answered 500"] * 2


def test_a_switch_that_never_answers_keeps_nobody_waiting() -> None:
    asked, never = Event(), Event()

    def hang(address: str) -> None:
        asked.set()
        never.wait(30)

    switch = Switch(hang)
    for _ in range(200):  # more than it will ever say
        switch.tell(settings(), Word.SUCCESS)
    assert asked.wait(10)
    switch.close(0.01)
    never.set()


def test_it_is_asked_for_by_get_also_in_ones_own_network_and_every_answer_but_success_is_a_failure() -> None:
    statuses, asked = [200, 204, 302, 404, 500], list[str]()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(statuses[len(asked) - 1])
            self.end_headers()

        def log_request(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for status in statuses:
            if status < 300:
                ask(f"{url}/ping/uuid/fail?rid=1")
            else:
                with pytest.raises(Unreachable, match=f"it answered {status}"):
                    ask(url)
        server.shutdown()
    assert asked == ["/ping/uuid/fail?rid=1"] * 2 + ["/"] * 3
    with pytest.raises(Unreachable):
        ask(url)
