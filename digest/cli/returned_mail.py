"""`digest events mail`, `mailbox` and `mails`: bounces, complaints and wishes to leave that come by mail."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import Config, Json, Now, application
from digest.cli.output import print_json, say, table, warn

if TYPE_CHECKING:
    from digest.app.mailing_back import TakenIn

_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: mail systems keep the mail and try again, instead of answering a bounce with a bounce."""


def register(events: typer.Typer) -> None:
    """Add the commands to `digest events`."""
    events.command("mail")(take_one)
    events.command("mailbox")(read_all)
    events.command("mails")(list_mails)


def take_one(
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", metavar="ADDRESS", help="To whom it was delivered, if the mail system says so."),
    ] = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Take in one mail from standard input: a bounce, a complaint, a wish to leave. For a pipe of a mail system.

    Whatever it is, the exit code is 0 once it is written down, and 75 while that cannot be: the mail system then keeps it and tries again.
    """
    from digest.app.mailing_back import TakenIn, take_in
    from digest.delivery.mailed.mail import LARGEST
    from digest.errors import DigestError

    raw = sys.stdin.buffer.read(LARGEST)
    while sys.stdin.buffer.read(LARGEST):  # the rest is not looked at; a mail system minds when nobody reads it
        pass
    taken = TakenIn()
    try:
        with application(config, now) as application_:
            take_in(application_, raw, "pipe", taken, recipient or ())
    except (DigestError, OSError) as error:
        warn(f"digest: {error}")
        raise typer.Exit(_TRY_AGAIN) from None
    _tell(taken, as_json)


def read_all(config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Take in what is unread in the mailbox of `[bounces]`, as every run does."""
    from digest.app.mailing_back import read_mailbox
    from digest.cli.progress import draining
    from digest.errors import UsageError

    with application(config, now) as application_, draining(application_.stop):
        if application_.settings.bounces.host is None:
            raise UsageError("bounces.host is not set: there is no mailbox to read")
        taken = read_mailbox(application_)
    _tell(taken, as_json)


def list_mails(
    show: Annotated[int | None, typer.Option("--show", metavar="NUMBER", help="Print one of them, as it came.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that were understood and heeded, too.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What came by mail and could not be heeded: not understood, of no mail of ours, or a person's. Kept for 30 days."""
    from digest.delivery.mailed import keeping
    from digest.errors import UsageError

    with application(config) as application_, application_.store.reading() as connection:
        raw = None if show is None else keeping.mail_itself(connection, show)
        mails = keeping.kept(connection, everything=every)
    if show is not None:
        if raw is None:
            raise UsageError(f"there is no mail {show} to show; `digest events mails` lists those that are kept")
        for line in raw.decode("utf-8", "replace").splitlines():
            say(line)
        return
    if as_json:
        print_json([{name: getattr(one, name) for name in type(one).__slots__} for one in mails])
        return
    if not mails:
        say("none")
    rows = ((one.id, f"{one.received_at:%Y-%m-%d %H:%M} UTC", one.source, one.outcome, one.about) for one in mails)
    table(("mail", "received", "by", "outcome", "what it is"), rows)


def taken_report(taken: TakenIn) -> dict[str, Any]:
    """What came of mails, as data."""
    outcomes = {outcome.value: many for outcome, many in taken.outcomes.items()}
    return {"mails": taken.all, "outcomes": outcomes, "repeated": taken.repeated, "suppressed": taken.suppressed}


def taken_lines(taken: TakenIn) -> list[str]:
    """What came of mails, in lines; none where there was nothing."""
    if not taken.all:
        return []
    counted = [(many, outcome.value) for outcome, many in taken.outcomes.items()] + [(taken.repeated, "taken in before")]
    said = ", ".join(f"{many:,} {words}" for many, words in counted if many)
    lines = [f"{taken.all:,} {'mail' if taken.all == 1 else 'mails'} came back: {said}"]
    if taken.suppressed:
        lines.append(f"{taken.suppressed:,} must not be mailed any more: they bounced, or complained")
    if taken.kept:
        lines.append(f"{taken.kept:,} could not be heeded; `digest events mails` shows them")
    return lines


def _tell(taken: TakenIn, as_json: bool) -> None:
    if as_json:
        print_json(taken_report(taken))
        return
    for line in taken_lines(taken) or ["no mail came back"]:
        say(line)
