"""Case 23: two workers send one issue from one database at once, without the lock that keeps runs apart."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import func, select

from digest.app.issuing import named
from digest.delivery.providers.smtp import Smtp
from digest.delivery.sending import Sender, Sent
from digest.store import tables
from tests.delivery.planned import plan_issue
from tests.journeys.project import MONDAY, Project, a_project, article

PEOPLE = 120


def test_case_23_two_workers_on_one_database_deliver_nothing_twice_and_share_the_work(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        rows = "".join(f"u{number}@x.example,yes\n" for number in range(PEOPLE))
        (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
        assert project.command("subscribers", "import", "people.csv").returncode == 0
        project.offer(article("a"))
        plan_issue(project)
        together = threading.Barrier(2)
        with ThreadPoolExecutor(2) as workers:
            sent = list(workers.map(lambda name: work(project, name, together), ("one", "two")))
        arrived = Counter(message.rcpt_to for message in project.sink.arrived)
        assert len(arrived) == PEOPLE
        assert set(arrived.values()) == {1}
        assert project.account("weekly/1") == {"accepted": PEOPLE}
        assert sum(one.touched for one in sent) == PEOPLE
        batch = tables.batch.c
        with project.app() as app, app.store.reading() as connection:
            owners = connection.execute(select(batch.owner, func.sum(batch.size)).group_by(batch.owner)).all()
        assert {owner for owner, _ in owners} == {"one", "two"}


def work(project: Project, owner: str, together: threading.Barrier) -> Sent:
    """One worker, with a store and connections of its own."""
    with project.app(MONDAY, DIGEST_DELIVERY__RATE="400") as app:  # so slow that neither is done before the other begins
        sender = Sender(
            store=app.store,
            providers=(Smtp(app.settings),),
            settings=app.settings.delivery,
            key=app.key,
            public_url=app.settings.site.public_url,
            owner=owner,
            now=app.now,
            stop=app.stop,
        )
        issue = named(app, "weekly/1")
        together.wait(30)
        return sender.send(issue, others_are_dead=False)
