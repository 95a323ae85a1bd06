"""`digest run`, `send` and `preview`: what goes out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, IssueName, Json, Newsletter, Now, actor, application, duration, moment
from digest.cli.output import print_json, say, warn

if TYPE_CHECKING:
    from digest.app import App
    from digest.delivery.progress import OnProgress
    from digest.delivery.sending import Sent

DryRun = Annotated[bool, typer.Option("--dry-run", help="Do everything, send nothing, record nothing; write to outbox/.")]
Every = Annotated[bool, typer.Option("--all", help="In a dry run, write every message and not only the first of each rendition.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(run)
    app.command()(send)
    app.command()(preview)


def run(
    dry_run: DryRun = False,
    newsletter: Newsletter = None,
    every: Every = False,
    wait: Annotated[
        str,
        typer.Option(
            "--wait", metavar="DURATION", help="How long to wait while another run is at work, such as 10m; then exit 4."
        ),
    ] = "0s",
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Do everything that is due: fetch, draft, approve if automatic, plan, send, account. For cron; safe to repeat."""
    from contextlib import ExitStack
    from datetime import UTC, datetime

    from digest.app import running
    from digest.app.fetching import current_sources
    from digest.app.pinging import told
    from digest.cli.fetching_progress import fetching_progress
    from digest.cli.progress import draining, sending_progress
    from digest.cli.reports import exit_code_of_run, run_lines, run_report

    patience, given = duration(wait, "--wait"), moment(now)
    with ExitStack() as stack:
        app = stack.enter_context(application(config, now, prepared=False))
        dry = dry_run or not app.sends_for_real
        if dry:
            app = stack.enter_context(app.rehearsing(every_message=every))
        else:
            app.store.prepare()
        stack.enter_context(draining(app.stop))
        on_read = stack.enter_context(fetching_progress(len(current_sources(app)), quiet=as_json))
        on_progress = stack.enter_context(sending_progress(as_json, dry_run=app.outbox is not None))
        outcome = stack.enter_context(told(app.settings.scheduler if not dry_run else None))
        ran = running.run_when_free(
            app, newsletter, on_progress, on_read, patience=patience, clock=lambda: given or datetime.now(UTC)
        )
        folders = {h.issue.name: str(app.outbox.folder(h.issue)) for h in ran.handled if app.outbox and h.sent}
        outcome.code = exit_code_of_run(ran)
    _print(run_report(ran, folders, dry_run=dry), run_lines(ran, folders, dry_run=dry), as_json)
    raise typer.Exit(exit_code_of_run(ran))


def send(
    issue: IssueName,
    dry_run: DryRun = False,
    every: Every = False,
    test_to: Annotated[
        str | None, typer.Option("--test-to", metavar="EMAIL", help="Send one test mail to an editor instead.")
    ] = None,
    confirm_audience: Annotated[
        int | None,
        typer.Option(
            "--confirm-audience", metavar="N", min=1, help="Say that it may go to so many, however few the last one had."
        ),
    ] = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Plan and deliver one issue, or go on where an earlier send stopped."""
    from digest.app import issuing, sending
    from digest.app.testing_sends import send_test
    from digest.cli.progress import draining, sending_progress
    from digest.cli.reports import exit_code_of_send, send_lines, send_report
    from digest.errors import UsageError

    if dry_run and test_to is not None:
        raise UsageError("--test-to sends one real mail, so it does not go together with --dry-run; leave one of them out")
    folder: Path | None = None
    dry = dry_run
    with application(config, now, prepared=False) as app:
        dry = dry or not app.sends_for_real
        if not dry:
            app.store.prepare()
        with draining(app.stop), sending_progress(as_json, dry_run=dry) as on_progress:
            if test_to is not None:
                app.store.prepare()
                answer = send_test(app, issuing.named(app, issue), test_to)
                _print(
                    {"issue": issue, "test_to": test_to, "outcome": answer},
                    [f"test mail of {issue} to {test_to}: {answer}"],
                    as_json,
                )
                raise typer.Exit(0 if answer == "accepted" else 1)
            if dry:
                sent, folder = sending.rehearse(app, issue, on_progress, every_message=every)
            else:
                sent = _send_or_ask(app, issue, confirm_audience, on_progress)
    _print(send_report(sent, folder), send_lines(sent, folder), as_json)
    raise typer.Exit(exit_code_of_send(sent))


def _send_or_ask(app: App, name: str, confirmed: int | None, on_progress: OnProgress) -> Sent:
    """Send; on a terminal somebody is asked where the audience has to be confirmed."""
    from digest.app import issuing, sending
    from digest.delivery.guarding import AudienceJump

    issue = issuing.named(app, name)
    if confirmed is not None:
        issue = issuing.confirm_audience(app, issue, confirmed, actor())
    try:
        return sending.send(app, issue, on_progress)
    except AudienceJump as jump:
        if not (sys.stdin.isatty() and sys.stderr.isatty() and typer.confirm(f"{jump.question} Send it?", err=True)):
            raise
        issuing.confirm_audience(app, issue, jump.audience, actor())
        return sending.send(app, issuing.named(app, name), on_progress)


def preview(
    issue: IssueName,
    subscriber: Annotated[str | None, typer.Option("--subscriber", metavar="EMAIL", help="As this person gets it.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of printing.")] = None,
    text: Annotated[bool, typer.Option("--text", help="The plain-text part.")] = False,
    language: Annotated[
        str | None, typer.Option("--language", metavar="TAG", help="In another of the languages that the issue was rendered in.")
    ] = None,
    config: Config = None,
    now: Now = None,
) -> None:
    """Show one issue exactly as a person would get it."""
    from digest.app import issuing, previewing
    from digest.errors import UsageError

    with application(config, now) as app:
        shown = previewing.preview(app, issuing.named(app, issue), subscriber, language)
    body = shown.text if text else shown.html
    if out is None:
        sys.stdout.write(body)
        return
    try:
        out.write_text(body, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written: {error.strerror}") from None
    say(f"wrote {out}")


def _print(report: dict[str, Any], lines: list[str], as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for line in lines:
        warn(line[1:]) if line.startswith("!") else say(line)
