"""Checks of the plain-text part: that it says the same."""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.placeholders import called
from digest.rendering.context import clean_article

_MEND = "write every article's title and link into both parts of the template"


def text_differs(mail: Mail) -> Iterator[Fault]:
    """HTML and text hold the same articles, by title and link, in the same order."""
    html = list(dict.fromkeys(link.attributes.get("href", "") for link in mail.page.all("a")))
    text = list(dict.fromkeys(mail.links_in_text))
    seen, flat = "".join("".join(mail.page.seen).split()), "".join(mail.text.split())
    places: dict[str, list[str]] = {"html": [], "text": []}
    for article in mail.content.articles:
        clean = clean_article(article, mail.content.utm)
        for name, links in (("html", html), ("text", text)):
            if clean.url in links:
                places[name].append(clean.url)
        missing = (clean.url in html) - (clean.url in text)
        if missing:
            where, other = ("text part", "HTML") if missing > 0 else ("html part", "text")
            yield Fault(where, f"it lacks {called(article)}, which the {other} has", _MEND)
        elif clean.url in text:
            title = "".join(clean.title.split())
            for where, words in (("text part", flat), ("html part", seen)):
                if title not in words:
                    yield Fault(where, f"it lacks the title of {called(article)}", _MEND)
    common = set(places["html"]) & set(places["text"])
    if sorted(common, key=html.index) != sorted(common, key=text.index):
        yield Fault("text part", "its articles stand in another order than in the HTML", "keep the order of the blocks")
