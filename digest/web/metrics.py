"""Metrics: `/metrics`, in Prometheus' format, for this machine alone or for who has the token."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.app.measuring import Measurer
from digest.insights.measures import Family
from digest.settings import Settings
from digest.web.guarding import METRICS, is_loopback
from digest.web.site import Site

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def routes(site: Site) -> list[Route]:
    """`/metrics`; to everybody else as if there were no such page."""
    measurer = Measurer()

    def metrics(request: Request) -> Response:
        if not _may_read(request, site.settings):
            return PlainTextResponse("Not found.\n", 404)
        return Response(written(measurer.measure(site.app())), media_type=_TYPE)

    return [Route(METRICS, metrics)]


def written(families: Iterable[Family]) -> bytes:
    """Measures as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(families))
    return generate_latest(registry)


class _Read:
    """A collector of what was read already."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """A gauge for each measure: what a store says is how things stand, for every process alike."""
        for one in self._families:
            gauge = GaugeMetricFamily(f"digest_{one.name}", one.help, labels=one.labels)
            for labels, value in sorted(one.values.items()):
                gauge.add_metric(labels, value)
            yield gauge


def _may_read(request: Request, settings: Settings) -> bool:
    token = settings.metrics.token
    if token is not None:
        said = request.headers.get("authorization", "").encode()
        return hmac.compare_digest(said, b"Bearer " + token.get_secret_value().encode())
    near = is_loopback(request.client.host if request.client else "") and is_loopback(request.url.hostname or "")
    return near and not any(name in request.headers for name in _PASSED_ON)
