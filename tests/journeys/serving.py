"""`digest serve` as a process of its own, and a client that knows nothing but addresses."""

from __future__ import annotations

import http.client
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.journeys.project import Project


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Served:
    """A project's pages on a port of this machine."""

    process: subprocess.Popen[str]
    port: int

    def ask(
        self, method: str, address: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for an address as it stands in a mail; whatever its host, this machine is asked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        parts = urlsplit(address)
        kind = {} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        host = {"Host": parts.netloc} if parts.netloc else {}
        try:
            body = None if form is None else urlencode(form)
            connection.request(method, parts.path or "/", body, host | kind | dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()


@contextmanager
def served(project: Project, *arguments: str, scheduler: bool = False, **environment: str) -> Iterator[Served]:
    """The pages of a project; they are told to end at the end, and must."""
    runs = "--scheduler" if scheduler else "--no-scheduler"
    process = project.process("serve", "--port", "0", runs, *arguments, **environment)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("serving on http://127.0.0.1:"), said + process.communicate()[1]
        yield Served(process, int(said.rpartition(":")[2]))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
