"""`digest issues`: from draft to sent."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import (
    Config,
    Exclude,
    IssueName,
    Json,
    Newsletter,
    NoteFile,
    Now,
    Pin,
    Reason,
    SponsorFile,
    actor,
    application,
)
from digest.cli.output import print_json, say, table, warn

if TYPE_CHECKING:
    from digest.issues.issue import Issue

app = typer.Typer(help="Issues, from draft to sent.", no_args_is_help=True)


class Verdict(StrEnum):
    """What a person knows of unknown deliveries."""

    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not-accepted"
    RESEND = "resend"


@app.command()
def draft(
    newsletter: Annotated[str, typer.Argument(metavar="NEWSLETTER")],
    frequency: Annotated[str | None, typer.Option("--frequency", help="Where a newsletter offers several.")] = None,
    fetch: Annotated[bool, typer.Option(help="Read the sources first.")] = True,
    pin: Pin = None,
    exclude: Exclude = None,
    note: NoteFile = None,
    sponsor: SponsorFile = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Freeze the issue of the slot that is due, or else of the next one."""
    from digest.app import fetching, issuing
    from digest.app.editing import Wish
    from digest.cli.reports import exit_code_of_fetch, fetch_lines

    wish = Wish(pin or (), exclude or (), **_above(note, sponsor))
    with application(config, now) as application_:
        found = application_.the_newsletter(newsletter)
        wanted = _frequency(found, frequency)
        slot = issuing.coming_slot(application_, found, wanted)
        fetched = fetching.fetch(application_) if fetch else None
        lines = fetch_lines(fetched) if fetched else []
        issue = issuing.draft(application_, found, wanted, slot, actor(), wish)
    _tell(issue, as_json, lines)
    raise typer.Exit(exit_code_of_fetch(fetched) if fetched else 0)


