"""A storm of reports: a real `digest serve`, posts over several connections, duplicates and disorder, and SIGKILL in the middle."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, func, select, update

from digest.app import App
from digest.delivery.plan import plan
from digest.delivery.sealing import id_maker, seal
from digest.issues.issue import Issue, frozen_of
from digest.store import tables
from digest.testing.webhook_signing import SendGridSigner

KINDS = ("processed", "delivered", "open")
_SCRIPT = "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"
_PATIENCE = 60.0  # seconds for a server to answer again

Headers = Callable[[bytes, int], Mapping[str, str]]
"""What is sent with a body; the number tells posts apart."""


def sent(app: App, issue: Issue, now: datetime) -> list[int]:
    """Plan an issue, where it is not, and call every delivery accepted: sending is not what is measured. Returns its readers."""
    row = tables.delivery.c
    with app.store.writing() as connection:
        if issue.audience is None:
            plan(connection, issue, frozen_of(connection, issue), now=now)
        connection.execute(update(tables.delivery).where(row.state == "planned").values(state="accepted", attempts=1))
        connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(state="sent"))
        return list(connection.execute(select(row.subscriber_id).where(row.state == "accepted")).scalars())


def entries(app: App, issue: Issue, readers: Sequence[int], at: datetime, kinds: Sequence[str] = KINDS) -> list[dict[str, Any]]:
    """What SendGrid tells of everybody's mail, of the size that it has."""
    make, second = id_maker(app.key, issue.newsletter, issue.frequency, issue.slot), int(at.timestamp())
    ids = {reader: (own := make(reader), seal(app.key, own, reader)) for reader in readers}
    return [
        {
            "email": f"reader{reader}@example.com",
            "timestamp": second + 60 * place,
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "event": kind,
            "category": [issue.name],
            "sg_event_id": f"{reader:020}{place:02}",
            "sg_message_id": f"{reader:022}.filter0001.16648.5515E0B88.0",
            "response": "250 2.0.0 OK 1795424400 d2e1a72fcca58-6c1f",
            "ip": "192.0.2.7",
            "useragent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
            "delivery_id": ids[reader][0],
            "attempt_id": "1",
            "seal": ids[reader][1],
        }
        for reader in readers
        for place, kind in enumerate(kinds)
    ]


def disordered(events: Sequence[dict[str, Any]], draw: random.Random, *, again: float, size: int) -> list[bytes]:
    """The same events in any order, some of them again, so many in a post."""
    many = [*events, *draw.sample(list(events), int(again * len(events)))]
    draw.shuffle(many)
    return [orjson.dumps(many[start : start + size]) for start in range(0, len(many), size)]


@dataclass(slots=True)
class Server:
    """`digest serve` of a project, on a port that it keeps when it is started anew."""

    folder: Path
    environment: Mapping[str, str]
    now: str
    port: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; it answers when this returns."""
        command = [sys.executable, "-c", _SCRIPT, "serve", "--port", str(self.port), "--now", self.now]
        clean = {name: text for name, text in os.environ.items() if not name.startswith("DIGEST_")}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=clean | dict(self.environment), stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def end(self, how: signal.Signals) -> None:
        """End it, and wait until it has."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.communicate(timeout=30)
            self.process = None

    def processor_seconds(self) -> float:
        """How much of a processor it has used."""
        assert self.process is not None
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(") ")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def a_server(folder: Path, environment: Mapping[str, str], now: str) -> Iterator[Server]:
    """One that is ended at the end, whatever happened."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(folder, environment, now, port)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGTERM)


@dataclass(slots=True)
class Posted:
    """How long each answer took, in seconds, how long all of them did, and how often a post was made again."""

    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0
    again: int = 0

    def percentile(self, share: float) -> float:
        """So many of a hundred answers took at most so long, in milliseconds."""
        ordered = sorted(self.answers)
        return 1000 * ordered[min(len(ordered) - 1, int(share / 100 * len(ordered)))]


def post_all(
    server: Server,
    name: str,
    bodies: Sequence[bytes],
    headers: Headers,
    *,
    connections: int = 4,
    pace: float = 0.0,
    posted: Posted | None = None,
) -> Posted:
    """Post everything until it is answered 200, as a provider does: again when there is no answer. `pace` is posts a second, 0: at once.

    `posted` is filled on the way, for whoever watches.
    """
    posted, lock, began = posted or Posted(), threading.Lock(), time.perf_counter()
    turn = iter(range(len(bodies)))

    def work() -> None:
        line: http.client.HTTPConnection | None = None
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                if line is not None:
                    line.close()
                return
            if pace:
                time.sleep(max(0.0, began + number / pace - time.perf_counter()))
            line = _post_one(server, line, name, bodies[number], headers(bodies[number], number), posted)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    posted.seconds = time.perf_counter() - began
    return posted


def _post_one(
    server: Server, line: http.client.HTTPConnection | None, name: str, body: bytes, headers: Mapping[str, str], posted: Posted
) -> http.client.HTTPConnection:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        asked = time.perf_counter()
        try:
            if line is None:
                line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                line.connect()
                assert line.sock is not None
                line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.request("POST", f"/webhooks/{name}", body, dict(headers))
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            if line is not None:
                line.close()
            line = None
            posted.again += 1
            time.sleep(0.02)
            continue
        if answer.status == 200:
            posted.answers.append(time.perf_counter() - asked)
            return line
        raise AssertionError(f"answered {answer.status}")
    raise AssertionError("the server never answered again")


def signed_by(signer: SendGridSigner) -> Headers:
    """SendGrid's headers, made as a post is made."""
    return lambda body, _: signer.headers(body, datetime.now(UTC))


def wait_until_read(app: App, seconds: float = 120.0) -> float:
    """Wait until no report waits; returns how long that took."""
    began = time.perf_counter()
    report = tables.report.c
    while time.perf_counter() - began < seconds:
        with app.store.reading() as connection:
            if connection.execute(select(report.id).where(report.state == "waiting").limit(1)).first() is None:
                return time.perf_counter() - began
        time.sleep(0.02)
    raise AssertionError("reports still wait")


def counts(connection: Connection) -> dict[str, tuple[int, int]]:
    """How many events of each kind there are, and of how many readers."""
    row = tables.event.c
    query = select(row.kind, func.count(), func.count(row.subscriber_id.distinct())).group_by(row.kind)
    return {kind: (events, readers) for kind, events, readers in connection.execute(query)}


def store_reports(app: App, bodies: Sequence[bytes]) -> None:
    """Reports that wait, as if they had been posted."""
    from digest.delivery import reports
    from digest.delivery.reports import NewReport

    real = datetime.now(UTC)
    with app.store.writing() as connection:
        reports.keep(connection, [NewReport("sendgrid", real, body, body) for body in bodies])


def forget_events(app: App) -> None:
    """As if nothing had been heard."""
    with app.store.writing() as connection:
        for table in (tables.event, tables.report):
            connection.execute(table.delete())
