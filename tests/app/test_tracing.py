"""Traces: what a run, a request and a job did and how long it took, where somebody wants to hear it, and never about whom."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from digest import traces
from digest.app import App
from digest.app.running import run
from digest.app.tracing import traced
from digest.app.working import Worker
from digest.errors import UsageError
from digest.settings.reading import read_settings
from digest.store.database import Store
from digest.web.application import make_application
from tests.journeys.collector import collecting, traces_to
from tests.journeys.project import MONDAY, Project, a_project, article
from tests.journeys.serving import served
from tests.journeys.test_canaries import listening

pytestmark = pytest.mark.sqlite

SECRET = "canary-secret-of-the-project-0123456789"  # of the tests
ANN = "canary@reader.example"
ON = {"DIGEST_SECRET_KEY": SECRET, "DIGEST_TRACING__ENDPOINT": "http://127.0.0.1:9/v1/traces"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        made.join(ANN)
        made.offer(article("a"))
        yield made


@contextmanager
def heard(app: App) -> Iterator[list[ReadableSpan]]:
    """The spans of the block, when it is over."""
    exporter, spans = InMemorySpanExporter(), list[ReadableSpan]()
    with traced(app.settings, exporter):
        yield spans
    spans += sorted(exporter.get_finished_spans(), key=lambda one: one.start_time or 0)


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    return [one.name for one in spans]


def about(spans: Sequence[ReadableSpan], name: str) -> dict[str, Any]:
    (found,) = (one for one in spans if one.name == name)
    return dict(found.attributes or {})


def test_a_run_is_one_tree_of_its_steps_with_ids_alone(project: Project) -> None:
    with project.app(MONDAY, **ON) as app, heard(app) as spans:
        run(app, None, lambda _: None)
    assert names(spans) == ["run", "fetch", "draft", "check", "send", "plan"]
    of_run = spans[0]
    named = {one.context.span_id: one.name for one in spans}
    assert [one.parent and named[one.parent.span_id] for one in spans] == [None, "run", "run", "run", "run", "send"]
    assert about(spans, "run") == {"digest.dry_run": False}
    assert about(spans, "fetch") == {"digest.source": "articles", "digest.failed": False, "digest.entries": 1}
    assert about(spans, "draft") == {"digest.newsletter": "weekly", "digest.slot": "2026-11-23T09:00"}
    assert about(spans, "plan") == {"digest.issue": "weekly/1", "digest.deliveries": 1}
    assert about(spans, "send")["digest.state"] == "sent"
    assert "canary" not in "".join(one.to_json() for one in spans)
    assert dict(of_run.resource.attributes)["service.name"] == "digest"


def test_a_job_of_a_worker_is_a_span_that_lasts_until_its_batch_is_finished(project: Project) -> None:
    with project.app(MONDAY, **ON) as app, heard(app) as spans:
        worker = Worker(lambda: app, threading.Event(), lambda _: None)

        async def hold() -> None:
            held = asyncio.create_task(worker._hold(7))
            await asyncio.sleep(0)
            ticket = worker._feed.take(7)
            assert ticket is not None
            ticket.end()
            await held

        asyncio.run(hold())
    assert about(spans, "batch") == {"digest.issue_id": 7}


def test_a_secret_that_came_with_a_new_configuration_is_in_no_span_either(project: Project) -> None:
    later = "canary-password-of-later"
    anew = project.app(MONDAY, **ON, DIGEST_PROVIDERS__SMTP__PASSWORD=later)
    with project.app(MONDAY, **ON) as app, heard(app) as spans, anew as with_it:
        with traces.span("test") as begun, listening(with_it):
            begun.tell(said=f"535 {later} is wrong")
        with traces.span("next", said=later):
            pass
    assert len(spans) == 2
    assert later not in "".join(one.to_json() for one in spans)


def test_with_more_readers_there_are_no_more_spans(project: Project) -> None:
    for number in range(40):
        project.join(f"u{number}@x.example")
    with project.app(MONDAY, **ON) as app, heard(app) as spans:
        run(app, None, lambda _: None)
    assert len(project.sink.arrived) == 41
    assert len(spans) == 6


def test_of_an_error_the_kind_is_told_and_what_names_somebody_is_scrubbed(project: Project) -> None:
    with project.app(MONDAY, **ON) as app, heard(app) as spans, suppress(ValueError), traces.span("test", whose=ANN) as seen:
        seen.tell(key=SECRET, link="https://x.example/confirm/canary-token")
        raise ValueError(f"no mail to {ANN}")
    told = about(spans, "test")
    assert told["error.type"] == "ValueError"
    assert told["digest.whose"].startswith("person:")
    assert "canary" not in spans[0].to_json()
    assert not spans[0].events


def test_a_request_is_told_by_its_route_and_its_status(project: Project) -> None:
    with project.app(MONDAY, **ON) as app, heard(app) as spans:
        client = TestClient(
            make_application(app.settings, app.store, lambda: app.now), base_url="http://127.0.0.1", raise_server_exceptions=False
        )
        client.get("/confirm/canary-token?email=canary@reader.example")
        client.get("/canary")
        client.request("CANARY", "/archive")
        client.get("/healthz")
        with pytest.MonkeyPatch.context() as patch:

            def fail(_: Store) -> Any:
                raise RuntimeError("canary")

            patch.setattr("digest.store.database.Store.reading", fail)
            assert client.get("/archive/weekly/7").status_code == 500
    told = [dict(one.attributes or {}) for one in spans]
    assert [(one["digest.method"], one["digest.route"], one.get("digest.status")) for one in told] == [
        ("GET", "/confirm/…", 404),
        ("GET", "none", 404),
        ("another", "/archive", 405),
        ("GET", "/archive/{newsletter}/{number}", None),
    ]
    assert told[-1]["error.type"] == "RuntimeError"
    assert "canary" not in "".join(one.to_json() for one in spans).lower()


def test_a_collector_is_told_by_otlp_and_reads_what_proves_who_tells(project: Project) -> None:
    with collecting() as collector:
        got = project.command(
            "run", "--now", MONDAY.isoformat(), **ON | traces_to(collector), DIGEST_TRACING__HEADERS="api-key=canary-key, x-b=2"
        )
    assert (got.returncode, got.stderr) == (0, "")
    assert [one.name for one in collector.spans][:2] == ["run", "fetch"]
    told, *_ = collector.told
    headers = told.headers
    assert told.path == "/v1/traces"
    assert (headers["api-key"], headers["x-b"]) == ("canary-key", "2")
    assert headers["content-type"] == "application/x-protobuf"
    assert b"canary" not in b"".join(collector.bodies)


@pytest.mark.parametrize("status", [None, 401, 503])
def test_a_collector_that_is_at_fault_stops_nothing_and_keeps_nobody_waiting(project: Project, status: int | None) -> None:
    with collecting(status) as collector:
        got = project.command("run", "--now", MONDAY.isoformat(), **ON | traces_to(collector))
        assert got.returncode == 0, got
        assert collector.bodies
    assert len(project.sink.arrived) == 1
    assert got.stderr.count("\n") <= 1
    assert status != 401 or "the collector of traces takes none" in got.stderr


def test_a_process_that_is_told_to_end_ends_though_its_collector_hangs(project: Project) -> None:
    with collecting(None) as collector, served(with_environment(project, ON | traces_to(collector))) as pages:
        assert pages.ask("GET", "/archive").status == 200
        pages.process.terminate()
        assert pages.process.wait(10) == 0


def with_environment(project: Project, more: dict[str, str]) -> Project:
    return replace(project, environment=project.environment | more)


def test_nothing_is_told_and_nothing_is_loaded_where_nobody_wants_to_hear_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == "opentelemetry"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # its import fails
    assert project.command("articles", "list").returncode == 0
    assert traces.span("a") is traces.span("b")
    wanting = project.command("articles", "list", **ON)
    assert (wanting.returncode, "install digest-newsletter[tracing]" in wanting.stderr) == (2, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("endpoint", "127.0.0.1:4318", "is not a web address"),
        ("endpoint", "https://canary:canary@x.example/v1/traces", "must not carry a user name or a password"),
        ("endpoint", "https://x.example/v1/traces?key=canary", "belongs in tracing.headers"),
        ("headers", "canary", "must be name=value"),
        ("headers", "a=canary\nb: c", "must be name=value"),
        ("headers", "a=canary,=b", "must be name=value"),
        ("sample", "0", "must be more than nothing"),
        ("sample", "nan", "finite"),
        ("environment", "a\nb", "one line"),
    ],
)
def test_what_is_configured_wrong_is_a_line_that_names_it_and_shows_no_secret(
    project: Project, name: str, value: str, said: str
) -> None:
    with pytest.raises(UsageError) as told:
        read_settings(project.folder / "config" / "digest.toml", project.environment | {f"DIGEST_TRACING__{name.upper()}": value})
    assert f"tracing.{name}" in str(told.value)
    assert said in str(told.value)
    assert "canary" not in str(told.value)


def test_the_headers_may_not_stand_in_the_file(project: Project) -> None:
    project.configure("[delivery]", '[tracing]\nheaders = "a=canary"\n\n[delivery]')
    with pytest.raises(UsageError, match=r"tracing\.headers"):
        read_settings(project.folder / "config" / "digest.toml", project.environment)
