"""Checks for what somebody meant to fill in: `{{`, `[[`, lorem ipsum, TODO."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.rendering.cleaning import one_line
from digest.rendering.content import ArticleContent
from digest.rendering.context import clean_article
from digest.rendering.degrading import excerpt

_PLACEHOLDER = re.compile(
    r"\{\{[^{}]{0,60}(?:\}\})?|\{%[^{}]{0,60}(?:%\})?|\[\[[^\[\]]{0,60}(?:\]\])?|\*\|\w{1,40}\|\*"
    r"|(?i:\blorem(?: ipsum)?\b)|\bTODO\b|\bFIXME\b"
)


def placeholders(mail: Mail) -> Iterator[Fault]:
    """Nothing is left to be filled in: in the subject, in what the template says itself, and in what an editor wrote."""
    parts = (
        ("subject", mail.rendition.subject, "mend `subject` of the newsletter"),
        ("html part", _own_words(mail, mail.page.seen), "mend the template, or the newsletter's title and topics"),
        ("text part", _own_words(mail, [mail.text]), "mend the template, or the newsletter's title and topics"),
    )
    above = "\n".join(text for _, text, _ in _above(mail))
    for where, text, mend in (*_above(mail), *parts):
        for found in dict.fromkeys(_PLACEHOLDER.findall(text)):
            if where in ("note", "sponsor", "subject") or found not in above:
                yield Fault(where, f"{found!r} was left in it", mend)


def _above(mail: Mail) -> Iterator[tuple[str, str, str]]:
    """What an editor wrote above the articles, and how to write it anew."""
    note, sponsor = mail.content.note, mail.content.sponsor
    if note is not None:
        yield "note", note.markdown, "mend it: `digest issues edit --note FILE`"
    if sponsor is not None:
        words = "\n".join((sponsor.title, sponsor.text, sponsor.image_alt or ""))
        yield "sponsor", words, "mend it: `digest issues edit --sponsor FILE`"


def article_placeholders(mail: Mail) -> Iterator[Fault]:
    """No article looks as if something in it was still to be written."""
    for article in mail.content.articles:
        if found := _PLACEHOLDER.search(f"{article.title} {article.summary}"):
            mend = "mend it at its source if it was not meant"
            yield Fault(called(article), f"{found[0]!r} stands in its title or summary", mend)


def called(article: ArticleContent) -> str:
    """An article as findings name it."""
    title = one_line(article.title)
    return f"article {article.id} “{title if len(title) <= 40 else title[:39] + '…'}”"


def _own_words(mail: Mail, texts: Iterable[str]) -> str:
    """What the template says, articles left out."""
    own = " ".join(" ".join(texts).split())
    articles = [clean_article(article, mail.content.utm) for article in mail.content.articles]
    for words in sorted(_words_of_articles((*mail.content.articles, *articles)), key=len, reverse=True):
        own = own.replace(words, " ")
    return own


def _words_of_articles(articles: Iterable[ArticleContent]) -> set[str]:
    found: set[str] = set()
    for article in articles:
        told = (article.title, article.summary, excerpt(article).summary, article.author or "", article.image_alt or "")
        also = (text for other in article.also for text in (other.host, other.url))
        found.update(" ".join(one_line(text).split()) for text in (*told, article.url, *also))
    return found - {""}
