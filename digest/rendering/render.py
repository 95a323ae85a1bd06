"""A template and what an issue tells become HTML and plain text: block by block for assembling, or the whole mail at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace

import jinja2
from markupsafe import Markup

from digest.errors import TemplateError
from digest.languages import Words
from digest.rendering.assemble import preheader_of
from digest.rendering.blocks import Block, Blocks
from digest.rendering.cleaning import one_line
from digest.rendering.compile import Compiled, blaming, compile_template
from digest.rendering.content import Arrangement, Greeting, IssueContent, Personal
from digest.rendering.context import SectionView, clean_article, clean_section, names_everywhere
from digest.rendering.degrading import CLIPPED_AT, MORE_ARTICLE, MORE_SLUG, excerpt, headline, more_article, more_section, weigh
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.memory import remembered
from digest.rendering.names import SLOTS
from digest.rendering.phrases import SPEAKING
from digest.rendering.rendition import Slotted
from digest.rendering.source import Source
from digest.rendering.templates import Template


def render_blocks(template: Template, content: IssueContent) -> Blocks:
    """Render every block of an issue, or raise a TemplateError that names the file and the line."""
    if template.name in OWN_MAILS:
        raise TemplateError(f"{template.mjml.file} is a mail of Digest's own: name a newsletter's template under `template`")
    render = _Renderer(template, content)
    articles = [clean_article(article, content.utm) for article in content.articles]
    lone = [replace(article, also=()) for article in articles if article.also]
    blocks = Blocks(
        language=content.language,
        opening=render("opening"),
        leads={article.id: render("lead", article=article) for article in articles},
        sections={section.slug: render("section", section=clean_section(section)) for section in content.sections},
        cards={article.id: render("card", article=article) for article in articles},
        closing=render("closing"),
        titles={article.id: article.title for article in articles},
        lone_leads={article.id: render("lead", article=article) for article in lone},
        lone_cards={article.id: render("card", article=article) for article in lone},
        greeting=_greeting(template.words(content.language)),
    )
    return _with_degraded_forms(blocks, template, content, render) if _may_be_too_large(blocks) else blocks


def _may_be_too_large(blocks: Blocks) -> bool:
    """Whether a rendition of everything would be."""
    leads = sorted((weigh([block.html]) for block in blocks.leads.values()), reverse=True)[:1]
    rest = (blocks.opening, *blocks.sections.values(), *blocks.cards.values(), blocks.closing)
    return sum(leads) + weigh(block.html for block in rest) >= CLIPPED_AT


def _with_degraded_forms(blocks: Blocks, template: Template, content: IssueContent, render: Callable[..., Block]) -> Blocks:
    articles, words = [clean_article(article, content.utm) for article in content.articles], template.words(content.language)
    short, bare = [excerpt(article) for article in articles], [headline(article) for article in articles]
    more = clean_article(more_article(content, words))
    return replace(
        blocks,
        sections={**blocks.sections, MORE_SLUG: render("section", section=more_section(words))},
        short_leads={article.id: render("lead", article=article) for article in short},
        short_cards={article.id: render("card", article=article) for article in short},
        title_leads={article.id: render("lead", article=article) for article in bare},
        title_cards={article.id: render("card", article=article) for article in (*bare, more)},
    )


def render_direct(template: Template, content: IssueContent, arrangement: Arrangement, personal: Personal) -> tuple[str, str]:
    """The same mail in one rendering, blocks and slots left aside: the judge that assembling is measured by."""
    return render_compiled(compile_template(template), content, arrangement, personal)


def render_compiled(compiled: Compiled, content: IssueContent, arrangement: Arrangement, personal: Personal) -> tuple[str, str]:
    """The same of a template that is compiled."""
    template = compiled.template
    articles = {article.id: clean_article(article, content.utm) for article in content.articles}
    sections = {section.slug: clean_section(section) for section in content.sections}
    names = {
        **names_everywhere(content, template.words(content.language)),
        **asdict(personal),
        "preheader": one_line(content.own_preheader)
        or preheader_of([articles[article].title for article in arrangement.articles if article != MORE_ARTICLE]),
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


def _greeting(words: Words) -> Greeting:
    return Greeting(words.translate("Hello %(name)s,"), words.translate("Hello,"))


class _Renderer:
    """Renders one block at a time, with markers where slots are: a fresh random number makes them unforgeable."""

    def __init__(self, template: Template, content: IssueContent) -> None:
        self._compiled, self._language = compile_template(template), content.language
        self._names = names_everywhere(content, template.words(content.language))
        nonce = secrets.token_hex(16)
        self._markers = {name: Markup(f"{nonce}-{name}-{nonce}") for name in SLOTS}  # noqa: S704  # letters, digits and -
        self._marker = re.compile(f"{nonce}-({'|'.join(SLOTS)})-{nonce}")

    def __call__(self, block: str, **names: object) -> Block:
        source, compiled = self._compiled.template, self._compiled
        in_html, in_text = compiled.names_in_html[block], compiled.names_in_text[block]
        return Block(
            remembered(self._key("html", block, in_html, names), lambda: self._slotted(source.mjml, compiled.html, block, names)),
            remembered(self._key("text", block, in_text, names), lambda: self._slotted(source.text, compiled.text, block, names)),
        )

    def _key(self, part: str, block: str, asked: Iterable[str], names: Mapping[str, object]) -> Iterator[Hashable]:
        """All that a block depends on: how it speaks goes by the template and the language, and what stands in slots comes later."""
        yield from (self._compiled.template.hash, self._language, part, block)
        for name in sorted(asked):
            if name not in SPEAKING and name not in SLOTS:
                yield names[name] if name in names else self._names.get(name)  # what cannot be hashed is rendered

    def _slotted(self, source: Source, template: jinja2.Template, block: str, names: Mapping[str, object]) -> Slotted:
        with blaming(source):
            context = template.new_context({**self._names, **self._markers, **names})
            rendered = "".join(template.blocks[block](context))
        pieces = self._marker.split(rendered)
        return Slotted(tuple(pieces[::2]), tuple(pieces[1::2]))
