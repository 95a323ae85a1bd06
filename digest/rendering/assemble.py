"""Joining blocks into a rendition, and a rendition with a reader's values into what that reader gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict

from markupsafe import escape

from digest.rendering.blocks import Block, Blocks
from digest.rendering.cleaning import one_line
from digest.rendering.compile import blaming, compile_template
from digest.rendering.content import Arrangement, IssueContent, Personal
from digest.rendering.context import SectionView, clean_article, clean_section, names_everywhere
from digest.rendering.rendition import Rendition, Slotted
from digest.rendering.templates import Template

PREHEADER_LENGTH = 110
"""About as many characters as inboxes show beside a subject."""


def assemble(
    blocks: Blocks,
    arrangement: Arrangement,
    *,
    issue: str,
    number: int,
    content: IssueContent,
    withdrawn: Collection[int] = (),
) -> Rendition:
    """Join the blocks of an arrangement; `issue` is "weekly/12" and `number` counts renditions within it.

    An article that names a `withdrawn` one as another place of its story names none.
    """
    lone = {article.id for article in content.articles if any(one.id in withdrawn for one in article.also)}
    chosen = _chosen(blocks, arrangement, lone)
    preheader = preheader_of([blocks.titles[article] for article in arrangement.articles])
    return Rendition(
        issue=issue,
        number=number,
        language=blocks.language,
        subject=one_line(content.subject),
        newsletter_title=one_line(content.title),
        list_id=f"{content.newsletter}.{content.sender.address.rpartition('@')[2]}",
        sender=content.sender,
        html=join((block.html for block in chosen), {"preheader": str(escape(preheader))}),
        text=join((block.text for block in chosen), {"preheader": preheader}),
        greeting=blocks.greeting,
    )


def fill(rendition: Rendition, personal: Personal) -> tuple[str, str]:
    """A rendition's HTML and plain text for one reader."""
    values = asdict(personal)
    return rendition.html.fill({name: str(escape(value)) for name, value in values.items()}), rendition.text.fill(values)


def render_direct(template: Template, content: IssueContent, arrangement: Arrangement, personal: Personal) -> tuple[str, str]:
    """The same mail in one rendering, blocks and slots left aside: the judge that assembling is measured by."""
    compiled = compile_template(template)
    articles = {article.id: clean_article(article) for article in content.articles}
    sections = {section.slug: clean_section(section) for section in content.sections}
    names = {
        **names_everywhere(content, template.words(content.language)),
        **asdict(personal),
        "preheader": preheader_of([articles[article].title for article in arrangement.articles]),
        "lead": None if arrangement.lead is None else articles[arrangement.lead],
        "sections": [
            SectionView(slug, sections[slug].title, tuple(articles[article] for article in chosen))
            for slug, chosen in arrangement.sections
        ],
    }
    with blaming(template.mjml):
        html = compiled.html.render(names)
    with blaming(template.text):
        return html, compiled.text.render(names)


def preheader_of(titles: Iterable[str], length: int = PREHEADER_LENGTH) -> str:
    """The titles in one line, joined with " · " and cut at a word to at most `length` characters."""
    whole = " · ".join(title for title in titles if title)
    if len(whole) <= length:
        return whole
    cut = whole[: length - 1]
    if whole[length - 1] != " " and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ·,;:–—-") + "…"


def join(parts: Iterable[Slotted], values: Mapping[str, str]) -> Slotted:
    """Slotted texts one after the other, the slots named in `values` filled, the others kept."""
    literals, slots = [""], []
    pending: list[str] = []
    for part in parts:
        pending.append(part.literals[0])
        for name, literal in zip(part.slots, part.literals[1:], strict=True):
            if name in values:
                pending += (values[name], literal)
                continue
            literals[-1] = "".join(pending)
            literals.append("")
            slots.append(name)
            pending = [literal]
    literals[-1] = "".join(pending)
    return Slotted(tuple(literals), tuple(slots))


def _chosen(blocks: Blocks, arrangement: Arrangement, lone: Collection[int]) -> list[Block]:
    leads, cards = dict(blocks.leads), dict(blocks.cards)
    for article in lone:
        leads[article] = blocks.lone_leads.get(article, leads[article])
        cards[article] = blocks.lone_cards.get(article, cards[article])
    chosen = [blocks.opening]
    if arrangement.lead is not None:
        chosen.append(leads[arrangement.lead])
    for slug, articles in arrangement.sections:
        chosen += (blocks.sections[slug], *(cards[article] for article in articles))
    return [*chosen, blocks.closing]
