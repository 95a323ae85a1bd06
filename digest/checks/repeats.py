"""Checks against the last issue: nobody opens the same mail twice."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.placeholders import called
from digest.rendering.context import clean_article


def subject_repeated(mail: Mail) -> Iterator[Fault]:
    """Its subject is not that of the last issue."""
    if mail.last is not None and mail.rendition.subject == mail.last.subject:
        yield Fault("subject", f"it is that of {mail.last.name}", "let `subject` name issue.number or issue.date")


def articles_repeated(mail: Mail) -> Iterator[Fault]:
    """No article of it, or one with its title, stood in the last issue."""
    if mail.last is None:
        return
    titles = {_folded(title) for title in mail.last.articles.values()}
    shown = {link.attributes.get("href", "") for link in mail.page.all("a")}
    for article in mail.content.articles:
        if clean_article(article, mail.content.utm).url not in shown:
            continue
        if article.id in mail.last.articles:
            yield Fault(called(article), f"it stood in {mail.last.name} too", "leave it out if that was not meant")
        elif _folded(article.title) in titles:
            yield Fault(called(article), f"one with its title stood in {mail.last.name}", "leave it out if it is the same")


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())
