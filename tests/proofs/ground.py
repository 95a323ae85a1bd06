"""A proving ground: one project, one store, one transport, and a witness that counts what really arrived."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from digest.settings.project import init_project
from digest.store import tables
from digest.store.database import Store
from digest.testing.sendgrid_stub import SendGridStub
from digest.testing.service_stubs import SERVICES, ServiceStub
from digest.testing.smtp_sink import SmtpSink
from tests.databases import Server
from tests.proofs.invariants import OPEN, Verdict, judge
from tests.proofs.zygote import Zygote

STORES = ("sqlite", "postgresql")
TRANSPORTS = ("smtp", "sendgrid")
BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
NOW = "2026-11-23T09:05:00+00:00"
TOPICS = ("databases", "messaging", "reliability", "data-engineering", "python", "devops", "security", "career")
KEY = "SG.key-of-the-proofs"
Witness = SmtpSink | SendGridStub | ServiceStub


@dataclass(slots=True)
class Ground:
    """A project that is ready to run. `witness` has counted what arrived."""

    folder: Path
    environment: dict[str, str]
    zygote: Zygote
    witness: Witness
    database_url: str

    def start(self, *arguments: str, **more: str) -> int:
        """A `digest` process; returns its pid."""
        return self.zygote.start(self.folder, self.environment | more, *arguments, said=self.folder / "said.txt")

    def run(self, *arguments: str, **more: str) -> int:
        """A `digest` process to its end; returns its exit status."""
        return self.zygote.wait(self.start(*arguments, **more))

    def count(self) -> int:
        """How many messages have arrived so far."""
        if isinstance(self.witness, SmtpSink):
            return len([message for message in self.witness.arrived[:] if message.kept])
        return len(self.witness.recipients)

    def arrived(self) -> Counter[str]:
        """Who got how many."""
        if isinstance(self.witness, SmtpSink):
            return Counter(message.rcpt_to for message in self.witness.arrived if message.kept)
        return Counter(self.witness.recipients)

    def waiting(self) -> bool:
        """Whether anything of the issue still waits to be sent, or there is none yet."""
        states = self.states()
        return not states or not OPEN.isdisjoint(states)

    def in_doubt(self) -> int:
        """How many deliveries stand where nobody knows whether they arrived: at the provider, or unknown."""
        states = self.states()
        return states["sending"] + states["unknown"]

    def states(self) -> Counter[str]:
        """How many deliveries stand in which state."""
        store = Store(self.database_url)
        try:
            with store.reading() as connection:
                return Counter(connection.execute(select(tables.delivery.c.state)).scalars())
        finally:
            store.close()

    def judge(self, *, finished: bool = True) -> Verdict:
        """Whether everything that must hold does."""
        store = Store(self.database_url)
        try:
            with store.reading() as connection:
                return judge(connection, self.arrived(), finished=finished)
        finally:
            store.close()

    def said(self) -> str:
        """Everything that its processes printed."""
        path = self.folder / "said.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@dataclass(slots=True)
class Seed:
    """A project with so many subscribers and nothing sent; grounds are copies of it."""

    folder: Path
    store: str
    server: Server | None
    database: str | None


@contextmanager
def a_seed(zygote: Zygote, store: str, audience: int, server: Server | None = None, *, approved: bool = False) -> Iterator[Seed]:
    """Make one; `server` is for PostgreSQL. With `approved`, its issue is frozen and approved, so that a run only sends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-seed-")))
        init_project(folder, BEGAN)
        server = server if store == "postgresql" else None
        database = stack.enter_context(_database(server)) if server else None
        url = server.url(database) if server and database else f"sqlite:///{folder / 'digest.db'}"
        people = [f"u{number}@example.com,{TOPICS[number % 8]} {TOPICS[number % 5]},yes" for number in range(audience)]
        (folder / "people.csv").write_text("\n".join(["email,topics,confirmed", *people]), encoding="utf-8")
        said = folder / "said.txt"
        commands = [("subscribers", "import", "people.csv")]
        commands += [("issues", "draft", "weekly"), ("issues", "approve", "weekly/1")] if approved else []
        for command in commands:
            child = zygote.start(folder, _ours() | {"DIGEST_DATABASE__URL": url}, *command, "--now", NOW, said=said)
            assert zygote.wait(child) == 0, said.read_text(encoding="utf-8")
        yield Seed(folder, store, server, database)


@contextmanager
def a_ground(zygote: Zygote, seed: Seed, transport: str, given: Witness | None = None) -> Iterator[Ground]:
    """A copy of a seed, and a witness: one that behaves, or the given one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-proof-"))) / "project"
        shutil.copytree(seed.folder, folder)
        url = f"sqlite:///{folder / 'digest.db'}"
        if seed.server is not None and seed.database is not None:
            url = seed.server.url(stack.enter_context(_database(seed.server, seed.database)))
        witness = _witness(transport) if given is None else given
        stack.enter_context(witness)
        environment = _environment(transport, witness) | {"DIGEST_DATABASE__URL": url}
        yield Ground(folder, environment, zygote, witness, url)


def _ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}


def _witness(transport: str) -> Witness:
    if transport == "smtp":
        return SmtpSink()
    return next((service.stub() for service in SERVICES if service.name == transport), None) or SendGridStub(api_key=KEY)


def _environment(transport: str, witness: Witness) -> dict[str, str]:
    if isinstance(witness, SmtpSink):
        return _ours() | {
            "DIGEST_DELIVERY__PROVIDER": transport,
            "DIGEST_PROVIDERS__SMTP__HOST": witness.host,
            "DIGEST_PROVIDERS__SMTP__PORT": str(witness.port),
            "DIGEST_PROVIDERS__SMTP__SECURITY": "none",
        }
    if isinstance(witness, ServiceStub):
        return _ours() | witness.service.environment(witness)
    return _ours() | {
        "DIGEST_DELIVERY__PROVIDER": transport,
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": KEY,
        "DIGEST_PROVIDERS__SENDGRID__HOST": witness.url,
    }


@contextmanager
def _database(server: Server, like: str | None = None) -> Iterator[str]:
    """A new database, or a copy of another one; returns its name."""
    name = server.create(like=like)
    yield name
    server.drop(name)
