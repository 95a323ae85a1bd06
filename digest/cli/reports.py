"""Reports of runs and sends, as data and as lines, and the exit code each comes to. A line that begins with `!` is a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digest.app.fetching import Fetched
from digest.app.retaining import Retained
from digest.app.running import Handled, Ran
from digest.cli.events import processed_lines, processed_report
from digest.cli.returned_mail import taken_lines, taken_report
from digest.delivery.ending import PAUSING, Ending
from digest.delivery.sending import Sent
from digest.issues.lifecycle import IssueState
from digest.rendering.degrading import account

_TROUBLED = ("rejected", "deferred", "unknown")
_FAULTS_SHOWN = 20
_DRY = "dry run: nothing was sent, nothing was recorded"
_ARTICLES_SHOWN = 10
_SOURCES_OVERSEEN = 10  # of more than these the report ends with a total
GAP = "shows nothing that was known: there may be articles that came and went between two fetches; fetch it more often"


def run_report(ran: Ran, folders: Mapping[str, str], *, dry_run: bool) -> dict[str, Any]:
    """A run as data."""
    return {
        "dry_run": dry_run,
        "fetched": fetch_report(ran.fetched),
        "issues": [_handled(one, folders) for one in ran.handled],
        "drafted": [issue.name for issue in ran.drafted],
        "missed": ran.missed,
        "waiting": ran.waiting,
        "letters": ran.letters,
        "sunset": [{"newsletter": one.newsletter, "asked": one.asked, "ended": one.ended} for one in ran.sunset],
        "events": processed_report(ran.heard),
        "returned": taken_report(ran.returned) | {"error": ran.mailbox},
        "retained": asdict(ran.retained),
        "halted": ran.halted,
    }


def fetch_report(fetched: Fetched) -> dict[str, Any]:
    """A fetch as data."""
    sources = []
    for source in fetched.sources:
        stored = source.stored
        counts = (
            {}
            if stored is None
            else {
                name: getattr(stored, name)
                for name in ("new", "updated", "unchanged", "waiting", "covered", "not_modified", "gap")
            }
        )
        sources.append(
            {"source": source.name, "error": source.error, **counts, "faults": [str(fault) for fault in source.faults]}
        )
    return {"sources": sources, "released": fetched.released, "succeeded": [str(done) for done in fetched.succeeded]}


def run_lines(ran: Ran, folders: Mapping[str, str], *, dry_run: bool) -> list[str]:
    """A run in lines."""
    lines = [_DRY] if dry_run else []
    lines += processed_lines(ran.heard)
    lines += fetch_lines(ran.fetched)
    lines += taken_lines(ran.returned)
    if ran.mailbox is not None:
        lines.append(f"!{ran.mailbox}")
    for one in ran.handled:
        lines += [_line(one), *_left_out(one.sent), *_degraded(one.sent)]
        lines += alarm_lines(one.issue.name, one.sent.alarms if one.sent else ())
        if one.issue.name in folders:
            lines.append(f"  open {Path(folders[one.issue.name]) / 'index.html'}")
    lines += [f"{issue.name}: drafted ahead of its slot, {issue.slot}" for issue in ran.drafted]
    lines += [*ran.missed, *ran.waiting]
    lines += [
        f"{one.newsletter}: {one.asked:,} silent readers asked whether they want to go on, {one.ended:,} who did not answer let go"
        for one in ran.sunset
        if one.asked or one.ended
    ]
    if ran.letters:
        lines.append(f"{ran.letters:,} letter{'' if ran.letters == 1 else 's'} sent")
    lines += _retained(ran.retained)
    if ran.halted is not None:
        lines.append(f"!{ran.halted}")
    if not ran.handled and not ran.waiting:
        lines.append("nothing was due")
    return lines


def _retained(retained: Retained) -> list[str]:
    told = ((retained.events, "events"), (retained.people, "people who had left"), (retained.files, "files of dry runs"))
    gone = ", ".join(f"{count:,} {what}" for count, what in told if count)
    return [f"thrown away as [retention] says: {gone}"] if gone else []


def fetch_lines(fetched: Fetched) -> list[str]:
    """A fetch in lines."""
    lines = [str(done) for done in fetched.succeeded]
    for source in fetched.sources:
        if source.stored is None:
            lines.append(f"!source {source.name}: {source.error}")
            continue
        said = ((source.stored.new, "new"), (source.stored.updated, "updated"), (source.stored.waiting, "waiting for their time"))
        counts = ", ".join(f"{count} {word}" for count, word in said if count) or "nothing new"
        lines.append(f"source {source.name}: {counts}")
        if source.stored.gap:
            lines.append(f"!source {source.name}: {GAP}")
        lines += [f"!source {source.name}: {fault}" for fault in source.faults[:_FAULTS_SHOWN]]
        if len(source.faults) > _FAULTS_SHOWN:
            lines.append(f"!source {source.name}: and {len(source.faults) - _FAULTS_SHOWN} more; --json lists them all")
    if len(fetched.sources) > _SOURCES_OVERSEEN:
        lines.append(_total(fetched))
    return lines


def _total(fetched: Fetched) -> str:
    """What came of many sources, in one line."""
    stored = [source.stored for source in fetched.sources if source.stored is not None]
    failed = len(fetched.sources) - len(stored)
    not_modified = sum(each.not_modified for each in stored)
    return (
        f"{len(fetched.sources):,} sources: {len(stored) - not_modified:,} read, {not_modified:,} not modified, {failed:,} failed;"
        f" {sum(each.new for each in stored):,} new articles"
    )


def send_report(sent: Sent, folder: Path | None) -> dict[str, Any]:
    """A send as data: at least `issue`, `state`, `audience` and `account`."""
    return {
        "issue": sent.issue.name,
        "state": sent.issue.state.value,
        "reason": sent.issue.reason or sent.reason or None,
        "audience": sent.audience,
        "account": dict(sent.account),
        "coming": None if sent.coming is None else asdict(sent.coming),
        "doubt": sent.doubt,
        "left_out": [str(one) for one in sent.left_out],
        "degraded": degraded_report(sent),
        "alarms": list(sent.alarms),
        "dry_run": folder is not None,
        "outbox": None if folder is None else str(folder),
    }


def send_lines(sent: Sent, folder: Path | None) -> list[str]:
    """A send in lines."""
    lines = [f"{sent.issue.name}: {sent.issue.state}; {account_line(sent.audience, sent.account)}"]
    if sent.reason or sent.issue.reason:
        lines.append(f"!{sent.issue.name}: {sent.issue.reason or sent.reason}")
    lines += [f"{sent.issue.name}: {sent.coming}"] if sent.coming is not None else []
    lines += [*_left_out(sent), *_degraded(sent)]
    lines += alarm_lines(sent.issue.name, sent.alarms)
    if folder is not None:
        lines += [_DRY, f"  open {folder / 'index.html'}"]
    return lines


def alarm_lines(issue: str, alarms: Iterable[str]) -> list[str]:
    """The alarms of an issue, a line each."""
    return [f"!{issue}: alarm: {alarm}" for alarm in alarms]


def beside_lines(report: Mapping[str, Any]) -> list[str]:
    """What statistics tell beside the account: who was paused, what was had already, who was away too long."""
    already = report["had_already"]
    told = (
        (report["paused"], "paused when the audience was frozen, and not in it"),
        (already["articles"], "of its articles had been had already by everybody"),
        (already["readers"], "had one of its articles already"),
        (report["away_too_long"], "were away for more issues than carry_over allows: the oldest of what they missed expired"),
    )
    return [f"{count:,} {words}" for count, words in told if count]


def engagement_lines(found: Mapping[str, Any]) -> list[str]:
    """What providers told of an issue; where they tell nothing of opens or clicks, that, and no zeros."""
    if not found["heard"]:
        return ["nothing was reported of what became of the mails: docs/providers/ says what each provider can tell"]
    whole = found["whole"]
    lines = [", ".join(f"{kind} {told['unique']:,}" for kind, told in whole.items() if told is not None and "robots" not in told)]
    lines += [_acts(kind, whole[kind]) for kind in ("opened", "clicked") if whole[kind] is not None]
    untold = [words for kind, words in (("opened", "opens"), ("clicked", "clicks")) if whole[kind] is None]
    if untold:
        lines.append(f"{' and '.join(untold)}: not known; tracking is off, or the provider does not tell")
    if whole["clicked"] is not None:
        lines += [f"{one['topic']}: {one['mails']:,} mails, {_acts('clicked', one['clicked'])}" for one in found["topics"]]
        most = [one for one in found["articles"] if one["clicked"]["unique"]][:_ARTICLES_SHOWN]
        lines += [f"{one['title']}: {_acts('clicked', one['clicked'])}" for one in most]
        if found["other_links"]["total"]:
            lines.append(f"other links: {_acts('clicked', found['other_links'])}")
    return lines


def _acts(kind: str, told: Mapping[str, Any]) -> str:
    alone = told["robots"]["unique"]
    return f"{kind} by {told['unique']:,}, {told['total']:,} times" + (f"; likely by robots alone: {alone:,}" if alone else "")


def account_line(audience: int, account: Mapping[str, int]) -> str:
    """The account in one line."""
    counts = ", ".join(f"{count:,} {state}" for state, count in account.items() if count)
    return f"audience {audience:,}" + (f": {counts}" if counts else "")


def exit_code_of_run(ran: Ran) -> int:
    """The first that applies: 3 refused or paused, 5 out of reach, 1 some trouble, 0."""
    codes = [3 if one.refused else 0 if one.sent is None else exit_code_of_send(one.sent) for one in ran.handled]
    codes += [exit_code_of_fetch(ran.fetched), 3 if ran.halted else 0, 0 if ran.mailbox is None else 1]
    return next((code for code in (3, 5, 1) if code in codes), 0)


def exit_code_of_fetch(fetched: Fetched) -> int:
    """5 every source out of reach, 1 one of several or asked to stop, 0."""
    return 5 if fetched.all_failed and not fetched.stopped else 1 if fetched.failed else 0


def exit_code_of_send(sent: Sent) -> int:
    """3 paused or stopped by somebody, 5 the provider out of reach, 1 it is not at its end or some are in trouble, 0."""
    if sent.ending is Ending.OUT_OF_REACH:
        return 5
    if sent.ending in PAUSING | {Ending.STOPPED}:
        return 3
    if sent.ending in {Ending.DRAINED, Ending.HELD_BACK}:
        return 1
    troubled = sent.touched and any(sent.account[state] for state in _TROUBLED)
    return 1 if troubled or sent.account["deferred"] else 0


def _handled(one: Handled, folders: Mapping[str, str]) -> dict[str, Any]:
    account = None if one.sent is None else dict(one.sent.account)
    return {
        "issue": one.issue.name,
        "slot": one.issue.slot,
        "state": one.issue.state.value,
        "reason": one.issue.reason or one.note or None,
        "audience": one.issue.audience,
        "account": account,
        "doubt": 0 if one.sent is None else one.sent.doubt,
        "left_out": [] if one.sent is None else [str(left) for left in one.sent.left_out],
        "degraded": degraded_report(one.sent),
        "alarms": [] if one.sent is None else list(one.sent.alarms),
        "outbox": folders.get(one.issue.name),
    }


def _left_out(sent: Sent | None) -> list[str]:
    return [] if sent is None else [f"  {one}" for one in sent.left_out]


def degraded_report(sent: Sent | None) -> dict[str, int]:
    """How many renditions of a send were too large for mail programs, by what became of them."""
    return {} if sent is None else dict(Counter(one.form.value for one in sent.degraded))


def _degraded(sent: Sent | None) -> list[str]:
    return [f"  {account(sent.degraded)}"] if sent is not None and sent.degraded else []


def _line(one: Handled) -> str:
    said = f"{one.issue.name}: {one.issue.state}"
    if one.sent is not None:
        said += f"; {account_line(one.sent.audience, one.sent.account)}"
    words = [one.issue.reason or "", one.note]
    if one.refused and one.issue.state is IssueState.PAUSED:
        words.append(f"`digest issues resume {one.issue.name}` lets it go on")
    reason = "; ".join(dict.fromkeys(word for word in words if word))
    return f"{said} ({reason})" if reason else said
