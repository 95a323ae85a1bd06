"""Joining blocks into a rendition, and a rendition with a reader's values into what that reader gets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from markupsafe import escape

from digest.rendering.blocks import Block, Blocks
from digest.rendering.cleaning import one_line
from digest.rendering.content import Arrangement, IssueContent, Personal
from digest.rendering.degrading import CLIPPED_AT, MORE_ARTICLE, Degraded, Form, thinned, weigh
from digest.rendering.rendition import Rendition, Slotted

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
    whole: bool = False,
) -> Rendition:
    """Join the blocks of an arrangement; `issue` is "weekly/12" and `number` counts renditions within it.

    An article that names a `withdrawn` one as another place of its story names none. A `whole` one is for where nothing is
    clipped: it is not shortened.
    """
    lone = {article.id for article in content.articles if any(one.id in withdrawn for one in article.also)} if withdrawn else ()
    chosen, shown, degraded = _fitting(blocks, arrangement, lone, whole=whole)
    titles = (blocks.titles[article] for article in shown.articles if article != MORE_ARTICLE)
    preheader = one_line(content.own_preheader) or preheader_of(titles)
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
        degraded=degraded,
    )


def fill(rendition: Rendition, personal: Personal) -> tuple[str, str]:
    """A rendition's HTML and plain text for one reader."""
    values = asdict(personal)
    return rendition.html.fill({name: str(escape(value)) for name, value in values.items()}), rendition.text.fill(values)


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


@dataclass(frozen=True, slots=True)
class _Form:
    """The leads and cards of one form."""

    leads: Mapping[int, Block]
    cards: Mapping[int, Block]

    def choose(self, blocks: Blocks, arrangement: Arrangement) -> list[Block]:
        chosen = [blocks.opening]
        if arrangement.lead is not None:
            chosen.append(self.leads[arrangement.lead])
        for slug, articles in arrangement.sections:
            chosen += (blocks.sections[slug], *(self.cards[article] for article in articles))
        return [*chosen, blocks.closing]


def _fitting(
    blocks: Blocks, every: Arrangement, lone: Collection[int], *, whole: bool
) -> tuple[list[Block], Arrangement, Degraded | None]:
    """The blocks of an arrangement in the fullest form that mail programs do not clip, what of it they show, and how."""
    chosen = _whole_form(blocks, lone).choose(blocks, every)
    if whole or not blocks.title_cards:  # not even everything at once is too large
        return chosen, every, None
    size = _size(chosen)
    if size < CLIPPED_AT:
        return chosen, every, None
    for form, shown, on_the_web in _ways_to_degrade(every):
        forms = (blocks.short_leads, blocks.short_cards) if form is Form.EXCERPTS else (blocks.title_leads, blocks.title_cards)
        chosen = _Form(*forms).choose(blocks, shown)
        degraded = Degraded(form, size, _size(chosen), on_the_web)
        if degraded.size < CLIPPED_AT:
            break
    return chosen, shown, degraded


def _size(chosen: Sequence[Block]) -> int:
    return sum(_weight(block.html) for block in chosen)


@lru_cache(maxsize=512)
def _weight(html: Slotted) -> int:
    """What one block weighs: the same blocks stand in thousands of renditions."""
    return weigh([html])


def _ways_to_degrade(whole: Arrangement) -> Iterator[tuple[Form, Arrangement, tuple[int, ...]]]:
    yield Form.EXCERPTS, whole, ()
    yield Form.TITLES, whole, ()
    for many in range(1, len(whole.articles)):
        shown = thinned(whole, many)
        yield Form.WEB, shown, tuple(one for one in whole.articles if one not in shown.articles)


def _whole_form(blocks: Blocks, lone: Collection[int]) -> _Form:
    if not lone:
        return _Form(blocks.leads, blocks.cards)
    leads, cards = dict(blocks.leads), dict(blocks.cards)
    for article in lone:
        leads[article] = blocks.lone_leads.get(article, leads[article])
        cards[article] = blocks.lone_cards.get(article, cards[article])
    return _Form(leads, cards)
