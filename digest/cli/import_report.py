"""What `digest subscribers import` says: what was understood of the files, what became of the rows, and what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digest.audience.elsewhere.formats import OWN
from digest.audience.elsewhere.reading import Understood
from digest.audience.elsewhere.standing import Standing
from digest.audience.import_report import ImportReport
from digest.cli.output import say, warn

_SUMMED = ("added", "updated", "unchanged", "kept_away", "left", "shut", "left_out", "bad")
_OF_THEM = ("suppressed", "choices_kept", "twice", "newly_left", "ended_here", "stayed_here", "newly_shut", "shut_here")
_SAID_APART = frozenset({"left", "shut", "left_out"})
_TOLD = 20
_MEANS = {
    Standing.UNSAID: "unconfirmed, as it does not say whether they agreed (--confirmed: you can show it)",
    Standing.UNSUBSCRIBED: "unsubscribed, from this newsletter",
    Standing.BOUNCED: "bounced, suppressed for everything",
    Standing.COMPLAINED: "complained, suppressed for everything",
    Standing.BLOCKLISTED: "blocklisted, suppressed for everything",
}


def as_data(report: ImportReport, rejects: Path | None, *, dry_run: bool) -> dict[str, Any]:
    """For programs: `rows` is the sum of the eight counts after it."""
    counts = {name: getattr(report, name) for name in ("rows", *_SUMMED, *_OF_THEM, "shut_by_reason")}
    bad = [{"line": bad.line, "reason": bad.reason} | ({"file": bad.file} if bad.file else {}) for bad in report.bad_rows]
    return counts | {
        "dry_run": dry_run,
        "interrupted": report.interrupted,
        "rejects": None if rejects is None else str(rejects),
        "files": [_file_as_data(one) for one in report.files],
        "passed_over": report.passed_over,
        "bad_rows": bad,
    }


def _file_as_data(one: Understood) -> dict[str, Any]:
    return {
        "file": one.file,
        "format": one.format,
        "encoding": one.encoding,
        "delimiter": one.delimiter,
        "columns": one.used,
        "unused_columns": one.unused,
        "statuses": [{"told": key.told, "means": key.standing, "rows": many} for key, many in one.statuses.most_common()],
        "tags": [
            {"tag": tag, "topic": one.topics.get(tag.casefold()) or None, "rows": many} for tag, many in one.tags.most_common()
        ],
        "everything": one.everything,
    }


def say_report(report: ImportReport, rejects: Path | None, *, dry_run: bool) -> None:
    """For people: what was understood where it was to be understood, then the counts; warnings beside them."""
    for one in report.files:
        if dry_run or one.format != OWN:
            _say_understood(one)
    for line in report.passed_over:
        warn(f"passed over {line}")
    _say_counts(report, dry_run=dry_run)
    _say_leavers(report)
    _warn_of_bad_rows(report, rejects)
    if report.interrupted:
        warn(f"ended after {report.rows:,} rows; run the same again, and it goes on: what was done is found unchanged")


def _say_counts(report: ImportReport, *, dry_run: bool) -> None:
    names = ("rows", *(name for name in _SUMMED if name not in _SAID_APART), "suppressed")
    counts = (f"{getattr(report, name):,} {name.replace('_', ' ')}" for name in names)
    say(("a dry run, nothing was changed; it would be: " if dry_run else "") + ", ".join(counts))
    if report.twice:
        say(f"{report.twice:,} row{' repeats' if report.twice == 1 else 's repeat'} an address that stood before")
    if report.choices_kept:
        say(f"{report.choices_kept:,} keep the topics and frequency that they chose here themselves")


def _say_leavers(report: ImportReport) -> None:
    if report.left:
        before = report.left - report.newly_left - report.ended_here - report.stayed_here
        say(
            f"unsubscribed there: {report.left:,} ({report.newly_left:,} new, {report.ended_here:,} whose subscription here ends,"
            f" {before:,} had left here already, {report.stayed_here:,} stay)"
        )
    if report.stayed_here:
        warn(
            f"{report.stayed_here:,} who unsubscribed there stay subscribed here, as they agreed here themselves, or"
            " somewhere after they had left there"
        )
    if report.shut or report.left_out:
        reasons = ", ".join(f"{many:,} {reason}" for reason, many in report.shut_by_reason.items()) or "nobody"
        new = f"{report.newly_shut:,} newly suppressed"
        say(f"must not be mailed: {reasons} ({new}); {report.left_out:,} left out, who never agreed")
    if report.shut_here:
        warn(f"{report.shut_here:,} of those who must not be mailed have a subscription here, which is not served any more")


def _warn_of_bad_rows(report: ImportReport, rejects: Path | None) -> None:
    for bad in report.bad_rows[:_TOLD]:
        warn(f"{f'{bad.file}, ' if bad.file and len(report.files) > 1 else ''}line {bad.line}: {bad.reason}")
    if report.bad > _TOLD:
        warn(f"and {report.bad - _TOLD:,} more bad rows" + ("" if rejects else "; --json lists the first thousand"))
    if rejects is not None:
        warn(f"all {report.bad:,} bad rows stand in {rejects}")


def _say_understood(one: Understood) -> None:
    between = {",": "commas", ";": "semicolons", "\t": "tabs"}[one.delimiter]
    say(f"{one.file}: {one.format}, {one.encoding}, cells between {between}")
    say("  columns: " + ", ".join(f"{column} ({meaning})" for column, meaning in one.used.items()))
    if one.unused:
        say(f"  not used: {', '.join(one.unused)}")
    for judged, many in one.statuses.most_common():
        say(f"  {many:,} × {judged.told}: {_MEANS.get(judged.standing, judged.standing)}")
    for tag, many in one.tags.most_common(_TOLD):
        topic = one.topics.get(tag.casefold())
        say(f"  {many:,} × tag {tag}: " + (f"topic {topic}" if topic else "no topic"))
    if len(one.tags) > _TOLD:
        say(f"  and {len(one.tags) - _TOLD:,} more tags; --json lists them")
    if one.everything:
        say(f"  {one.everything:,} have no tag that is a topic: new ones follow everything")
