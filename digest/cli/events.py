"""`digest events`: what providers posted to the webhooks, and what became of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, application
from digest.cli.output import print_json, say, table, warn

if TYPE_CHECKING:
    from digest.app.processing import Processed
    from digest.delivery.reports import Report

app = typer.Typer(help="What is reported of mails afterwards: to the webhooks, and by mail.", no_args_is_help=True)
_SHOWN = 50


@app.command("list")
def list_all(
    every: Annotated[bool, typer.Option("--all", help="Those that were read without a fault, too.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """How many reports there are, and the newest of those that wait, could not be read, or hold kinds that Digest has no word for."""
    from digest.delivery import reports
    from digest.delivery.reports import ReportState

    states = list(ReportState) if every else [ReportState.WAITING, ReportState.FAULTY]
    with application(config) as application_, application_.store.reading() as connection:
        counted = reports.count(connection)
        found = reports.newest(connection, states, _SHOWN)
        unknown = reports.unknown_kinds(connection)
    if as_json:
        listed = [_data(one) for one in found]
        print_json({"counts": {state.value: many for state, many in counted.items()}, "unknown": unknown, "reports": listed})
        return
    say(", ".join(f"{many:,} {state}" for state, many in counted.items()))
    for provider, kinds in unknown.items():
        say(f"{provider} also reports what Digest has no word for, and passes over: {', '.join(kinds)}")
    if found:
        table(("report", "provider", "received", "state", "why"), ((*_cells(one), one.reason) for one in found))


@app.command()
def show(
    report: Annotated[int, typer.Argument(metavar="REPORT", help="Its number in the list.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """One report: what became of it, and what was posted, to the byte."""
    from digest.delivery import reports
    from digest.errors import UsageError

    with application(config) as application_, application_.store.reading() as connection:
        found = reports.find(connection, report)
    if found is None:
        raise UsageError(f"there is no report {report}; `digest events list --all` shows which there are")
    body = None if found.body is None else found.body.decode("utf-8", "backslashreplace")
    if as_json:
        print_json(_data(found) | {"body": body})
        return
    say(f"{' '.join(_cells(found))}" + (f": {found.reason}" if found.reason else ""))
    say("what was posted is forgotten" if body is None else body)


@app.command()
def process(
    again: Annotated[bool, typer.Option("--again", help="Read those anew that could not be read, in whole or in part.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Read the reports that wait and apply what they tell, as `digest run` and the scheduler do; to do it again changes nothing."""
    from digest.app.processing import process as process_all
    from digest.cli.progress import draining

    with application(config) as application_, draining(application_.stop):
        done = process_all(application_, again=again)
    if as_json:
        print_json(processed_report(done))
    else:
        for line in processed_lines(done) or ["no report waits"]:
            warn(line[1:]) if line.startswith("!") else say(line)
    sys.stdout.flush()
    raise typer.Exit(1 if done.faulty else 0)


def processed_report(done: Processed) -> dict[str, Any]:
    """What came of reports, as data."""
    applied = done.applied
    return {
        "reports": done.reports,
        "faulty": done.faulty,
        "new": applied.new,
        "repeated": applied.repeated,
        "of_no_delivery": applied.strange,
        "moved": {state.value: many for state, many in applied.moved.items()},
        "suppressed": applied.suppressed,
        "unsubscribed": applied.ended,
    }


def processed_lines(done: Processed) -> list[str]:
    """What came of reports, in lines; none where there was nothing."""
    if not done.any:
        return []
    applied = done.applied
    counted = ((applied.new, "new"), (applied.repeated, "known already"), (applied.strange, "of no delivery of ours"))
    events = ", ".join(f"{many:,} {words}" for many, words in counted if many)
    lines = [f"{done.reports:,} report{'' if done.reports == 1 else 's'} of providers: {events or 'no events'}"]
    lines += [f"{many:,} unknown {'is' if many == 1 else 'are'} now {state}" for state, many in applied.moved.items()]
    if applied.suppressed:
        lines.append(f"{applied.suppressed:,} must not be mailed any more: they bounced, or complained")
    if applied.ended:
        lines.append(f"{applied.ended:,} unsubscribed")
    if done.faulty:
        lines.append(f"!{done.faulty:,} could not be read whole; `digest events list` says why")
    return lines


def _cells(one: Report) -> tuple[str, ...]:
    return (str(one.id), one.provider, f"{one.received_at:%Y-%m-%d %H:%M:%S}", one.state.value)


def _data(one: Report) -> dict[str, Any]:
    return {
        "report": one.id,
        "provider": one.provider,
        "received_at": one.received_at,
        "state": one.state.value,
        "read_at": one.read_at,
        "reason": one.reason,
        "account": one.account,
    }
