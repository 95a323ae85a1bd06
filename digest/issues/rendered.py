"""Rendered: what the templates make of frozen content, once for each language that its audience has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from digest.audience.tongues import anybody_asks, other_tongues
from digest.errors import TemplateError
from digest.issues.frozen import Frozen
from digest.issues.wording import Wording, sections_in, subject_in, without_own
from digest.languages import languages_with_words
from digest.rendering.blocks import Blocks, content_hash
from digest.rendering.cleaning import one_line
from digest.rendering.content import IssueContent
from digest.rendering.render import render_blocks
from digest.rendering.subject import render_subject
from digest.rendering.templates import Template, load_template
from digest.settings import NewsletterSettings


@dataclass(frozen=True, slots=True)
class Rendered:
    """The subject and blocks in the newsletter's own language, and `others`; empty, with the reason, when a template is broken.

    `blocks` goes by language; `content_hash` is of all of them.
    """

    subject: str = ""
    blocks: Mapping[str, bytes] = field(default_factory=dict)
    content_hash: str = ""
    template_hash: str = ""
    others: tuple[Wording, ...] = ()
    broken: str | None = None


def render(
    connection: Connection,
    frozen: Frozen,
    newsletter: NewsletterSettings,
    frequency: str,
    folders: tuple[Path, ...],
    tongues: Collection[str] | None = None,
) -> Rendered:
    """Render an issue in every language that somebody of its audience gets, or in these; a broken template is told, not raised."""
    try:
        template = load_template(frozen.template, folders)
        own = _in(template, newsletter, frozen.content)
        if tongues is None:
            languages = _languages(connection, template, own.language, newsletter.slug, frequency)
        else:
            spoken = languages_with_words(template.catalogues)
            languages = [one for one in tongues if one in spoken and one != own.language]
        others = [_in(template, newsletter, without_own(replace(frozen.content, language=language))) for language in languages]
        blocks = {content.language: render_blocks(template, content) for content in (own, *others)}
    except TemplateError as error:
        return Rendered(broken=str(error))
    return Rendered(
        own.subject,
        {language: made.to_bytes() for language, made in blocks.items()},
        sign(blocks, own, [content.subject for content in others], template.hash),
        template.hash,
        tuple(Wording(one.language, one.subject, {section.slug: section.title for section in one.sections}) for one in others),
    )


def sign(blocks: Mapping[str, Blocks], own: IssueContent, subjects: list[str], template_hash: str) -> str:
    """The content hash of an issue: its own language first, then the others, each with its subject."""
    first, *others = blocks.values()
    return content_hash(
        first,
        subject=own.subject,
        preheader=own.own_preheader,
        alternatives=own.alternatives,
        sender=own.sender,
        template_hash=template_hash,
        others=tuple(zip(others, subjects, strict=True)),
    )


def _languages(connection: Connection, template: Template, own: str, newsletter: str, frequency: str) -> list[str]:
    tongues = other_tongues(connection, own, languages_with_words(template.catalogues))
    return [language for language, tags in tongues.items() if anybody_asks(connection, newsletter, frequency, tags)]


def _in(template: Template, newsletter: NewsletterSettings, content: IssueContent) -> IssueContent:
    """The content with its headings and subject in its language."""
    content = replace(content, sections=sections_in(newsletter, content.language))
    if content.own_subject:
        return replace(content, subject=one_line(content.own_subject))
    key, subject = subject_in(newsletter, content.language)
    return replace(content, subject=render_subject(subject, content, template.words(content.language), key))