@app.command()
def special(
    newsletter: Annotated[str, typer.Argument(metavar="NEWSLETTER")],
    pin: Pin = None,
    exclude: Exclude = None,
    only_pinned: Annotated[bool, typer.Option("--only-pinned", help="Nothing else is in it.")] = False,
    note: NoteFile = None,
    sponsor: SponsorFile = None,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Freeze an issue outside the slots, for everybody of a newsletter: what qualifies now, or what is pinned alone."""
    from digest.app import outside
    from digest.app.editing import Wish

    wish = Wish(pin or (), exclude or (), **_above(note, sponsor))
    with application(config, now) as application_:
        issue = outside.special(application_, application_.the_newsletter(newsletter), actor(), wish, by_hand=only_pinned)
    _tell(issue, as_json, [f"approve it with `digest issues approve {issue.name}`; the next `digest run` sends it"])


@app.command()
def correct(
    issue: IssueName,
    subject: Annotated[str, typer.Option("--subject", help="The subject of the correction.")],
    text: Annotated[Path, typer.Option("--text", metavar="FILE", help="What it says, in Markdown.")],
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Freeze a correction of an issue: a text, for exactly those who were sent that issue."""
    from digest.app import outside
    from digest.app.adding import read_note_file

    said = read_note_file(text, "--text").markdown
    with application(config, now) as application_:
        found = outside.correct(application_, issue, subject=subject, text=said, actor=actor())
    _tell(found, as_json, [f"approve it with `digest issues approve {found.name}`; the next `digest run` sends it"])


@app.command()
def edit(
    issue: IssueName,
    pin: Pin = None,
    exclude: Exclude = None,
    put_back: Annotated[
        list[str] | None, typer.Option("--put-back", metavar="ARTICLE", help="Leave it to the rules again; may be repeated.")
    ] = None,
    note: NoteFile = None,
    no_note: Annotated[bool, typer.Option("--no-note", help="Take the note out.")] = False,
    sponsor: SponsorFile = None,
    no_sponsor: Annotated[bool, typer.Option("--no-sponsor", help="Take the sponsor out.")] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Pin articles in an issue that is not planned yet, leave some out, put them back, write above them: a new revision, to be
    approved anew."""
    from digest.app import editing
    from digest.errors import UsageError

    for name, file, out in (("note", note, no_note), ("sponsor", sponsor, no_sponsor)):
        if file is not None and out:
            raise UsageError(f"--{name} and --no-{name} are opposites; give one of them")
    gone = {"note": no_note, "sponsor": no_sponsor}
    wish = editing.Wish(
        pin or (), exclude or (), put_back or (), take_out=[name for name in gone if gone[name]], **_above(note, sponsor)
    )
    with application(config, now) as application_:
        found = editing.edit(application_, issue, wish, actor())
    _tell(found, as_json, [f"revision {found.revision}"])


@app.command()
def redraft(
    issue: IssueName,
    fetch: Annotated[bool, typer.Option(help="Read the sources first.")] = True,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Freeze an issue anew that is not planned yet, after its template or an article was mended; to be approved anew."""
    from digest.app import fetching, issuing
    from digest.cli.reports import exit_code_of_fetch, fetch_lines

    with application(config, now) as application_:
        named = issuing.named(application_, issue)
        fetched = fetching.fetch(application_) if fetch else None
        found = issuing.redraft(application_, named, actor())
    lines = fetch_lines(fetched) if fetched else []
    _tell(found, as_json, [*lines, f"revision {found.revision}"])
    raise typer.Exit(exit_code_of_fetch(fetched) if fetched else 0)


@app.command("list")
def list_all(newsletter: Newsletter = None, config: Config = None, as_json: Json = False) -> None:
    """Every issue, newest first."""
    from digest.issues.issue import list_issues

    with application(config) as application_:
        slug = None if newsletter is None else application_.newsletter(newsletter).slug
        with application_.store.reading() as connection:
            issues = list_issues(connection, slug)
    if as_json:
        print_json([issue.to_json() for issue in issues])
    else:
        rows = ((i.name, i.slot, i.state, i.audience, i.subject, i.reason) for i in issues)
        table(("issue", "slot", "state", "audience", "subject", "reason"), rows)


@app.command()
def show(issue: IssueName, config: Config = None, as_json: Json = False) -> None:
    """One issue: where it stands, and a decision for every candidate."""
    from dataclasses import asdict

    from digest.app import issuing
    from digest.insights.statistics import decisions
    from digest.issues.withdrawn import left_out

    with application(config) as application_:
        found = issuing.named(application_, issue)
        with application_.store.reading() as connection:
            decided, withdrawn = decisions(connection, found), left_out(connection, found)
    if as_json:
        print_json(found.to_json() | {"decisions": decided, "left_out": [asdict(one) for one in withdrawn]})
        return
    _tell(found, False, [])
    for one in withdrawn:
        say(f"  {one} (by {one.actor}, {one.at:%Y-%m-%d %H:%M} UTC)")
    table(("article", "decision", "topic", "title"), ((d["article"], d["reason"], d["topic"], d["title"]) for d in decided))


@app.command()
def check(
    issue: IssueName,
    online: Annotated[bool, typer.Option("--online", help="Ask the network too: for links and pictures.")] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """What is wrong with an issue; errors block it, warnings show."""
    from dataclasses import asdict

    from digest.app import checking, issuing

    with application(config, now) as application_:
        found = checking.findings(application_, issuing.named(application_, issue), online=online)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            say(f"{finding.severity}: {finding}")
        if all(finding.severity == "note" for finding in found):
            say("nothing to complain of")
    raise typer.Exit(3 if any(finding.severity == "error" for finding in found) else 0)


@app.command()
def approve(issue: IssueName, config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Sign an issue's content: exactly this may go out."""
    from digest.app import issuing

    with application(config, now) as application_:
        found = issuing.approve(application_, issuing.named(application_, issue), actor())
    _tell(found, as_json, [])


@app.command()
def skip(issue: IssueName, reason: Reason = "", config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Let its slot pass; the articles roll over into the next issue."""
    from digest.app import issuing

    with application(config, now) as application_:
        found = issuing.skip(application_, issuing.named(application_, issue), actor(), reason or "skipped by hand")
    _tell(found, as_json, [])


@app.command()
def cancel(issue: IssueName, reason: Reason = "", config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """End an issue: what has not gone out never will."""
    from digest.app import issuing

    with application(config, now) as application_:
        found = issuing.cancel(application_, issuing.named(application_, issue), actor(), reason or "cancelled by hand")
    _tell(found, as_json, [])


@app.command()
def reschedule(
    issue: IssueName,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it goes out, such as 2026-11-23T10:30, on the newsletter's clock."),
    ] = None,
    at_slot: Annotated[bool, typer.Option("--at-slot", help="At its slot after all.")] = False,
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Let an issue go out at another time than its slot, before the next slot comes; an approval stays."""
    from digest.app import issuing, rescheduling
    from digest.errors import UsageError

    if (at is None) != at_slot:
        raise UsageError("when? Either --at TIME or --at-slot")
    with application(config, now) as application_:
        wanted = None if at is None else rescheduling.local(application_, issuing.named(application_, issue), at)
        found = rescheduling.reschedule(application_, issue, wanted, actor=actor())
    _tell(found, as_json, [])


@app.command()
def pause(issue: IssueName, reason: Reason = "", config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Stop an issue that is being sent; what is in flight is finished."""
    from digest.app import issuing
    from digest.issues.lifecycle import IssueState

    with application(config, now) as application_:
        named = issuing.named(application_, issue)
        found = issuing.change(application_, named, IssueState.PAUSED, actor(), reason or "paused by hand")
    _tell(found, as_json, [])


@app.command()
def resume(issue: IssueName, config: Config = None, now: Now = None, as_json: Json = False) -> None:
    """Let a paused issue go on, with the next run or send; nobody is skipped."""
    from digest.app import issuing

    with application(config, now) as application_:
        found = issuing.resume(application_, issuing.named(application_, issue), actor())
    _tell(found, as_json, [f"`digest send {found.name}` or the next `digest run` goes on"])


@app.command()
def resolve(
    issue: IssueName,
    verdict: Annotated[Verdict | None, typer.Option("--as", help="What became of its unknown deliveries.")] = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events", metavar="FILE", help="The provider's events, as it posts them or one a line; `-`: standard input."
        ),
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Whose events; by default the one that carried the issue.")
    ] = None,
    reason: Reason = "",
    config: Config = None,
    now: Now = None,
    as_json: Json = False,
) -> None:
    """Say what became of deliveries that are unknown, or let the provider's events say it. `resend` may bring somebody the
    same mail twice."""
    from digest.app import issuing
    from digest.cli.resolving import resolve_by_events
    from digest.delivery.transitions import DeliveryState
    from digest.errors import UsageError

    if (verdict is None) == (events is None):
        raise UsageError("what became of them? Either --as accepted, not-accepted or resend, or --events FILE")
    if events is not None:
        with application(config, now) as application_:
            heard, lines = resolve_by_events(application_, issuing.named(application_, issue), events, provider)
            found = issuing.named(application_, issue)
        _tell(found, as_json, lines, {"events": heard})
        return
    if verdict is None:
        return
    states = {
        Verdict.ACCEPTED: DeliveryState.ACCEPTED,
        Verdict.NOT_ACCEPTED: DeliveryState.REJECTED,
        Verdict.RESEND: DeliveryState.PLANNED,
    }
    with application(config, now) as application_:
        named = issuing.named(application_, issue)
        done = issuing.resolve(application_, named, states[verdict], actor(), reason or f"resolved by hand as {verdict}")
        found = issuing.named(application_, issue)
    said = f"{done} unknown {'delivery is' if done == 1 else 'deliveries are'} now {states[verdict]}"
    _tell(found, as_json, [said if done else f"nothing to resolve: no delivery of {found.name} is unknown"], {"resolved": done})


def _above(note: Path | None, sponsor: Path | None) -> dict[str, Any]:
    """What stands above the articles, read from its files."""
    from digest.app.adding import read_note_file, read_sponsor_file

    return {
        "note": None if note is None else read_note_file(note),
        "sponsor": None if sponsor is None else read_sponsor_file(sponsor),
    }


def _frequency(newsletter: Any, wanted: str | None) -> Any:
    from digest.errors import UsageError

    offered = {frequency.value: frequency for frequency in newsletter.frequencies}
    if wanted is None and len(offered) == 1:
        return newsletter.frequencies[0]
    if wanted not in offered:
        asked = f"{wanted!r} is not offered" if wanted else "which frequency?"
        raise UsageError(f"--frequency: {asked}; {newsletter.slug} has: {', '.join(offered)}")
    return offered[wanted]


def _tell(issue: Issue, as_json: bool, lines: list[str], more: dict[str, Any] | None = None) -> None:
    for line in lines:
        if line.startswith("!"):
            warn(line[1:])
        elif not as_json:
            say(line)
    if as_json:
        print_json(issue.to_json() | (more or {}))
        return
    when = "" if issue.send_at is None else f", goes out {issue.send_at:%Y-%m-%d %H:%M} UTC"
    say(f"{issue.name}: {issue.state}, slot {issue.slot}{when}" + (f" ({issue.reason})" if issue.reason else ""))
    if issue.subject:
        say(f"  {issue.subject}")
