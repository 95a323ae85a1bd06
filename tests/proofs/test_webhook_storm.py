"""Reports of everybody, many twice, in any order, to a real server that is killed on the way: nothing lost, nothing counted twice.

`DIGEST_WEBHOOK_STORM=READERS` makes it larger, `DIGEST_WEBHOOK_STORM_SEED=SEED` draws the same again.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from benchmarks.storm import (
    KINDS,
    Posted,
    Server,
    a_server,
    counts,
    disordered,
    entries,
    post_all,
    sent,
    signed_by,
    wait_until_read,
)
from digest.insights.engagement import engagement
from digest.store import tables
from tests.databases import Databases
from tests.journeys.project import MONDAY, a_project
from tests.journeys.test_events import people
from tests.reporting import LISTENING, SENDGRID

pytestmark = pytest.mark.proof

READERS = int(os.environ.get("DIGEST_WEBHOOK_STORM", "1500"))
KILLS = 3
SIZE = 20


def test_through_kills_every_event_that_was_answered_is_counted_once(tmp_path: Path, database: Databases) -> None:
    chance = int(os.environ.get("DIGEST_WEBHOOK_STORM_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"DIGEST_WEBHOOK_STORM_SEED={chance}")
    draw = random.Random(chance)
    with a_project(tmp_path) as project:
        people(project, READERS)
        project.plan()
        issue = project.issue("weekly/1")
        with project.app(MONDAY) as app:
            told = entries(app, issue, sent(app, issue, MONDAY), MONDAY)
            bodies = disordered(told, draw, again=0.3, size=SIZE)
            with a_server(project.folder, project.environment | LISTENING, MONDAY.isoformat()) as server:
                posted = Posted()
                killer = threading.Thread(target=_kill, args=(server, posted, sorted(draw.sample(range(len(bodies)), KILLS))))
                killer.start()
                post_all(server, "sendgrid", bodies, signed_by(SENDGRID), posted=posted)
                killer.join()
                wait_until_read(app)
            assert len(posted.answers) == len(bodies)
            report = tables.report.c
            with app.store.reading() as connection:
                kept = {row.fingerprint: row.state for row in connection.execute(select(report.fingerprint, report.state))}
                assert kept == {hashlib.sha256(body).hexdigest(): "read" for body in bodies}
                found = counts(connection)
                whole = engagement(connection, issue)["whole"]
            assert found == {"queued": (READERS, READERS), "delivered": (READERS, READERS), "opened": (READERS, READERS)}
            assert (whole["delivered"], whole["opened"]["unique"]) == ({"unique": READERS, "total": READERS}, READERS)
    rate = len(bodies) * SIZE / posted.seconds
    print(
        f"webhooks: {database.kind}: {len(KINDS) * READERS:,} events in {len(bodies):,} posts, {KILLS} kills,"
        f" {posted.again} posts made again, {rate:,.0f} events a second, 0 lost, 0 twice"
    )


def _kill(server: Server, posted: Posted, after: list[int]) -> None:
    """Kill the server each time when so many posts were answered, and start it anew."""
    for many in after:
        while len(posted.answers) < many:
            time.sleep(0.002)
        server.end(signal.SIGKILL)
        server.start()
