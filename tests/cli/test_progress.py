"""What a send says while it runs: a line before the first message, a line a minute in cron, a bar on a terminal."""

from __future__ import annotations

import pytest

from digest.cli import fetching_progress
from digest.cli.progress import Lines, going
from digest.delivery.progress import Progress
from digest.delivery.providers.answer import Outcome


def so_far(**outcomes: int) -> Progress:
    counts = {Outcome(name): count for name, count in outcomes.items()}
    return Progress("weekly/12", 100_000, 4, counts)


@pytest.mark.parametrize(
    ("progress", "seconds", "said"),
    [
        (so_far(), 0, "0 of 100,000, 0/s, time left unknown: connecting"),
        (so_far(accepted=1000), 10, "1,000 of 100,000, 100/s, 16:30 left: 1,000 accepted"),
        (so_far(accepted=90, rejected=5, deferred=7, unknown=5), 1, "100 of 100,000, 100/s, 16:39 left: 90 accepted,"),
        (so_far(accepted=10), 1, "10 of 100,000, 10/s, 2:46:39 left: 10 accepted"),
    ],
)
def test_it_tells_how_much_is_done_how_fast_and_how_long_it_will_take(progress: Progress, seconds: float, said: str) -> None:
    assert going(progress, seconds).startswith(said)


def test_who_is_deferred_is_not_done() -> None:
    assert so_far(accepted=3, rejected=2, unknown=1, deferred=9).done == 6


def test_in_cron_there_is_a_line_at_the_beginning_and_one_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter((0.0, 1.0, 59.0, 60.0, 61.0, 121.0))
    lines = Lines(lambda: next(times))
    for accepted in (0, 100, 5900, 6000, 6100, 12_100):
        lines.show(so_far(accepted=accepted))
    assert capsys.readouterr().out.splitlines() == [
        "weekly/12: sending to 100,000; a crash would leave at most 4 unknown",
        "weekly/12: 6,000 of 100,000, 100/s, 15:40 left: 6,000 accepted",
        "weekly/12: 12,100 of 100,000, 100/s, 14:39 left: 12,100 accepted",
    ]


def test_the_next_issue_of_a_run_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(lambda: 0.0)
    lines.show(so_far())
    lines.show(Progress("daily/3", 7, 1, {}))
    assert capsys.readouterr().out.splitlines()[1] == "daily/3: sending to 7; a crash would leave at most 1 unknown"


def test_a_dry_run_speaks_of_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(lambda: 0.0, dry_run=True).show(so_far())
    assert capsys.readouterr().out == "weekly/12: a dry run for 100,000\n"


def test_a_fetch_says_in_cron_how_far_it_has_come_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter((0.0, 30.0, 61.0, 100.0, 122.0, 190.0))
    lines = fetching_progress.Lines(lambda: next(times), 5)
    for number in range(5):
        lines.show(f"source-{number}")
    assert capsys.readouterr().out.splitlines() == ["reading: 2 of 5 sources", "reading: 4 of 5 sources"]


@pytest.mark.parametrize(("sources", "quiet"), [(500, True), (1, False)])
def test_a_fetch_that_is_quiet_or_small_says_nothing(sources: int, quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with fetching_progress.fetching_progress(sources, quiet) as on_read:
        on_read("blog")
    assert capsys.readouterr() == ("", "")
