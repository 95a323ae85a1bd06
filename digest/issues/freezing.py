"""The freeze: from the catalogue as it stands to an issue that never changes by itself again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select

from digest.audience.had_already import had_by_everybody
from digest.catalogue.article import Article
from digest.catalogue.storing import highest_arrival
from digest.errors import TemplateError
from digest.issues import pool
from digest.issues.calendar import Slot
from digest.issues.candidates import candidates_of
from digest.issues.frozen import Frozen
from digest.issues.gathering import remember_tags
from digest.issues.issue import Issue, issue_by_id
from digest.issues.languages import speaks
from digest.issues.lifecycle import IssueState, record, step
from digest.issues.rules import rules_of
from digest.issues.selection import Candidate, Reader, Rules, Selection
from digest.issues.selection import select as choose
from digest.issues.withdrawn import begin_anew
from digest.rendering.blocks import content_hash, render_blocks
from digest.rendering.content import ArticleContent, IssueContent, SectionContent, SenderContent, SiteContent
from digest.rendering.subject import render_subject
from digest.rendering.templates import load_template
from digest.settings import Frequency, NewsletterSettings, Settings
from digest.store import tables


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the templates made of frozen content; empty, with the reason, when they are broken."""

    subject: str
    blocks: bytes
    content_hash: str
    template_hash: str
    broken: str | None = None


def freeze(
    connection: Connection,
    settings: Settings,
    newsletter: NewsletterSettings,
    frequency: Frequency,
    slot: Slot,
    *,
    folders: tuple[Path, ...],
    now: datetime,
    actor: str,
) -> Issue:
    """Make the issue of a slot, inside the caller's transaction: a draft; skipped below the minimum; held by a broken template."""
    remember_tags(connection, newsletter)
    number = _next_number(connection, newsletter.slug)
    frozen, selection = _freeze_content(connection, settings, newsletter, frequency, slot, number, now)
    rendered = _render(frozen, newsletter, folders)
    state, reason = _opening_state(selection, newsletter, rendered)
    issue_id = connection.execute(select(func.coalesce(func.max(tables.issue.c.id), 0) + 1)).scalar_one()
    connection.execute(
        insert(tables.issue).values(
            id=issue_id,
            newsletter=newsletter.slug,
            number=number,
            frequency=frequency.value,
            slot=slot.name,
            slot_at=slot.at,
            state=state.value,
            reason=reason,
            revision=1,
            finished_at=now if state is IssueState.SKIPPED else None,
            **_frozen_values(rendered, connection, now),
        )
    )
    _keep_content(connection, issue_id, frozen, rendered, selection)
    record(connection, issue_id, None, state, actor=actor, now=now, reason=reason)
    return issue_by_id(connection, issue_id)


def refreeze(
    connection: Connection,
    settings: Settings,
    newsletter: NewsletterSettings,
    issue: Issue,
    *,
    folders: tuple[Path, ...],
    now: datetime,
    actor: str,
) -> Issue:
    """Freeze an unsent issue anew, as its next revision: after a template was mended. Voids an approval."""
    remember_tags(connection, newsletter)
    zone = ZoneInfo(newsletter.timezone)
    slot = Slot(at=issue.slot_at, local=issue.slot_at.astimezone(zone).replace(tzinfo=None))
    frozen, selection = _freeze_content(connection, settings, newsletter, Frequency(issue.frequency), slot, issue.number, now)
    rendered = _render(frozen, newsletter, folders)
    state, reason = _opening_state(selection, newsletter, rendered)
    values = _frozen_values(rendered, connection, now) | {
        "revision": issue.revision + 1,
        "approved_hash": None,
        "approved_by": None,
        "approved_at": None,
        "finished_at": now if state is IssueState.SKIPPED else None,
    }
    step(connection, issue.id, issue.name, issue.state, state, actor=actor, now=now, reason=reason, **values)
    for table in (tables.issue_content, tables.issue_blocks, tables.decision):
        connection.execute(table.delete().where(table.c.issue_id == issue.id))
    begin_anew(connection, issue.id)
    _keep_content(connection, issue.id, frozen, rendered, selection)
    return issue_by_id(connection, issue.id)


def _freeze_content(
    connection: Connection,
    settings: Settings,
    newsletter: NewsletterSettings,
    frequency: Frequency,
    slot: Slot,
    number: int,
    now: datetime,
) -> tuple[Frozen, Selection]:
    floor = pool.floor(connection, newsletter.slug, frequency.value, newsletter.carry_over)
    articles = pool.articles(connection, newsletter.slug, frequency.value, floor.number)
    candidates = candidates_of(connection, newsletter, articles, now)
    found = {candidate.id: candidate.topics for candidate in candidates}
    rules = rules_of(newsletter)
    selection = _select(connection, newsletter, frequency, candidates, rules)
    zone = ZoneInfo(newsletter.timezone)
    usable = [a for a in articles if found[a.id] and a.withdrawn_at is None and a.arrival is not None and _taken(rules, a)]
    content = IssueContent(
        newsletter=newsletter.slug,
        title=newsletter.title,
        number=number,
        slot_on=slot.local.date(),
        language=settings.site.language,
        subject="",
        site=_site(settings),
        sender=SenderContent(settings.sender.name, settings.sender.address, settings.sender.reply_to),
        sections=tuple(SectionContent(slug, topic.title) for slug, topic in newsletter.offered.items()),
        articles=tuple(_article(article, found[article.id], zone) for article in _by_priority(usable, selection)),
    )
    frozen = Frozen(content, rules, candidates, floor.number, floor.bounded, newsletter.template, "", newsletter.timezone)
    return frozen, selection


