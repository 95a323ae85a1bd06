"""A project to travel with: articles come in, people join, the clock moves, mails arrive at a witness."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from digest.app import App
from digest.app.running import Ran, run
from digest.app.wiring import erased_keys
from digest.audience.leaving import end
from digest.audience.people import subscribe
from digest.cli import main
from digest.cli.reports import exit_code_of_run
from digest.insights.statistics import decisions, statistics
from digest.issues.issue import Issue, find_issue, list_issues
from digest.settings.model import Settings
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store.database import Store
from digest.testing.smtp_sink import Script, SmtpSink
from tests.databases import fresh_database

BEGAN = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
WEEK = timedelta(days=7)


def article(key: str, *, tags: tuple[str, ...] = ("python",), at: datetime = BEGAN, **rest: Any) -> dict[str, Any]:
    """One entry of articles.json, called after its key."""
    return {
        "id": key,
        "title": f"Title {key}",
        "url": f"https://backend.example/{key}",
        "summary": f"What {key} is about.",
        "tags": list(tags),
        "published_at": at.isoformat(),
    } | rest


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Project:
    """One project folder, its witness, and the articles its source offers just now."""

    folder: Path
    sink: SmtpSink
    environment: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    drain: float | None = None
    """For how many seconds its processes wait for answers when they are told to end; None: for as long as everybody's."""

    def offer(self, *articles: dict[str, Any]) -> None:
        """What the source shows from now on."""
        (self.folder / "articles.json").write_text(json.dumps(articles), encoding="utf-8")

    def configure(self, before: str, after: str) -> None:
        """Edit the configuration by hand."""
        file = self.folder / "config" / "digest.toml"
        written = file.read_text(encoding="utf-8")
        assert before in written
        file.write_text(written.replace(before, after), encoding="utf-8")

    @contextmanager
    def app(self, at: datetime = MONDAY, /, **environment: str) -> Iterator[App]:
        """The application as it stands at a time."""
        settings = _settings(self.folder, self.environment | environment)
        store = Store(settings.database_url, keys=erased_keys(settings))
        try:
            store.prepare()
            yield App(settings, store, at, stop=self.stop)
        finally:
            store.close()

    def join(
        self, email: str, topics: str = "", *, at: datetime = BEGAN, frequency: str | None = None, sure: bool = True
    ) -> None:
        """Somebody subscribes, or changes what they get."""
        with self.app(at) as app, app.store.writing() as connection:
            newsletter = app.settings.newsletters[0]
            subscribe(connection, newsletter, email, topics=topics, frequency=frequency, confirmed=sure, now=at)

    def leave(self, email: str, *, at: datetime = MONDAY) -> None:
        """Somebody unsubscribes."""
        from digest.audience.finding import find_subscriber, subscriptions_of

        with self.app(at) as app, app.store.writing() as connection:
            person = find_subscriber(connection, email)
            assert person is not None
            end(connection, subscriptions_of(connection, person.id)[0].id, now=at)

    def run(self, at: datetime = MONDAY, /, **environment: str) -> Ran:
        """One `digest run`, in this process."""
        with self.app(at, **environment) as app:
            return run(app, None, lambda _: None)

    def plan(self, at: datetime = MONDAY, /) -> Ran:
        """One `digest run` that is told to stop when its sources are read: the issue is planned, and nothing leaves."""
        with self.app(at) as app:
            ran = run(app, None, lambda _: None, lambda _: self.stop.set())
        self.stop.clear()
        return ran

    def code(self, at: datetime = MONDAY, /, **environment: str) -> int:
        """The exit code of one run."""
        return exit_code_of_run(self.run(at, **environment))

    def issue(self, name: str) -> Issue:
        """One issue as it stands."""
        with self.app() as app, app.store.reading() as connection:
            return find_issue(connection, name)

    def issues(self) -> list[Issue]:
        """Every issue, oldest first."""
        with self.app() as app, app.store.reading() as connection:
            return list_issues(connection)[::-1]

    def account(self, name: str) -> dict[str, int]:
        """The account of an issue, without the states that nobody is in; it balances, or this raises."""
        with self.app() as app, app.store.reading() as connection:
            found = statistics(connection, find_issue(connection, name))
        return {state: count for state, count in found["account"].items() if count}

    def reasons(self, name: str) -> dict[str, str]:
        """Why each candidate of an issue is in or not, by title."""
        with self.app() as app, app.store.reading() as connection:
            return {d["title"]: d["reason"] for d in decisions(connection, find_issue(connection, name))}

    def mails(self, email: str) -> list[EmailMessage]:
        """What arrived for somebody, oldest first."""
        arrived = [one.message for one in self.sink.arrived if one.rcpt_to == email and one.accepted]
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(message) for message in arrived]

    def read(self, email: str) -> list[list[str]]:
        """The keys of the articles in each mail that somebody got."""
        return [keys_in(mail) for mail in self.mails(email)]

    def everything_read(self, email: str) -> Counter[str]:
        """How often somebody got each article."""
        return Counter(key for mail in self.read(email) for key in mail)

    def command(self, *arguments: str, **environment: str) -> Said:
        """The real command line to its end, in this process: a tenth of the time of one of its own."""
        return said_by(arguments, self.folder, self.environment | environment)

    def process(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The real command line, as a process: where it is killed, told to end, or has company."""
        script = "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"
        if self.drain is not None:
            script = f"from datetime import timedelta; from digest.delivery.engines import local; {_DRAINS.format(self.drain)}; {script}"
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            cwd=self.folder,
            env=_without_digest() | self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


_DRAINS = "assert local._DRAIN; local._DRAIN = timedelta(seconds={})"


def _settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """A project's settings, read again when one of its files or a variable is another: a journey asks for them at each step."""
    places = [folder / "config" / "digest.toml", folder / ".env", *sorted(folder.glob("secrets/*"))]
    written = tuple((str(place), place.read_bytes()) for place in places if place.is_file())
    return _read(folder, written, tuple(sorted(environment.items())))


@lru_cache(maxsize=8)
def _read(folder: Path, written: tuple[tuple[str, bytes], ...], environment: tuple[tuple[str, str], ...]) -> Settings:
    return read_settings(folder / "config" / "digest.toml", dict(environment))


def said_by(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Said:
    """Run the command line in `folder`, with no other DIGEST_ variables than these; what is not foreseen is raised."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, _without_digest() | dict(environment), clear=True),
        mock.patch.object(sys, "argv", ["digest", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Said(code, out.getvalue(), err.getvalue())


def _without_digest() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}


def keys_in(mail: EmailMessage) -> list[str]:
    """The articles of a mail, in the order of its plain-text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    found = (re.fullmatch(r"https://backend\.example/([\w-]+)", line) for line in part.get_content().splitlines())
    return [match[1] for match in found if match]


@contextmanager
def a_project(folder: Path, script: Script | None = None) -> Iterator[Project]:
    """A project that sends to a witness; it has no articles and nobody yet. Its database is the running test's."""
    init_project(folder, BEGAN)
    with SmtpSink(script) as sink:
        environment = {
            "DIGEST_DATABASE__URL": fresh_database(folder),
            "DIGEST_DELIVERY__PROVIDER": "smtp",
            "DIGEST_DELIVERY__CONCURRENCY": "2",
            "DIGEST_DELIVERY__RETRY_FIRST": "1s",
            "DIGEST_DELIVERY__PATIENCE": "0s",
            "DIGEST_PROVIDERS__SMTP__HOST": sink.host,
            "DIGEST_PROVIDERS__SMTP__PORT": str(sink.port),
            "DIGEST_PROVIDERS__SMTP__SECURITY": "none",
        }
        project = Project(folder, sink, environment)
        project.offer()
        yield project
