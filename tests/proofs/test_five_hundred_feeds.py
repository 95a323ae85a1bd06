"""Five hundred feeds in one run, fifty of them dead and fifty slow: everything else is read, and the bounds hold.

Loopback only: hosts are addresses of 127/8, each served on its own.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from benchmarks.measuring import apart
from digest.settings import SourceSettings
from tests.catalogue.site import Site, serving
from tests.proofs.reading_many import read_all

pytestmark = pytest.mark.proof
HOSTS, GOOD, SLOW, DEAD = 20, 400, 50, 50
HEAD = "<rss version='2.0'><channel><title>x</title>"


class Load:
    """How many requests are answered at once, in all and by one host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Counter[str] = Counter()
        self.most = 0
        self.most_of_one = 0

    @contextmanager
    def of(self, host: str) -> Iterator[None]:
        with self._lock:
            self._now[host] += 1
            self.most = max(self.most, self._now.total())
            self.most_of_one = max(self.most_of_one, self._now[host])
        yield
        with self._lock:
            self._now[host] -= 1


def feed(number: int) -> bytes:
    items = (f"<item><title>{number}/{each}</title><link>https://blog{number}.example/{each}</link></item>" for each in range(20))
    return f"{HEAD}{''.join(items)}</channel></rss>".encode()


def offer(site: Site, load: Load, host: str, number: int) -> str:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        with load.of(host):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(feed(number))

    site.does(f"/{number}", answer)
    return f"http://{host}:{site.port}/{number}"


def drip(site: Site, host: str) -> str:
    """A feed of a byte every now and then, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.2)

    return f"http://{host}:{site.port}{site.does('/slow', answer).removeprefix(site.url)}"


def test_all_but_the_dead_and_the_slow_are_read_and_each_of_those_is_one_line(tmp_path: Path) -> None:
    load = Load()
    with ExitStack() as stack:
        urls: list[str] = []
        hosts = [f"127.0.1.{number + 1}" for number in range(HOSTS)]
        sites = [stack.enter_context(serving(host)) for host in hosts]
        urls += [offer(sites[number % HOSTS], load, hosts[number % HOSTS], number) for number in range(GOOD)]
        slow = [f"127.0.2.{number + 1}" for number in range(SLOW)]
        urls += [drip(stack.enter_context(serving(host)), host) for host in slow]
        for number in range(DEAD):
            silent = stack.enter_context(socket.socket())
            silent.bind((f"127.0.3.{number + 1}", 0))  # bound and not listening: refuses
            if number % 2:
                silent.listen(8)  # takes connections, and never says a word
            urls.append(f"http://127.0.3.{number + 1}:{silent.getsockname()[1]}/feed")
        sources = [
            SourceSettings.model_validate({"name": f"s{number}", "kind": "feed", "url": url, "allow_private": True})
            for number, url in enumerate(urls)
        ]
        began = time.monotonic()
        ran = apart(read_all, sources, tmp_path)
        took = time.monotonic() - began
    results, threads_left = ran.result
    assert [name for name, _, _ in results] == [source.name for source in sources]
    good, bad = results[:GOOD], results[GOOD:]
    assert sum(entries for _, entries, _ in good) == GOOD * 20
    assert all(error and "\n" not in error for _, _, error in bad)
    assert load.most_of_one == 1, "one request at a time to each host"
    assert 1 < load.most <= 16, "several hosts at once, and no more than threads"
    assert threads_left == 0
    assert ran.peak_mb < 500
    print(
        f"{len(urls)} feeds in {took:.0f} s, at most {load.most} at once;"
        f" peak {ran.peak_mb:.0f} MB, of which parsers {ran.children_mb:.0f} MB at most"
    )
