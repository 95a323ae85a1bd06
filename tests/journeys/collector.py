"""Somebody else's server on this machine: takes spans by OTLP and reports of errors, and to whatever else answers as it is told."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Told:
    """One request, its body unpacked; the headers by their names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes


class Collector(ThreadingHTTPServer):
    """`status` answers traces, and with None nobody ever does. What is neither spans nor reports is refused, with all it came with."""

    daemon_threads = True

    def __init__(self, status: int | None = 200) -> None:
        self.status, self.over = status, threading.Event()
        self.told: list[Told] = []
        super().__init__(("127.0.0.1", 0), _Taking)

    @property
    def bodies(self) -> list[bytes]:
        """What was told as traces, to the byte."""
        return [one.body for one in self.told if one.path == "/v1/traces"]

    @property
    def spans(self) -> list[Any]:
        """The same, as their own protocol has them; oldest first."""
        found = []
        for body in self.bodies:
            told = ExportTraceServiceRequest.FromString(body)
            found += [span for one in told.resource_spans for scope in one.scope_spans for span in scope.spans]
        return sorted(found, key=lambda one: one.start_time_unix_nano)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The reports of errors: of each envelope what is no header."""
        lines = [line for one in self.told if one.path.endswith("/envelope/") for line in one.body.splitlines()]
        found = (json.loads(line) for line in lines if line)
        return [one for one in found if "event_id" in one and "level" in one]


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.told.append(Told(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        if self.path != "/v1/traces":
            taken = self.path.endswith("/envelope/")
            self._answer(200 if taken else 500, b"{}" if taken else f"no: {self.path} {self.headers} {body!r}".encode())
        elif self.server.status is None:
            self.server.over.wait(30)
        else:
            self._answer(self.server.status, b"")

    def do_GET(self) -> None:
        self.server.told.append(Told(self.path, {}, b""))
        self._answer(500, f"no: {self.path} {self.headers}".encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Not into the tests' report."""


@contextmanager
def collecting(status: int | None = 200) -> Iterator[Collector]:
    """A collector, until the end of the block."""
    with Collector(status) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def traces_to(collector: Collector) -> dict[str, str]:
    """What has a project tell it."""
    return {"DIGEST_TRACING__ENDPOINT": f"http://127.0.0.1:{collector.server_port}/v1/traces"}
