"""(h) Reports of providers: received, verified and committed by `digest serve`, and read by it; through a SIGKILL."""

from __future__ import annotations

import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.measuring import Figure, apart
from benchmarks.project import NOW, Place, a_place, by_popularity, opened, the_issue
from benchmarks.storm import (
    KINDS,
    a_server,
    counts,
    disordered,
    entries,
    forget_events,
    post_all,
    sent,
    signed_by,
    store_reports,
    wait_until_read,
)
from digest.app.processing import process
from digest.testing.webhook_signing import SendGridSigner, mailgun_body, postmark_headers, resend_headers

_SIGNER = SendGridSigner()
_SECRET, _PASSWORD, _KEY = "whsec_" + "c2VjcmV0" * 4, "p" * 32, "m" * 32
_ENVIRONMENT = {
    "DIGEST_PROVIDERS__SENDGRID__WEBHOOK_KEY": _SIGNER.key,
    "DIGEST_PROVIDERS__RESEND__WEBHOOK_KEY": _SECRET,
    "DIGEST_PROVIDERS__POSTMARK__WEBHOOK_KEY": _PASSWORD,
    "DIGEST_PROVIDERS__MAILGUN__WEBHOOK_KEY": _KEY,
}
_SEED = 7
_AGAIN = 0.2
_SIZES = (500, 100)  # events a post: SendGrid gathers them for some seconds, so the busier it is, the more


def webhooks(readers: int, runs: int) -> Iterator[Figure]:
    """Events a second that are answered, and read; and what one takes of a processor."""
    with a_place(by_popularity(), readers, suppressed=False) as place:
        with opened(place) as app:
            issue = the_issue(app)
            told = entries(app, issue, sent(app, issue, NOW), NOW)
        for size in _SIZES:
            bodies = disordered(told, random.Random(_SEED), again=_AGAIN, size=size)
            yield from _storms(place, bodies, size, len(told), runs)
        yield from _reading(place, bodies, len(told), runs)
        yield from _single(place, max(200, readers // 10))


def _storms(place: Place, bodies: Sequence[bytes], size: int, distinct: int, runs: int) -> Iterator[Figure]:
    many = int(distinct * (1 + _AGAIN))
    received, through, read, slow, used, again = [], [], [], [], [], 0
    for run in range(runs):
        with opened(place) as app, a_server(place.folder, _ENVIRONMENT, NOW.isoformat()) as server:
            forget_events(app)
            killer = threading.Thread(target=_kill_once, args=(server, run)) if run % 2 else None
            began, before = time.perf_counter(), server.processor_seconds()
            if killer is not None:
                killer.start()
            posted = post_all(server, "sendgrid", bodies, signed_by(_SIGNER))
            if killer is not None:
                killer.join()
            wait_until_read(app)
            took = time.perf_counter() - began
            with app.store.reading() as connection:
                found = counts(connection)
            assert found == dict.fromkeys(map(_word, KINDS), (distinct // 3, distinct // 3)), found
            again += posted.again
            if killer is None:
                received.append(many / posted.seconds)
                read.append(many / took)
                slow.append(posted.percentile(99))
                used.append((server.processor_seconds() - before) / many * 1e6)
            else:
                through.append(many / posted.seconds)
    rate, end = statistics.median(received), statistics.median(read)
    yield Figure(
        f"events received, {size} a post, {many:,} with {int(_AGAIN * 100)} % twice",
        f"{rate:,.0f} /s, 99 % answered in {statistics.median(slow):.0f} ms",
        bar="≥ 5,000 /s, ≤ 50 ms",
        keys={"webhook_events_per_second": round(rate)} if size == _SIZES[0] else {},
    )
    if through:
        survived = statistics.median(through)
        yield Figure(
            "the same, the server killed in the middle", f"{survived:,.0f} /s, {again} posts made again, none lost, none twice"
        )
    micros = statistics.median(used)
    yield Figure(
        "received and read by one server",
        f"{end:,.0f} /s; {micros:.0f} µs of processor each: {1e6 / micros:,.0f} /s of one core",
        keys={"webhook_events_read_per_second": round(end), "webhook_event_microseconds": round(micros)}
        if size == _SIZES[0]
        else {},
    )


def _kill_once(server: object, run: int) -> None:
    from benchmarks.storm import Server

    assert isinstance(server, Server)
    time.sleep(random.Random(run).uniform(0.3, 1.0))
    server.end(signal.SIGKILL)
    server.start()


def _reading(place: Place, bodies: Sequence[bytes], distinct: int, runs: int) -> Iterator[Figure]:
    took = [apart(read_all, place, list(bodies)).result for _ in range(runs)]
    micros = statistics.median(took) / (distinct * (1 + _AGAIN)) * 1e6
    yield Figure(
        "a report's event read and applied, SQLite",
        f"{micros:.0f} µs of processor, {1e6 / micros:,.0f} /s",
        keys={"event_read_microseconds": round(micros)},
    )


def read_all(place: Place, bodies: list[bytes]) -> float:
    """Processor seconds for reading everything."""
    with opened(place) as app:
        forget_events(app)
        store_reports(app, bodies)
        began = time.process_time()
        process(app)
        return time.process_time() - began


def _single(place: Place, many: int) -> Iterator[Figure]:
    """Providers that post each event alone."""
    at = datetime.now(UTC)
    ways = {
        "resend": ([b'{"type":"email.sent","n":%d}' % number for number in range(many)], _resend),
        "postmark": (
            [b'{"RecordType":"Moon","n":%d}' % number for number in range(many)],
            lambda *_: postmark_headers(_PASSWORD),
        ),
        "mailgun": ([mailgun_body(_KEY, f"{number:050}", {"event": "moon"}, at) for number in range(many)], lambda *_: {}),
    }
    with opened(place) as app, a_server(place.folder, _ENVIRONMENT, NOW.isoformat()) as server:
        for name, (bodies, headers) in ways.items():
            forget_events(app)
            before = server.processor_seconds()
            posted = post_all(server, name, bodies, headers, connections=8)
            wait_until_read(app)
            micros = (server.processor_seconds() - before) / many * 1e6
            said = f"{many / posted.seconds:,.0f} /s, 99 % answered in {posted.percentile(99):.0f} ms; {micros:,.0f} µs of processor each"
            yield Figure(f"posts of one event, {name}", said)


def _resend(body: bytes, number: int) -> dict[str, str]:
    return resend_headers(_SECRET, f"msg_{number}", body, datetime.now(UTC))


def _word(kind: str) -> str:
    return {"processed": "queued", "open": "opened"}.get(kind, kind)


if __name__ == "__main__":
    for figure in webhooks(10_000, 5):
        print(f"{figure.what}: {figure.value}", flush=True)
