"""Traces by OpenTelemetry, where a project wants them: told to a collector by OTLP over HTTP, in the background, scrubbed like log lines.

A span holds what was done and ids. Of an error its kind is told, never its words. A collector that is out of reach, slow or wrong
stops nothing and keeps nobody waiting: what it does not take is forgotten, and a process that ends waits for it for a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digest import __version__, traces
from digest.app.scrubbing import Scrubber
from digest.errors import UsageError
from digest.logs import logger
from digest.settings import Settings
from digest.settings.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span, Tracer

_AT_THE_END = 1.5  # seconds for what has not been told yet
_ANSWERS_WITHIN = 5.0
_EVERY = 2000  # milliseconds; so much is lost when a process is killed
_MOST = 4096  # spans that wait; what comes after them is forgotten
_log = logger("digest.traces")


@contextmanager
def traced(settings: Settings, exporter: SpanExporter | None = None) -> Iterator[None]:
    """Tell spans meanwhile, to the collector or to `exporter`; nothing is loaded where nobody wants to hear them.

    `UsageError` where what tells them is not installed.
    """
    if settings.tracing.endpoint is None:
        yield
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        collector = exporter or _exporter(settings.tracing)
    except ModuleNotFoundError:
        raise UsageError("tracing.endpoint needs OpenTelemetry: install digest-newsletter[tracing]") from None
    scrubber = Scrubber(settings)
    about = {
        "service.name": "digest",
        "service.version": __version__,
        "deployment.environment.name": scrubber.text(settings.tracing.environment),
    }
    provider = TracerProvider(ParentBased(TraceIdRatioBased(settings.tracing.sample)), Resource(about), shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(collector, max_queue_size=_MOST, schedule_delay_millis=_EVERY, max_export_batch_size=_MOST // 8)
    )
    teller = _Teller(provider.get_tracer("digest"), scrubber)
    _tellers.append(teller)
    traces.listen(teller.begin)
    try:
        yield
    finally:
        traces.listen(None)
        _tellers.remove(teller)
        last = threading.Thread(target=provider.shutdown, name="traces", daemon=True)  # it would wait for half a minute
        last.start()
        last.join(_AT_THE_END)
        collector.shutdown()  # then it tries no more


def scrub_spans(settings: Settings) -> None:
    """From now on no span holds a secret of these settings either."""
    for teller in _tellers:
        teller.scrubber.learn(settings)


class _Teller:
    """Begins spans."""

    def __init__(self, tracer: Tracer, scrubber: Scrubber) -> None:
        self._tracer, self.scrubber = tracer, scrubber

    @contextmanager
    def begin(self, action: str, about: dict[str, traces.Value]) -> Iterator[traces.Seen]:
        """As `digest.traces.span`."""
        from opentelemetry.trace import StatusCode

        told = {f"digest.{key}": self.scrubber.data(value) for key, value in about.items()}
        with self._tracer.start_as_current_span(
            action, attributes=told, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Seen(span, self)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(StatusCode.ERROR)
                raise


class _Seen:
    """A span of OpenTelemetry's that has begun."""

    def __init__(self, span: Span, teller: _Teller) -> None:
        self._span, self._teller = span, teller

    def tell(self, **about: traces.Value) -> None:
        """What is known of it only now."""
        for key, value in about.items():
            self._span.set_attribute(f"digest.{key}", self._teller.scrubber.data(value))


_tellers: list[_Teller] = []  # of this process: one, where there are traces


def _exporter(settings: Tracing) -> SpanExporter:
    import logging

    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    # What goes wrong is said by us, once: the library's lines come again and again.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    session = requests.Session()
    session.trust_env = False  # no proxy and no password of whoever started the process
    over_http = OTLPSpanExporter(settings.endpoint, headers=settings.pairs(), timeout=_ANSWERS_WITHIN, session=session)

    class Patient(SpanExporter):
        """The same, whose failures are said once, until it answers again."""

        failing = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = over_http.export(spans)
            failed = result is not SpanExportResult.SUCCESS
            if failed and not self.failing:
                _log.warning("the collector of traces takes none; they are forgotten until it does", action="traces_not_told")
            self.failing = failed
            return result

        def shutdown(self) -> None:
            over_http.shutdown()  # type: ignore[no-untyped-call]  # the library has forgotten to say

    return Patient()
