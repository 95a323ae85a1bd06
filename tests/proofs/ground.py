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

from sqlalchemy import create_engine, text

from digest.settings.project import init_project
from digest.store.database import Store
from digest.testing.sendgrid_stub import SendGridStub
from digest.testing.smtp_sink import SmtpSink
from tests.proofs.invariants import Verdict, judge
from tests.proofs.zygote import Zygote

STORES = ("sqlite", "postgresql")
TRANSPORTS = ("smtp", "sendgrid")
BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
NOW = "2026-11-23T09:05:00+00:00"
TOPICS = ("databases", "messaging", "reliability", "data-engineering", "python", "devops", "security", "career")
KEY = "SG.key-of-the-proofs"


@dataclass(slots=True)
class Ground:
    """A project that is ready to run. `witness` has counted what arrived."""

    folder: Path
    environment: dict[str, str]
    zygote: Zygote
    witness: SmtpSink | SendGridStub
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
            return len(self.witness.arrived)
        return sum(len(request.payload["personalizations"]) for request in self.witness.accepted[:])

    def arrived(self) -> Counter[str]:
        """Who got how many."""
        if isinstance(self.witness, SmtpSink):
            return Counter(message.rcpt_to for message in self.witness.arrived)
        return Counter(self.witness.recipients)

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


class Server:
    """A PostgreSQL server, on which databases come and go."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return self._url.replace("/postgres?", f"/{database}?")

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A new database, a copy of another one; returns its name."""
        name = f"proof_{os.getpid()}_{os.urandom(4).hex()}"
        self._do(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield name
        self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    def _do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


@dataclass(slots=True)
class Seed:
    """A project with so many subscribers and nothing sent; grounds are copies of it."""

    folder: Path
    store: str
    server: Server | None
    database: str | None


@contextmanager
def a_seed(zygote: Zygote, store: str, audience: int, server_url: str | None = None) -> Iterator[Seed]:
    """Make one; `server_url` is of a PostgreSQL server, for that store."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-seed-")))
        init_project(folder, BEGAN)
        server = stack.enter_context(_server(server_url)) if store == "postgresql" else None
        database = stack.enter_context(server.database()) if server else None
        url = server.url(database) if server and database else f"sqlite:///{folder / 'digest.db'}"
        people = [f"u{number}@example.com,{TOPICS[number % 8]} {TOPICS[number % 5]},yes" for number in range(audience)]
        (folder / "people.csv").write_text("\n".join(["email,topics,confirmed", *people]), encoding="utf-8")
        said = folder / "said.txt"
        imports = ("subscribers", "import", "people.csv", "--now", NOW)
        child = zygote.start(folder, _ours() | {"DIGEST_DATABASE__URL": url}, *imports, said=said)
        assert zygote.wait(child) == 0, said.read_text(encoding="utf-8")
        yield Seed(folder, store, server, database)


@contextmanager
def a_ground(zygote: Zygote, seed: Seed, transport: str) -> Iterator[Ground]:
    """A copy of a seed, and a witness."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="digest-proof-"))) / "project"
        shutil.copytree(seed.folder, folder)
        url = f"sqlite:///{folder / 'digest.db'}"
        if seed.server is not None and seed.database is not None:
            url = seed.server.url(stack.enter_context(seed.server.database(seed.database)))
        witness: SmtpSink | SendGridStub = SmtpSink() if transport == "smtp" else SendGridStub(api_key=KEY)
        stack.enter_context(witness)
        environment = _environment(transport, witness) | {"DIGEST_DATABASE__URL": url}
        yield Ground(folder, environment, zygote, witness, url)


def _ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}


def _environment(transport: str, witness: SmtpSink | SendGridStub) -> dict[str, str]:
    if isinstance(witness, SmtpSink):
        return _ours() | {
            "DIGEST_DELIVERY__PROVIDER": transport,
            "DIGEST_PROVIDERS__SMTP__HOST": witness.host,
            "DIGEST_PROVIDERS__SMTP__PORT": str(witness.port),
            "DIGEST_PROVIDERS__SMTP__SECURITY": "none",
        }
    return _ours() | {
        "DIGEST_DELIVERY__PROVIDER": transport,
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": KEY,
        "DIGEST_PROVIDERS__SENDGRID__HOST": witness.url,
    }


@contextmanager
def _server(url: str | None) -> Iterator[Server]:
    assert url is not None, "this needs a PostgreSQL server"
    server = Server(url)
    try:
        yield server
    finally:
        server.close()
