"""(e) A long tail: as many renditions as subscribers, through an API that takes 50 ms to answer."""

from __future__ import annotations

from benchmarks.api import check, deliver
from benchmarks.api_stub import a_stub
from benchmarks.measuring import Figure, apart
from benchmarks.project import a_place, in_turn

_LANES = 50
_MILLISECONDS = 50


def long_tail(renditions: int) -> list[Figure]:
    """Each request carries one reader, so requests must be under way at once: one connection makes at most 20 a second."""
    with a_place(in_turn(renditions), renditions) as place, a_stub(_MILLISECONDS) as stub:
        ran = apart(deliver, place, stub.url, _LANES)
    check(ran.result, renditions, stub.taken)
    rate = stub.taken.requests / ran.result["seconds"]
    limit = stub.taken.connections * 1000 / _MILLISECONDS
    return [
        Figure(
            f"long tail, {renditions:,} renditions, {_MILLISECONDS} ms an answer",
            f"{rate:,.0f} requests/s in {ran.result['seconds']:.0f} s, peak {ran.peak_mb:.0f} MB",
            f"{stub.taken.connections} connections carry at most {limit:,.0f}/s",
            f"{rate / limit:.2f} ×",
            "≥ 500/s",
            {"long_tail_requests_per_second": round(rate), "long_tail_peak_mb": round(ran.peak_mb, 1)},
            {"long_tail_connections": stub.taken.connections},
        )
    ]
