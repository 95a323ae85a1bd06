"""SMTP: an issue over ten connections into Postfix's sink, beside Postfix's own generator and what Python offers.

Ours is a whole send of a planned issue: the claims, the marks, every message built, the settling, the coverage at the end.
The generator repeats one message of the same size and writes nothing down.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Figure, once
from benchmarks.project import NOW, a_project
from benchmarks.slow_link import slow_link
from benchmarks.smtp_peers import by_django, by_smtplib
from digest.app import App
from digest.app.sending import send
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.plan import plan
from digest.delivery.recipient import Recipient
from digest.delivery.shelf import Shelf
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.rendering.mime import MessageBuilder
from digest.testing.specimens import DATE

RENDITIONS = 20
SESSIONS = 10
EACH_WAY = 0.010  # seconds that a byte needs on the slow link

Numbers = dict[str, float]
"""What goes into the report, by name: ratios and rates."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    runs: int = 5
    messages: int = 20_000  # the few statements that begin and end a send are a tenth of the processor time of 4,000
    slow_alone: int = 150  # over one connection of the slow link
    slow_together: int = 6000  # over forty
    peers: int = 150


SHORT = Scale(runs=1, messages=40, slow_alone=5, slow_together=80, peers=3)


def smtp(scale: Scale = Scale()) -> tuple[list[Figure], Numbers]:
    """Everything about SMTP: rows of the report, and the raw numbers."""
    if shutil.which("smtp-sink") is None or shutil.which("smtp-source") is None:
        return [Figure("SMTP", "not measured: Postfix's smtp-sink and smtp-source are not installed")], {}
    with _sink() as port:
        rows, numbers = _beside_smtp_source(port, scale)
        for beside in (_signed, _beside_other_python, _over_a_slow_link):
            more_rows, more_numbers = beside(port, scale)
            rows += more_rows
            numbers |= more_numbers
    return rows, numbers


def _beside_smtp_source(port: int, scale: Scale) -> tuple[list[Figure], Numbers]:
    """Ours with each durability and the generator, in turn."""
    rates: dict[str, list[float]] = {"NORMAL": [], "FULL": [], "source": []}
    for _ in range(scale.runs):
        size = 0
        for durability in ("NORMAL", "FULL"):
            rate, size = _ours(port, scale.messages, synchronous=durability)
            rates[durability].append(rate)
        rates["source"].append(_source(port, scale.messages, size))
    floor = statistics.median(rates["source"])
    rows, numbers = [], {"smtp_source_per_second": floor, "smtp_message_bytes": float(size)}
    for durability, name, bar in (("NORMAL", "smtp", "≥ 1.0 ×"), ("FULL", "smtp_full", "≥ 0.95 ×")):
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates[durability], rates["source"], strict=True))
        mine = statistics.median(rates[durability])
        numbers |= {f"{name}_vs_smtp_source": ratio, f"{name}_per_second": mine}
        what = f"SMTP, {SESSIONS} sessions, {size / 1000:.0f} KB, synchronous={durability}"
        rows.append(Figure(what, f"{mine:,.0f}/s", f"smtp-source {floor:,.0f}/s", f"{ratio:.2f} ×", bar))
    return rows, numbers


