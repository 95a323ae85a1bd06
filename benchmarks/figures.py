"""What is measured: each function returns rows of the report."""

from __future__ import annotations

import statistics
import subprocess
import sys
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

from benchmarks.measuring import Figure, once, paired, peak_megabytes, seconds
from benchmarks.project import NOW, a_project
from digest.delivery.plan import plan
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.issues.issue import frozen_of
from digest.issues.selection import Candidate, Reader, Rules, select
from digest.rendering.assemble import fill
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.testing.specimens import DATE, an_envelope


def start_up(runs: int) -> list[Figure]:
    """`digest --help` and the demonstration as whole processes, beside an empty Python."""
    script = "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"
    bare = statistics.median(seconds(lambda: _quiet([sys.executable, "-c", ""]), runs))
    helped = statistics.median(seconds(lambda: _quiet([sys.executable, "-c", script, "--help"]), runs))
    return [Figure("digest --help", f"{helped:.2f} s", f"empty Python {bare:.2f} s", f"{helped / bare:.1f}", "≤ 0.3 s")]


def message(runs: int) -> list[Figure]:
    """A full MIME message for one subscriber beside building it with `EmailMessage`."""
    rendition, envelope = _sample(), an_envelope()
    builder = MessageBuilder(rendition)
    html, text = fill(rendition, envelope.personal)

    def ours() -> None:
        for _ in range(1000):
            builder.build(envelope, DATE)

    def theirs() -> None:
        for _ in range(3):
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"], mail["Subject"] = rendition.sender.address, envelope.address, rendition.subject
            mail.set_content(text)
            mail.add_alternative(html, subtype="html")
            mail.as_bytes()

    mine, peer, ratio = paired(ours, theirs, runs)
    size = len(builder.build(envelope, DATE))
    what = f"MIME message of {size / 1000:.0f} KB"
    return [
        Figure(what, f"{mine * 1000:.1f} µs", f"EmailMessage {peer / 3 * 1000:.2f} ms", f"{ratio * 1000 / 3:.0f} ×", "≥ 300 ×")
    ]


def _sample() -> Rendition:
    """The sample's issue as somebody who follows everything gets it."""
    with a_project(1, 1, {}) as (app, issue), app.store.reading() as connection:
        return Shelf(connection, issue).assemble(widest_arrangement(connection, issue), 1)


def selection(articles: int, runs: int) -> list[Figure]:
    """Selection for one issue out of a catalogue of `articles`."""
    topics = tuple(f"topic-{number}" for number in range(17))
    candidates = [
        Candidate(i, i, (topics[i % 17], topics[i % 5]), NOW - timedelta(minutes=i), featured=i % 50 == 0)
        for i in range(1, articles + 1)
    ]
    rules = Rules(topics, max_articles=20, max_per_topic=10, carry_over=4)
    reader = Reader(frozenset(topics), coverage=articles - 200, owed={})
    took = statistics.median(seconds(lambda: select(candidates, rules, reader, cutoff=articles), runs))
    return [Figure(f"selection out of {articles:,} articles", f"{took * 1000:.0f} ms", bar="≤ 200 ms at 100,000")]


def planning(audience: int) -> list[Figure]:
    """The plan of one issue, suppression checked."""
    with a_project(audience, min(8000, audience), {}) as (app, issue):
        with app.store.writing() as connection:
            took = once(lambda: plan(connection, issue, frozen_of(connection, issue), now=NOW))
        return [
            Figure(f"plan {audience:,} deliveries", f"{took:.2f} s", f"peak {peak_megabytes():.0f} MB", bar="≤ 6 s at 1,000,000")
        ]


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
