"""Wording: what an issue's content says in another language than its newsletter's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from digest.languages.matching import lookup
from digest.rendering.content import IssueContent, SectionContent
from digest.settings import NewsletterSettings


@dataclass(frozen=True, slots=True)
class Wording:
    """The subject, and the headings by slug, in one language."""

    language: str
    subject: str
    sections: dict[str, str]


def worded(content: IssueContent, wording: Wording) -> IssueContent:
    """An issue's content in the language of a wording."""
    sections = tuple(replace(one, title=wording.sections.get(one.slug, one.title)) for one in content.sections)
    return without_own(replace(content, language=wording.language, subject=wording.subject, sections=sections))


def without_own(content: IssueContent) -> IssueContent:
    """Without the subjects and the preheader that an editor wrote: they are in the newsletter's language alone."""
    return replace(content, own_subject="", own_preheader="", alternatives=())


def sections_in(newsletter: NewsletterSettings, language: str) -> tuple[SectionContent, ...]:
    """The headings of what a newsletter offers, in a language."""
    return tuple(
        SectionContent(slug, _said_in(language, topic.titles, topic.title)) for slug, topic in newsletter.offered.items()
    )


def subject_in(newsletter: NewsletterSettings, language: str) -> tuple[str, str]:
    """The key and the text of the subject in a language."""
    found = lookup(language, newsletter.subjects)
    return ("subject", newsletter.subject) if found is None else (f"subjects.{found}", newsletter.subjects[found])


def _said_in(language: str, ways: Mapping[str, str], otherwise: str) -> str:
    """The text that was configured for a language, or for as much of its tag as there is one for."""
    found = lookup(language, ways)
    return otherwise if found is None else ways[found]
