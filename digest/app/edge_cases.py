"""Edge cases: what an issue's mail would be with one article, with thirty, from right to left, or without pictures.

Made of the issue itself by the code that sends, and of its template as it stands now; nothing of it is stored, and nobody gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice

from digest.app.previewing import Seen, of_nobody
from digest.app.wiring import App
from digest.delivery.shelf import widest_arrangement
from digest.errors import Refused, TemplateError
from digest.issues.arranging import without
from digest.issues.issue import Issue, frozen_of
from digest.issues.withdrawn import withdrawn_from
from digest.languages import languages_with_words
from digest.rendering.assemble import assemble
from digest.rendering.content import Arrangement, ArticleContent, IssueContent
from digest.rendering.render import render_blocks
from digest.rendering.showroom import scenes
from digest.rendering.templates import load_template

MANY = 30
RIGHT_TO_LEFT = "ar"


@dataclass(frozen=True, slots=True)
class _Case:
    """What is shown, and where it stands."""

    content: IssueContent
    arrangement: Arrangement


def edge_case(app: App, issue: Issue, case: str) -> Seen:
    """An issue as one of `CASES`. Refused where its template is broken by now, or nothing is in it."""
    if not issue.rendered:
        raise Refused(f"issue {issue.name} cannot be shown: {issue.reason}")
    with app.store.reading() as connection:
        frozen, gone = frozen_of(connection, issue), withdrawn_from(connection, issue.id)
        widest = without(widest_arrangement(connection, issue), gone, frozen)
    if not widest.articles:
        raise Refused(f"nothing is in issue {issue.name}")
    made = CASES[case](_Case(frozen.content, widest))
    try:
        template = load_template(frozen.template, app.template_folders)
        if made.content.language not in (frozen.content.language, *languages_with_words(template.catalogues)):
            raise Refused(f"the template {template.name} has no words in {made.content.language}")
        blocks = render_blocks(template, made.content)
    except TemplateError as error:
        raise Refused(str(error)) from None
    return of_nobody(assemble(blocks, made.arrangement, issue=issue.name, number=0, content=made.content))


def _one(case: _Case) -> _Case:
    """The first article alone."""
    content, shown = case.content, case.arrangement
    first = shown.articles[0]
    alone = Arrangement(first, ()) if shown.lead is not None else Arrangement(None, ((shown.sections[0][0], (first,)),))
    return _Case(replace(content, articles=tuple(one for one in content.articles if one.id == first)), alone)


def _many(case: _Case) -> _Case:
    """Thirty of its articles, over again where it has fewer; each under its topic."""
    content, shown = case.content, case.arrangement
    known = {article.id: article for article in content.articles}
    topics = {article: topic for topic, articles in shown.sections for article in articles}
    among = [article for article in shown.articles if article in topics] or list(shown.articles)
    wanted = [*(() if shown.lead is None else (shown.lead,)), *islice(cycle(among), MANY)][:MANY]
    every = [replace(known[one], id=number, also=()) for number, one in enumerate(wanted, 1)]
    lead = None if shown.lead is None else 1
    under = [topics.get(one, known[one].topics[0]) for one in wanted]
    places = [(number, topic) for number, topic in enumerate(under, 1) if number != lead]
    sections = ((one.slug, tuple(number for number, topic in places if topic == one.slug)) for one in content.sections)
    return _Case(
        replace(content, articles=tuple(every)), Arrangement(lead, tuple((slug, held) for slug, held in sections if held))
    )


def _right_to_left(case: _Case) -> _Case:
    """In Arabic: the template's own words, and every second article one that was written from right to left."""
    content = case.content
    (arabic,) = (scene.content for scene in scenes() if scene.slug == RIGHT_TO_LEFT)
    written = cycle(arabic.articles)
    articles = tuple(_in_arabic(one, next(written)) if place % 2 == 0 else one for place, one in enumerate(content.articles))
    return replace(case, content=replace(content, language=RIGHT_TO_LEFT, articles=articles, own_subject="", own_preheader=""))


def _in_arabic(article: ArticleContent, written: ArticleContent) -> ArticleContent:
    return replace(article, title=written.title, summary=written.summary, author=written.author, language=RIGHT_TO_LEFT)


def _no_pictures(case: _Case) -> _Case:
    """No article has a picture, and the sponsor none either."""
    content = case.content
    sponsor = None if content.sponsor is None else replace(content.sponsor, image=None, image_alt=None)
    bare = tuple(_bare(content.articles))
    return replace(case, content=replace(content, articles=bare, sponsor=sponsor))


def _bare(articles: tuple[ArticleContent, ...]) -> Iterator[ArticleContent]:
    return (replace(one, image=None, image_alt=None) for one in articles)


CASES: Mapping[str, Callable[[_Case], _Case]] = {
    "one": _one,
    "thirty": _many,
    "rtl": _right_to_left,
    "no-pictures": _no_pictures,
}
