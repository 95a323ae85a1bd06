"""The subject of an issue: one for everybody, so it may speak of the issue and not of articles that some do not get."""

from __future__ import annotations

from digest.errors import TemplateError
from digest.languages import Words
from digest.rendering.cleaning import one_line
from digest.rendering.compile import WRONG
from digest.rendering.content import IssueContent
from digest.rendering.context import names_everywhere
from digest.rendering.environment import text_environment

_NAMES = ("newsletter", "issue", "site", "lang", "_", "ngettext")


def render_subject(source: str, content: IssueContent, words: Words, key: str = "subject") -> str:
    """The subject as plain text on one line; `newsletter`, `issue` and `site` are known in it, and `_` says our own words.

    `key` is which of the newsletter's settings it is.
    """
    everywhere = names_everywhere(content, words)
    try:
        subject = text_environment().from_string(source).render({name: everywhere[name] for name in _NAMES})
    except WRONG as error:
        known = "newsletter.title, issue.number, issue.date and site.name"
        raise TemplateError(f"newsletters.{content.newsletter}.{key}: {error}; it may use {known}") from error
    cleaned = one_line(subject)
    if not cleaned:
        raise TemplateError(f"newsletters.{content.newsletter}.{key}: it is empty for this issue")
    return cleaned
