"""Checks of the plain-text part: that it says the same, and that both say what an editor wrote above the articles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.page import read_page
from digest.checks.placeholders import called
from digest.rendering.context import clean_article, clean_sponsor
from digest.rendering.note import read_note

_MEND = "write every article's title and link into both parts of the template"


def text_differs(mail: Mail) -> Iterator[Fault]:
    """HTML and text hold the same articles, by title and link, in the same order; and both hold the note and the sponsor."""
    html = list(dict.fromkeys(link.attributes.get("href", "") for link in mail.page.all("a")))
    text = list(dict.fromkeys(mail.links_in_text))
    seen, flat = _flat("".join(mail.page.seen)), _flat(mail.text)
    yield from _above(mail, {"html part": seen, "text part": flat}, {"html part": html, "text part": text})
    places: dict[str, list[str]] = {"html": [], "text": []}
    # Who is told of beside another article has a link of its own there, and no title.
    beside = {also.id for article in mail.content.articles for also in article.also}
    for article in (one for one in mail.content.articles if one.id not in beside):
        clean = clean_article(article, mail.content.utm)
        for name, links in (("html", html), ("text", text)):
            if clean.url in links:
                places[name].append(clean.url)
        missing = (clean.url in html) - (clean.url in text)
        if missing:
            where, other = ("text part", "HTML") if missing > 0 else ("html part", "text")
            yield Fault(where, f"it lacks {called(article)}, which the {other} has", _MEND)
        elif clean.url not in text and article.id in mail.chosen:
            yield Fault("both parts", f"they lack {called(article)}, which was chosen", _MEND)
        elif clean.url in text:
            title = _flat(clean.title)
            for where, words in (("text part", flat), ("html part", seen)):
                if title not in words:
                    yield Fault(where, f"it lacks the title of {called(article)}", _MEND)
    common = set(places["html"]) & set(places["text"])
    if sorted(common, key=html.index) != sorted(common, key=text.index):
        yield Fault("text part", "its articles stand in another order than in the HTML", "keep the order of the blocks")


def _above(mail: Mail, words: Mapping[str, str], links: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    """What stands above the articles, and is approved with them, has to be seen in both parts."""
    if mail.content.note is not None:
        note = read_note(mail.content.note)
        said = {"html part": _flat("".join(read_page(f"<div>{note.html}</div>").seen)), "text part": _flat(note.text)}
        for where, mend in (("html part", "{{ note.html }}"), ("text part", "{{ note.text }}")):
            if said[where] not in words[where]:
                yield Fault(where, "it lacks the editor's note", f"put {mend} into the template")
    if mail.content.sponsor is not None:
        sponsor = clean_sponsor(mail.content.sponsor, mail.content.utm)
        for where in words:
            if not (all(_flat(one) in words[where] for one in (sponsor.title, sponsor.text)) and sponsor.url in links[where]):
                mend = "put {{ sponsor.title }}, {{ sponsor.text }} and {{ sponsor.url }} into the template"
                yield Fault(where, "it lacks the sponsor's title, text or link", mend)


def _flat(text: str) -> str:
    """The text without its spaces and line ends, however it is wrapped."""
    return "".join(text.split())