def _signed(port: int, scale: Scale) -> tuple[list[Figure], Numbers]:
    """Ours with a DKIM signature for each message."""
    rate = statistics.median(_ours(port, scale.messages // 20, signed=True)[0] for _ in range(scale.runs))
    return [Figure(f"SMTP, {SESSIONS} sessions, signed with DKIM", f"{rate:,.0f}/s")], {"smtp_signed_per_second": rate}


def _beside_other_python(port: int, scale: Scale) -> tuple[list[Figure], Numbers]:
    """One connection each, every message built: ours, `EmailMessage` through `smtplib`, and Django's backend for SMTP.

    That backend is the path of who uses django-anymail and has a relay of their own: anymail itself speaks only to APIs.
    """
    runs = [
        (_ours(port, scale.peers * 10, concurrency=1)[0], by_smtplib(port, scale.peers), by_django(port, scale.peers))
        for _ in range(scale.runs)
    ]
    mine, plain, django = (statistics.median(column) for column in zip(*runs, strict=True))
    ratio, other = (statistics.median(run[0] / run[peer] for run in runs) for peer in (1, 2))
    beside = f"EmailMessage and smtplib {plain:,.0f}/s; Django {django:,.0f}/s"
    row = Figure("SMTP, one connection, every message built", f"{mine:,.0f}/s", beside, f"{ratio:.1f} × and {other:.1f} ×")
    return [row], {
        "smtp_one_connection_vs_smtplib": ratio,
        "smtplib_per_second": plain,
        "smtp_one_connection_vs_django": other,
        "django_per_second": django,
    }


def _over_a_slow_link(port: int, scale: Scale) -> tuple[list[Figure], Numbers]:
    """A round trip of 20 ms: one connection beside `smtplib`, and forty."""
    with slow_link(port, EACH_WAY) as slow:
        pairs = [
            (_ours(slow, scale.slow_alone, concurrency=1)[0], by_smtplib(slow, scale.slow_alone // 3)) for _ in range(scale.runs)
        ]
        forty = statistics.median(_ours(slow, scale.slow_together, concurrency=40)[0] for _ in range(scale.runs))
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(ours / peer for ours, peer in pairs)
    rows = [
        Figure("SMTP over 20 ms, one connection", f"{mine:.1f}/s", f"smtplib {theirs:.1f}/s", f"{ratio:.1f} ×", "≥ 2 ×"),
        Figure("SMTP over 20 ms, 40 connections", f"{forty:,.0f}/s", bar="≥ 1,000/s"),
    ]
    return rows, {"smtp_20ms_vs_smtplib": ratio, "smtp_20ms_one_connection": mine, "smtp_20ms_forty_per_second": forty}


def _ours(
    port: int, messages: int, *, synchronous: str = "NORMAL", concurrency: int = SESSIONS, signed: bool = False
) -> tuple[float, int]:
    """Messages a second of sending a planned issue, and their mean size."""
    environment = {
        "DIGEST_DELIVERY__PROVIDER": "smtp",
        "DIGEST_DELIVERY__CONCURRENCY": str(concurrency),
        "DIGEST_PROVIDERS__SMTP__HOST": "127.0.0.1",
        "DIGEST_PROVIDERS__SMTP__PORT": str(port),
        "DIGEST_PROVIDERS__SMTP__SECURITY": "none",
        "DIGEST_DATABASE__SYNCHRONOUS": synchronous,
    }
    signing: AbstractContextManager[dict[str, str]] = _signing() if signed else nullcontext({})
    with signing as more, a_project(messages, RENDITIONS, environment | more) as (app, issue):
        with app.store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=NOW)
            planned = issue_by_id(connection, issue.id)
        size = _mean_size(app, planned)
        began = time.perf_counter()
        sent = send(app, planned, lambda _: None)
        took = time.perf_counter() - began
        if sent.account["accepted"] != messages:
            raise RuntimeError(f"not everything was accepted: {sent.account}")
        return messages / took, size


def _mean_size(app: App, issue: Issue) -> int:
    """Of the messages of a planned issue, by a few of them."""
    from sqlalchemy import text

    maker = EnvelopeMaker(app.key, app.settings.site.public_url, issue)
    total = people = 0
    with app.store.reading() as connection:
        shelf = Shelf(connection, issue)
        groups = connection.execute(text("SELECT rendition, count(*) FROM delivery GROUP BY rendition")).all()
        for rendition, many in groups:
            held = shelf.take(connection, rendition)
            if held is not None:
                envelope = maker.make(Recipient(1, 1, "u1000@example.com", "u1000@example.com", None, 0), held)
                total, people = total + many * len(MessageBuilder(held).build(envelope, DATE)), people + many
    return total // people


def _source(port: int, messages: int, size: int) -> float:
    command = ["smtp-source", "-s", str(SESSIONS), "-m", str(messages), "-l", str(size), f"127.0.0.1:{port}"]
    return messages / once(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


@contextmanager
def _signing() -> Iterator[dict[str, str]]:
    """Settings by which every message is signed, with a key of their own."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with TemporaryDirectory(prefix="digest-bench-key-") as folder:
        path = Path(folder) / "dkim.pem"
        path.write_bytes(key.private_bytes(*formats))
        dkim = {"DOMAIN": "example.com", "SELECTOR": "bench", "KEY_FILE": str(path)}
        yield {f"DIGEST_PROVIDERS__SMTP__DKIM__{name}": value for name, value in dkim.items()}


@contextmanager
def _sink() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(["smtp-sink", "-u", "root", f"127.0.0.1:{port}", "100"])
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """`python -m benchmarks.smtp [--short]`: this part alone."""
    from benchmarks.report import table

    rows, numbers = smtp(SHORT if "--short" in sys.argv[1:] else Scale())
    print(table(rows))
    for name, value in numbers.items():
        print(f"{name} {value:,.2f}")


if __name__ == "__main__":
    main()
