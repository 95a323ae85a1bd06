"""(b) A whole issue through SendGrid's API, with the ledger; beside the package's helper classes and a bare loop as the floor.

All three post the same readers, each rendition's apart, to the same stub. The bare loop reads rows and posts what it
serialises: no plan, no mark, no links of a reader's own. The helper classes do the same with `Mail` and `Personalization`.
"""

from __future__ import annotations

import statistics
import time
from importlib import import_module
from typing import Any

from benchmarks.api_stub import Taken, a_stub
from benchmarks.measuring import Apart, Figure, apart
from benchmarks.project import Place, a_place, by_popularity, opened, the_issue
from digest.app.sending import send

_LANES = 16
_REQUEST = 1000
_PEERS_SHARE = 20  # the helper classes are given a twentieth of the readers: they are that much slower


def sendgrid(audience: int, runs: int) -> list[Figure]:
    """Recipients a second from the plan to the last settled delivery, peak memory, and growth from a tenth of the audience."""
    whole = [_delivered(audience) for _ in range(runs)]
    tenth = [_delivered(audience // 10) for _ in range(runs)]
    took, small = (statistics.median(one.result["seconds"] for one in several) for several in (whole, tenth))
    largest = max(whole, key=lambda one: one.peak_mb)
    peak, rate, growth = largest.peak_mb, audience / took, took / small
    floor, helpers = _peer("bare_loop", audience), _peer("helper_classes", audience // _PEERS_SHARE)
    processor = statistics.median(one.processor for one in whole) / audience * 1e6
    return [
        Figure(
            f"SendGrid, {audience:,} subscribers",
            f"{rate:,.0f} recipients/s, {processor:.0f} µs of processor each",
            f"bare loop {floor:,.0f}/s; helper classes {helpers:,.0f}/s",
            f"{rate / floor:.2f} × the floor, {rate / helpers:.1f} × the helper classes",
            "≥ 25,000/s",
            {"sendgrid_recipients_per_second": round(rate)},
            {"bare_loop_recipients_per_second": round(floor), "helper_classes_recipients_per_second": round(helpers)},
        ),
        Figure(
            "its peak memory",
            f"{peak:.0f} MB together, the carrier {largest.children_mb:.0f} MB at most",
            bar="≤ 200 MB",
            keys={"sendgrid_peak_mb": round(peak, 1)},
        ),
        Figure(
            f"growth {audience // 10:,} → {audience:,}",
            f"{growth:.1f} × the time",
            f"peak {max(one.peak_mb for one in tenth):.0f} → {peak:.0f} MB",
            bar="≤ 11 ×",
            keys={"growth_1e5_1e6": round(growth, 2)},
        ),
    ]


def deliver(place: Place, url: str, lanes: int) -> dict[str, Any]:
    """Send the issue through the API at `url`: how long from the plan to the last settled delivery, and what became of them."""
    environment = {
        "DIGEST_DELIVERY__PROVIDER": "sendgrid",
        "DIGEST_DELIVERY__CONCURRENCY": str(lanes),
        "DIGEST_DELIVERY__BATCH": str(_REQUEST),
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": "SG.benchmark",
        "DIGEST_PROVIDERS__SENDGRID__HOST": url,
    }
    with opened(place, **environment) as app:
        issue = the_issue(app)
        began = time.perf_counter()
        sent = send(app, issue, lambda _: None)
        took = time.perf_counter() - began
    return {"seconds": took, "accepted": sent.account["accepted"], "suppressed": sent.account["suppressed"]}


def check(result: dict[str, Any], audience: int, taken: Taken) -> None:
    """A figure of a send that lost somebody is none."""
    if result["accepted"] + result["suppressed"] != audience or taken.recipients != result["accepted"]:
        raise RuntimeError(f"{audience} subscribers came to {result}, and the stub took {taken}")


def _delivered(audience: int) -> Apart[dict[str, Any]]:
    with a_place(by_popularity(), audience) as place, a_stub() as stub:
        ran = apart(deliver, place, stub.url, _LANES)
    check(ran.result, audience, stub.taken)
    return ran


def _peer(name: str, readers: int) -> float:
    work = getattr(import_module("benchmarks.api_peers"), name)  # not in the process that is measured
    with a_place(by_popularity(), readers) as place, a_stub() as stub:
        took: float = apart(work, place, stub.url, readers).result
    return readers / took
