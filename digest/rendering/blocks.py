"""An issue's blocks: rendered once per language, stored in the frozen issue, joined anew for each rendition."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

import jinja2
import orjson
from markupsafe import Markup

from digest.languages import Words
from digest.rendering.cleaning import one_line
from digest.rendering.compile import blaming, compile_template
from digest.rendering.content import ENGLISH_GREETING, Greeting, IssueContent, SenderContent
from digest.rendering.context import clean_article, clean_section, names_everywhere
from digest.rendering.names import SLOTS
from digest.rendering.rendition import Slotted
from digest.rendering.templates import Source, Template

_BEFORE = {"lone_leads": {}, "lone_cards": {}, "greeting": ENGLISH_GREETING}
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
    that name other places of their story, without these: for when one of them is withdrawn. Slots are the fields of `Personal` and
    `preheader`; the one for the greeting is filled from `greeting`.
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
            lone_leads={int(key): _block(value) for key, value in read.get("lone_leads", {}).items()},
            lone_cards={int(key): _block(value) for key, value in read.get("lone_cards", {}).items()},
            greeting=Greeting(**read["greeting"]) if "greeting" in read else ENGLISH_GREETING,
        )


def render_blocks(template: Template, content: IssueContent) -> Blocks:
    """Render every block of an issue, or raise a TemplateError that names the file and the line."""
    render = _Renderer(template, content)
    articles = [clean_article(article) for article in content.articles]
    lone = [replace(article, also=()) for article in articles if article.also]
    return Blocks(
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


def content_hash(blocks: Blocks, *, subject: str, sender: SenderContent, template_hash: str) -> str:
    """What an approval signs, as SHA-256 in hex: everything that a reader can see, and who it comes from."""
    digest = hashlib.sha256()
    for part in (blocks.to_bytes(), orjson.dumps([one_line(subject), sender, template_hash])):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _greeting(words: Words) -> Greeting:
    return Greeting(words.translate("Hello %(name)s,"), words.translate("Hello,"))


class _Renderer:
    """Renders one block at a time, with markers where slots are: a fresh random number makes them unforgeable."""

    def __init__(self, template: Template, content: IssueContent) -> None:
        self._compiled = compile_template(template)
        self._names = names_everywhere(content, template.words(content.language))
        nonce = secrets.token_hex(16)
        self._markers = {name: Markup(f"{nonce}-{name}-{nonce}") for name in SLOTS}  # noqa: S704  # letters, digits and -
        self._marker = re.compile(f"{nonce}-({'|'.join(SLOTS)})-{nonce}")

    def __call__(self, block: str, **names: object) -> Block:
        source, compiled = self._compiled.template, self._compiled
        return Block(
            self._slotted(source.mjml, compiled.html, block, names), self._slotted(source.text, compiled.text, block, names)
        )

    def _slotted(self, source: Source, template: jinja2.Template, block: str, names: Mapping[str, object]) -> Slotted:
        with blaming(source):
            context = template.new_context({**self._names, **self._markers, **names})
            rendered = "".join(template.blocks[block](context))
        pieces = self._marker.split(rendered)
        return Slotted(tuple(pieces[::2]), tuple(pieces[1::2]))


def _block(read: Mapping[str, Mapping[str, list[str]]]) -> Block:
    html, text = (Slotted(tuple(read[form]["literals"]), tuple(read[form]["slots"])) for form in ("html", "text"))
    return Block(html, text)
