"""Checking: an issue is looked at by every check, and what is an error stands in the way of approving and sending it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from digest.app.filtering import ask_filter
from digest.app.wiring import App
from digest.catalogue.answered import Answer
from digest.catalogue.asking import Asker, ask_all, believed, keep
from digest.catalogue.visiting import user_agent
from digest.checks.finding import Fault, Finding, Severity
from digest.checks.issue_checks import ONLINE, check
from digest.checks.links import addresses_of_links, addresses_of_pictures
from digest.checks.mail import LastIssue, Mail, write_mail
from digest.delivery.shelf import Shelf, widest_arrangement
from digest.errors import Refused, TemplateError
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, frozen_of
from digest.issues.lifecycle import IssueState
from digest.issues.withdrawn import withdrawn_from
from digest.rendering.source import Source
from digest.rendering.templates import load_template
from digest.store import tables
from digest.traces import span

FAILED = "a check failed: "
_WENT_OUT = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)


class ChecksFailed(Refused):
    """An error of the checks stands in the way."""


def findings(app: App, issue: Issue, *, online: bool = False) -> list[Finding]:
    """What the checks say of an issue, errors first; `online`, the network is asked too."""
    return _look(app, issue, online=online, filtered=app.settings.checks.spam != "ignore")


def findings_at_once(app: App, issue: Issue) -> list[Finding]:
    """The same, but for what takes long: neither the network nor the spam filter is asked."""
    return _look(app, issue, online=False, filtered=False)


def refuse_faulty(app: App, issue: Issue, verb: str) -> None:
    """Raise `ChecksFailed` when an error stands in the way. What takes long is looked at only where it may be one."""
    weights = app.settings.checks
    online = any(getattr(weights, name) == "error" for name in ONLINE)
    found = _look(app, issue, online=online, filtered=weights.spam == "error", errors_only=True)
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors:
        more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        shows = f"`digest issues check {issue.name}` shows all"
        raise ChecksFailed(f"issue {issue.name} is not {verb}, {FAILED}{errors[0]}{more}; {shows}")


def _look(app: App, issue: Issue, *, online: bool, filtered: bool, errors_only: bool = False) -> list[Finding]:
    with span("check", issue=issue.name):
        return _look_at(app, issue, online=online, filtered=filtered, errors_only=errors_only)


def _look_at(app: App, issue: Issue, *, online: bool, filtered: bool, errors_only: bool) -> list[Finding]:
    if not issue.rendered:
        fault = Fault("template", issue.reason or "its template is broken", "mend the template and draft the issue again")
        return [Finding.of("template", Severity.ERROR, fault)]
    with app.store.reading() as connection:
        shelf, widest, last = Shelf(connection, issue), widest_arrangement(connection, issue), last_issue(connection, issue)
        template, gone = _template(app, frozen_of(connection, issue)), withdrawn_from(connection, issue.id)
    found: list[Finding] = []
    for language in shelf.languages:
        made = shelf.assemble(widest, 0, language)
        on_the_web = () if made.degraded is None else made.degraded.on_the_web
        chosen = frozenset(widest.articles).difference(gone, on_the_web)
        mail = replace(write_mail(made, shelf.content_in(language)), last=last, template=template, chosen=chosen)
        if online:
            mail = replace(mail, answers=_answers(app, mail))
        if filtered:
            mail, notes = _filtered(mail)
            found += [note for note in notes if note not in found]
        of_this = check(mail, app.settings.checks, errors_only=errors_only)
        if language != shelf.languages[0]:
            of_this = [replace(one, where=f"{one.where} ({language})") for one in of_this if one not in found]
        found += of_this
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def _template(app: App, frozen: Frozen) -> Source | None:
    """The MJML that an issue was rendered from; None when it was changed since, for then the lines are of another one."""
    try:
        template = load_template(frozen.template, app.template_folders)
    except TemplateError:
        return None
    return template.mjml if template.hash == frozen.template_hash else None


def _filtered(mail: Mail) -> tuple[Mail, list[Finding]]:
    """The mail with the spam filter's verdict, or a note that there is none."""
    verdict = ask_filter(mail.message)
    if isinstance(verdict, str):
        mend = "install it, or set checks.spam to ignore"
        return mail, [Finding.of("spam", Severity.NOTE, Fault("message", verdict, mend))]
    return replace(mail, spam=verdict), []


def _answers(app: App, mail: Mail) -> dict[str, Answer]:
    """What the mail's links and pictures answer, now or lately. Private addresses are asked where a source may be private."""
    wanted = dict.fromkeys((*addresses_of_links(mail), *addresses_of_pictures(mail)))
    with app.store.reading() as connection:
        known = believed(connection, wanted, app.now)
    private = any(source.allow_private for source in app.settings.sources)
    asker = Asker(user_agent(app.settings.site.url), allow_private=private)
    said = ask_all((address for address in wanted if address not in known), asker)
    with app.store.writing() as connection:
        keep(connection, said, app.now)
    return known | said


def last_issue(connection: Connection, issue: Issue) -> LastIssue | None:
    """The issue of the same newsletter and frequency that went out before."""
    row, kept = tables.issue.c, tables.decision.c
    alike = (row.newsletter == issue.newsletter, row.frequency == issue.frequency, row.number < issue.number)
    went_out = row.state.in_([state.value for state in _WENT_OUT])
    last = connection.execute(
        select(row.id, row.number, row.subject).where(*alike, went_out).order_by(row.number.desc()).limit(1)
    ).one_or_none()
    if last is None:
        return None
    query = select(tables.article.c.id, tables.article.c.title).join(tables.decision, kept.article_id == tables.article.c.id)
    articles = connection.execute(query.where(kept.issue_id == last.id, kept.chosen))
    return LastIssue(f"{issue.newsletter}/{last.number}", last.subject, {found.id: found.title for found in articles})