def _select(
    connection: Connection,
    newsletter: NewsletterSettings,
    frequency: Frequency,
    candidates: tuple[Candidate, ...],
    rules: Rules,
) -> Selection:
    """What somebody gets who follows every topic and has missed nothing; or, where that is too little for an issue, what
    they get who lag furthest behind."""
    slug, chosen = newsletter.slug, frequency.value
    topics, cutoff, owed = frozenset(rules.topics), highest_arrival(connection), pool.owed(connection, slug, chosen)
    had_already = frozenset(had_by_everybody(connection))
    selections = []
    for coverage in (pool.coverage_point(connection, slug, chosen), pool.lowest_coverage(connection, slug, chosen)):
        reader = Reader(topics, coverage, owed, had_already=had_already)
        selections.append(choose(candidates, rules, reader, cutoff=cutoff))
        if len(selections[-1].chosen) >= newsletter.min_articles:
            return selections[-1]
    return selections[0]


def _render(frozen: Frozen, newsletter: NewsletterSettings, folders: tuple[Path, ...]) -> Rendered:
    try:
        template = load_template(frozen.template, folders)
        content = replace(frozen.content, subject=render_subject(newsletter.subject, frozen.content))
        blocks = render_blocks(template, content)
    except TemplateError as error:
        return Rendered("", b"", "", "", broken=str(error))
    signed = content_hash(blocks, subject=content.subject, sender=content.sender, template_hash=template.hash)
    return Rendered(content.subject, blocks.to_bytes(), signed, template.hash)


def _opening_state(selection: Selection, newsletter: NewsletterSettings, rendered: Rendered) -> tuple[IssueState, str | None]:
    found = len(selection.chosen)
    if found < newsletter.min_articles:
        what = "no article" if found == 0 else f"only {found} article{'s' if found > 1 else ''}"
        return IssueState.SKIPPED, f"{what} qualified and min_articles is {newsletter.min_articles}; what there is rolls over"
    if rendered.broken is not None:
        return IssueState.HELD, rendered.broken
    return IssueState.DRAFT, None


def _frozen_values(rendered: Rendered, connection: Connection, now: datetime) -> dict[str, object]:
    return {
        "cutoff": highest_arrival(connection),
        "frozen_at": now,
        "subject": rendered.subject,
        "content_hash": rendered.content_hash,
    }


def _keep_content(connection: Connection, issue_id: int, frozen: Frozen, rendered: Rendered, selection: Selection) -> None:
    content = replace(frozen.content, subject=rendered.subject)
    kept = replace(frozen, content=content, template_hash=rendered.template_hash).to_json()
    connection.execute(insert(tables.issue_content).values(issue_id=issue_id, content=kept))
    if rendered.broken is None:
        row = {"issue_id": issue_id, "language": frozen.content.language, "blocks": rendered.blocks}
        connection.execute(insert(tables.issue_blocks).values(row))
    rows = [
        {
            "issue_id": issue_id,
            "article_id": decision.article,
            "position": position,
            "chosen": decision.chosen,
            "reason": decision.reason.value,
            "topic": decision.topic,
        }
        for position, decision in enumerate(selection.decisions)
    ]
    if rows:
        connection.execute(insert(tables.decision), rows)


def _next_number(connection: Connection, newsletter: str) -> int:
    highest = select(func.coalesce(func.max(tables.issue.c.number), 0)).where(tables.issue.c.newsletter == newsletter)
    return int(connection.execute(highest).scalar_one()) + 1


def _taken(rules: Rules, article: Article) -> bool:
    """Whether somebody may get it; what is in another language is a candidate all the same, so that it can be explained."""
    return article.id in rules.pinned or speaks(rules.languages, article.language)


def _by_priority(articles: Iterable[Article], selection: Selection) -> list[Article]:
    places: Mapping[int, int] = {decision.article: place for place, decision in enumerate(selection.decisions)}
    return sorted(articles, key=lambda article: places[article.id])


def _article(article: Article, topics: tuple[str, ...], zone: ZoneInfo) -> ArticleContent:
    return ArticleContent(
        id=article.id,
        title=article.title,
        url=article.url,
        summary=article.summary,
        author=article.author,
        image=article.image,
        image_alt=article.image_alt,
        reading_minutes=article.reading_minutes,
        published_on=None if article.published_at is None else article.published_at.astimezone(zone).date(),
        language=article.language,
        featured=article.featured,
        topics=topics,
    )


def _site(settings: Settings) -> SiteContent:
    site = settings.site
    return SiteContent(site.name, site.url, site.public_url, site.postal_address, site.logo, site.colour)
