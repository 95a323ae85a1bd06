"""A project with pages, a clock that is set by hand, and a browser without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.app import App
from digest.app.conducting import Outgoing
from digest.audience.finding import find_subscriber, subscription_of, subscriptions_of
from digest.audience.people import subscribe
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription
from digest.audience.tokens import Purpose, make_token
from digest.web.application import make_application
from tests.databases import Databases
from tests.journeys.project import BEGAN, MONDAY, Project, a_project

HOST = "https://news.backend.example"


@dataclass(slots=True)
class Pages:
    """The pages of a project, served without a socket."""

    project: Project
    app: App
    client: TestClient
    times: list[datetime] = field(default_factory=list)
    outgoing: Outgoing = field(default_factory=Outgoing)

    def app_now(self) -> App:
        """The application at the time that the clock shows."""
        return replace(self.app, now=self.times[-1])

    def link_in(self, mail: EmailMessage, page: str) -> str:
        """The path of a letter's button."""
        part = mail.get_body(("plain",))
        assert part is not None
        (found,) = set(re.findall(rf"^{HOST}(/{page}/\S+)\s*$", part.get_content(), re.MULTILINE))
        return str(found)

    def token(self, email: str, purpose: Purpose = Purpose.UNSUBSCRIBE) -> str:
        """What a link to somebody's subscription carries."""
        with self.app.store.reading() as connection:
            return make_token(self.app.key, purpose, subscription_of(connection, email, "weekly")[1].id)

    def person(self, email: str) -> Subscriber | None:
        """Somebody as the store has them."""
        with self.app.store.reading() as connection:
            return find_subscriber(connection, email)

    def subscription(self, email: str, newsletter: str = "weekly") -> Subscription:
        """What somebody gets."""
        with self.app.store.reading() as connection:
            person = find_subscriber(connection, email)
            assert person is not None
            return next(one for one in subscriptions_of(connection, person.id) if one.newsletter == newsletter)


@pytest.fixture(autouse=True)
def _on_both(database: Databases) -> None:
    """The pages of both kinds of database."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        with made.app(BEGAN) as app, app.store.writing() as connection:
            for email, topics in (("ann@x.example", ""), ("bob@x.example", "python databases")):
                subscribe(connection, app.settings.newsletters[0], email, topics=topics, confirmed=True, now=BEGAN)
        yield made


@contextmanager
def pages_of(project: Project, at: datetime = MONDAY, /, **environment: str) -> Iterator[Pages]:
    """A project's pages, at a time that stands until `times` is given another."""
    with project.app(at, **environment) as app:
        times = [at]
        outgoing = Outgoing()
        application = make_application(app.settings, app.store, lambda: times[-1], outgoing=outgoing)
        with TestClient(application, base_url=HOST, follow_redirects=False) as client:
            yield Pages(project, app, client, times, outgoing)


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    with pages_of(project) as made:
        yield made
