"""An issue's blocks: rendered once per language, stored in the frozen issue, joined anew for each rendition."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import jinja2
import orjson
from markupsafe import Markup

from digest.errors import TemplateError
from digest.languages import Words
from digest.rendering.cleaning import one_line
from digest.rendering.compile import blaming, compile_template
from digest.rendering.content import ENGLISH_GREETING, Greeting, IssueContent, SenderContent
from digest.rendering.context import clean_article, clean_section, names_everywhere
from digest.rendering.degrading import CLIPPED_AT, MORE_SLUG, excerpt, headline, more_article, more_section, weigh
from digest.rendering.mail_content import OWN_MAILS
from digest.rendering.memory import remembered
from digest.rendering.names import SLOTS
from digest.rendering.phrases import SPEAKING
from digest.rendering.rendition import Slotted
from digest.rendering.source import Source
from digest.rendering.templates import Template

_FORMS = ("lone_leads", "lone_cards", "short_leads", "short_cards", "title_leads", "title_cards")
_BEFORE = {**{form: {} for form in _FORMS}, "greeting": ENGLISH_GREETING}
"""What blocks were like before they had these."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of an issue, in both forms."""

    html: Slotted
    text: Slotted


@dataclass(frozen=True, slots=True)
class Blocks:
    """Every piece that a rendition of one issue in one language can be joined from.

    `leads`, `cards` and `titles` go by article id, `sections` by slug. `lone_leads` and `lone_cards` are of those articles
    that name other places of their story, without these: for when one of them is withdrawn. Of an issue that may become too
    large there are degraded forms too: `short_` ones with excerpts, `title_` ones with titles, and the section `MORE_SLUG` with
    its card among `title_cards`. Slots are the fields of `Personal` and `preheader`; the one for the greeting is filled from
    `greeting`.
    """

    language: str
    opening: Block
    leads: Mapping[int, Block]
    sections: Mapping[str, Block]
    cards: Mapping[int, Block]
    closing: Block
    titles: Mapping[int, str]
    lone_leads: Mapping[int, Block]
    lone_cards: Mapping[int, Block]
    greeting: Greeting = ENGLISH_GREETING
    short_leads: Mapping[int, Block] = field(default_factory=dict)
    short_cards: Mapping[int, Block] = field(default_factory=dict)
    title_leads: Mapping[int, Block] = field(default_factory=dict)
    title_cards: Mapping[int, Block] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Canonical bytes: equal blocks make equal bytes, and these are what an approval signs."""
        option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
        # What is as it was before is not written: an approval of before there was another way holds.
        parts = ((name, getattr(self, name)) for name in self.__slots__)
        written = [
            b"%b:%b" % (orjson.dumps(name), orjson.dumps(part, option=option))
            for name, part in parts
            if name not in _BEFORE or part != _BEFORE[name]
        ]
        return b"{%b}" % b",".join(written)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Blocks:
        """The blocks that `to_bytes` stored."""
        read = orjson.loads(stored)
        return cls(
            language=read["language"],
            opening=_block(read["opening"]),
            leads={int(key): _block(value) for key, value in read["leads"].items()},
            sections={key: _block(value) for key, value in read["sections"].items()},
            cards={int(key): _block(value) for key, value in read["cards"].items()},
            closing=_block(read["closing"]),
            titles={int(key): value for key, value in read["titles"].items()},
            **{form: {int(key): _block(value) for key, value in read.get(form, {}).items()} for form in _FORMS},
            greeting=Greeting(**read["greeting"]) if "greeting" in read else ENGLISH_GREETING,
        )


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


def content_hash(
    blocks: Blocks,
    *,
    subject: str,
    sender: SenderContent,
    template_hash: str,
    others: Iterable[tuple[Blocks, str]] = (),
    preheader: str = "",
    alternatives: Sequence[str] = (),
) -> str:
    """What an approval signs, as SHA-256 in hex: everything that a reader can see, and who it comes from.

    `others` are the blocks in each further language, with its subject. A `preheader` is an editor's; others come from the titles. The
    `alternatives` of the subject are signed where there are some: whatever a test may send one day has been approved.
    """
    digest = hashlib.sha256()
    further = (part for other, title in others for part in (other.to_bytes(), one_line(title).encode()))
    own: list[object] = [one_line(preheader)] if preheader else []
    own += [[one_line(one) for one in alternatives]] if alternatives else []  # a list within: no preheader is one
    for part in (blocks.to_bytes(), orjson.dumps([one_line(subject), sender, template_hash, *own]), *further):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


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


def _block(read: Mapping[str, Mapping[str, list[str]]]) -> Block:
    html, text = (Slotted(tuple(read[form]["literals"]), tuple(read[form]["slots"])) for form in ("html", "text"))
    return Block(html, text)
