"""Workers: one, two and three of them on one PostgreSQL, and what the limit was.

    python -m benchmarks.workers [SUBSCRIBERS]

Alone, and not with the others: it is about the machine as a whole. The time goes from the first claim to the last batch that
was finished, as the ledger has them; what the processes cost is read before they are told to end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, text

from benchmarks.api_stub import a_stub
from benchmarks.moving import NOW, write_people
from digest.delivery.jobs import workers
from digest.delivery.statements import stands
from digest.delivery.transitions import UNSENT
from digest.settings.project import init_project
from digest.store import tables
from digest.store.database import Store
from tests.databases import Server

_TICK = os.sysconf("SC_CLK_TCK")
_RUNS = 3
_DIGEST = [sys.executable, "-c", "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"]


@dataclass(frozen=True, slots=True)
class Went:
    """One send: how long, and the processor seconds of the workers and of the server meanwhile."""

    workers: int
    seconds: float
    theirs: float
    servers: float

    def line(self, subscribers: int) -> str:
        """For a person."""
        busy = (self.theirs + self.servers) / self.seconds
        return (
            f"{self.workers} workers: {subscribers / self.seconds:,.0f} messages/s, {self.seconds:.1f} s; processor: workers"
            f" {self.theirs:.1f} s, server {self.servers:.1f} s, together {busy:.1f} of {os.cpu_count()} processors"
        )


def main() -> None:
    """Measure and print, one line for each send; and the bytes that a subscriber and a delivery take."""
    subscribers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    server = Server()
    try:
        with tempfile.TemporaryDirectory(prefix="digest-workers-") as name, a_stub() as stub:
            folder = Path(name)
            environment = _environment(stub.url)
            seed = _seed(folder, server, environment, subscribers)
            for run in range(_RUNS):
                for many in (1, 2, 3):
                    went = _send(folder, server, seed, environment, many, told=run == 0 and many == 3)
                    print(went.line(subscribers), flush=True)
    finally:
        server.remove()


def _environment(url: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    return plain | {
        "DIGEST_DELIVERY__PROVIDER": "sendgrid",
        "DIGEST_DELIVERY__ENGINE": "workers",
        "DIGEST_DATABASE__EPOCH": "none",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": "SG.benchmark",
        "DIGEST_PROVIDERS__SENDGRID__HOST": url,
    }


def _seed(folder: Path, server: Server, environment: dict[str, str], subscribers: int) -> str:
    """A database with so many people and an approved issue; returns its name."""
    init_project(folder, NOW)
    write_people("digest", 3 * subscribers // 2, folder / "people.csv")  # a third of them has not confirmed
    name = server.create()
    for command in (("subscribers", "import", "people.csv"), ("issues", "draft", "weekly"), ("issues", "approve", "weekly/1")):
        _digest(folder, environment | {"DIGEST_DATABASE__URL": server.url(name)}, *command)
    return name


def _digest(folder: Path, environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(
        [*_DIGEST, *arguments, "--now", NOW.isoformat()], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def _send(folder: Path, server: Server, seed: str, environment: dict[str, str], many: int, *, told: bool) -> Went:
    name = server.create(like=seed)
    environment = environment | {"DIGEST_DATABASE__URL": server.url(name)}
    store = Store(server.url(name))
    try:
        with ExitStack() as stack:
            crew = [stack.enter_context(_process(folder, environment, "worker")) for _ in range(many)]
            _until(lambda: _alive(store) == many, "the workers never came")
            with _process(folder, environment, "send", "weekly/1") as sending:
                _until(lambda: _claimed(store), "nobody claimed anything", every=0.02)
                before = _processor(crew), _servers(server)  # without plan and conclusion, which are not in the time either
                _until(lambda: _settled(store), "it came to no end", every=0.02)
                after = _processor(crew), _servers(server)
                os.waitid(os.P_PID, sending, os.WEXITED | os.WNOWAIT)
        if told:
            print(*_sizes(store), sep="\n")
        return Went(many, _seconds(store), after[0] - before[0], after[1] - before[1])
    finally:
        store.close()
        server.drop(name)


@contextmanager
def _process(folder: Path, environment: dict[str, str], *arguments: str) -> Iterator[int]:
    process = subprocess.Popen(
        [*_DIGEST, *arguments, "--now", NOW.isoformat()], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _until(so: Callable[[], bool], otherwise: str, every: float = 0.1) -> None:
    ends = time.monotonic() + 120
    while not so():
        if time.monotonic() > ends:
            raise RuntimeError(otherwise)
        time.sleep(every)


def _claimed(store: Store) -> bool:
    with store.reading() as connection:
        return connection.execute(select(tables.batch.c.id).limit(1)).first() is not None


def _settled(store: Store) -> bool:
    """Whether nobody waits any more: found by the index of open deliveries, most often at its first one."""
    with store.reading() as connection:
        return not any(
            connection.execute(select(tables.delivery.c.issue_id).where(stands(one)).limit(1)).first() for one in UNSENT
        )


def _alive(store: Store) -> int:
    with store.reading() as connection:
        there = text("SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'digest_jobs'")
        return workers(connection) if connection.execute(there).scalar_one() else 0


def _seconds(store: Store) -> float:
    line, batch = tables.history.c, tables.batch.c
    with store.reading() as connection:
        first = connection.execute(select(func.min(line.at)).where(line.to_state == "claimed")).scalar_one()
        last = connection.execute(select(func.max(batch.finished_at))).scalar_one()
        left = connection.execute(select(func.count()).where(tables.delivery.c.state != "accepted")).scalar_one()
    if left:
        raise RuntimeError(f"{left} were not accepted: that is no figure")
    return (_time(last) - _time(first)).total_seconds()


def _time(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _processor(pids: list[int]) -> float:
    """Their own seconds, and those of their children that have ended or live."""
    return sum(_spent(pid) + sum(_spent(child) for child in _children(pid)) for pid in pids)


def _servers(server: Server) -> float:
    """The server's, with those of its sessions that have ended."""
    if server._process is None:
        raise RuntimeError("the server is away")
    return _processor([server._process.pid])


def _spent(pid: int) -> float:
    fields = _fields(pid)
    return sum(map(int, fields[11:15])) / _TICK if fields else 0.0


def _children(pid: int) -> list[int]:
    """Found one by one: the list of children that the kernel keeps misses some while others end."""
    everybody = (int(found.name) for found in Path("/proc").iterdir() if found.name.isdigit())
    return [one for one in everybody if _fields(one)[1:2] == [str(pid)]]


def _fields(pid: int) -> list[str]:
    """Those of `/proc/PID/stat` from the third on; none where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(") ")[2].split()
    except OSError:
        return []


def _sizes(store: Store) -> Iterator[str]:
    """Bytes that a row takes, with its indexes."""
    for name in ("subscriber", "subscription", "consent", "delivery", "batch", "history"):
        with store.reading() as connection:
            size = connection.execute(text("SELECT pg_total_relation_size(to_regclass(:name))"), {"name": name}).scalar_one()
            many = connection.execute(select(func.count()).select_from(tables.metadata.tables[name])).scalar_one()
        yield f"{name}: {many:,} rows, {size / max(1, many):.0f} bytes a row with its indexes"


if __name__ == "__main__":
    main()
