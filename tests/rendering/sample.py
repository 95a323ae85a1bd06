"""A sample issue, its shipped template, and random ones for property tests."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import strategies as st

from digest.rendering.content import (
    AlsoContent,
    Arrangement,
    ArticleContent,
    Envelope,
    IssueContent,
    Personal,
    SectionContent,
    SenderContent,
    SiteContent,
)
from digest.rendering.source import Source
from digest.rendering.templates import Template, load_template, make_template

SHIPPED = Path(__file__).parents[2] / "templates"
LINKS = "https://digest.example.org"

BODY = (
    "<mjml><mj-body>\n<mj-raw>{{ greeting }}</mj-raw>\n"
    "<mj-raw>{% block lead %}{{ article.title }}{% endblock %}{% block section %}{{ section.title }}{% endblock %}</mj-raw>\n"
    "<mj-raw>{% block card %}{{ article.title }}{% endblock %}</mj-raw>\n</mj-body></mjml>\n"
)
TEXT = (
    "{{ greeting }}\n{% block lead %}\n{{ article.title }}\n{% endblock %}\n{% block section %}\n{{ section.title }}\n{% endblock %}\n"
    "{% block card %}\n{{ article.title }}\n{% endblock %}\n{{ unsubscribe_url }}\n"
)


def shipped() -> Template:
    return load_template("weekly", [SHIPPED])


def template(mjml: str = BODY, text: str = TEXT) -> Template:
    return make_template("mine", Source("templates/mine.mjml", mjml), Source("templates/mine.txt", text))


def article(
    number: int,
    title: str,
    summary: str = "",
    author: str | None = None,
    minutes: int | None = None,
    *,
    image: str | None = "https://images.example.org/picture.png",
    image_alt: str | None = None,
    language: str = "en",
) -> ArticleContent:
    url = f"https://engineering.example.org/articles/{number}"
    day = date(2026, 11, 20)
    return ArticleContent(
        number, title, url, summary, author, image, image_alt, minutes, day, language, featured=number == 1, topics=("databases",)
    )


ARTICLES = (
    article(
        1,
        "The queue that ate Tuesday: back-pressure, explained by an outage",
        "When a queue is longer than its consumers can drain, adding workers makes it worse. What we measured, what we changed, "
        "and the one graph that told us.",
        "Ana Kovač",
        9,
        image_alt="A chart of queue depth over a day",
    ),
    article(
        2, "One partial index, eight hundred times faster", "It took one line, and two weeks to find it.", "Bram de Vries", 5
    ),
    article(
        3,
        "What EXPLAIN does not tell you",
        "Rows are estimates & <em>estimates</em> lie; “actual” is a promise.",
        None,
        7,
        image=None,
    ),
    article(
        4, "Retries are load {{ 7*7 }}", "Budgets, jitter, {% raw %} and the circuit breaker we should have had.", "Dina Haddad"
    ),
    article(5, "Familie 👩‍👩‍👧‍👦 im Dienst: naïve Größen", "Zero-width joiners, kept.", "Östergård", 3),
    article(
        11, "نوشتن برای خواننده‌ای که عجله دارد", "چگونه مستنداتی بنویسیم که مهندسان بخوانند.", "مریم رضایی", 5, language="fa"
    ),
)
CONTENT = IssueContent(
    newsletter="weekly",
    title="Back-end Weekly",
    number=12,
    slot_on=date(2026, 11, 23),
    language="en",
    subject="Back-end Weekly: the queue that ate Tuesday – and what to do about it before it eats Wednesday",
    site=SiteContent(
        "Example Engineering",
        "https://engineering.example.org",
        LINKS,
        "Example Ltd\n1 Sample Street\n1010 Vienna",
        None,
        "#0b6e6e",
    ),
    sender=SenderContent("Example Engineering", "weekly@news.example.org", "editors@example.org"),
    sections=(SectionContent("databases", "Databases"), SectionContent("reliability", "Reliability & calm")),
    articles=ARTICLES,
)
ARRANGEMENT = Arrangement(1, (("databases", (2, 3)), ("reliability", (4, 5, 11))))
PERSONAL = Personal(
    "Good morning Maja,",
    "maja@example.net",
    f"{LINKS}/preferences/p1.Zm9vYmFyYmF6",
    f"{LINKS}/unsubscribe/u1.Zm9vYmFyYmF6?a=1&b=2",
)
ENVELOPE = Envelope("d-4f2a9c0b7e", "a-1", 7, "maja@example.net", "Maja Ahlström", PERSONAL)

NASTY = (
    "👩‍👩‍👧‍👦",
    "می‌خواهم",
    "مرحبا بالعالم",
    "<b>&amp;</b>",
    "\"'`",
    "{{ 7*7 }}",
    "{% endblock %}",
    "{#",
    "%}",
    "}}",
    "\u00a0",
    "\u200d",
    "\u202e",
    "0123456789abcdef-greeting-0123456789abcdef",
    "=?utf-8?q?Hi=0D=0ABcc:_evil@x.y?=",
    "\r\nBcc: evil@example.com",
    ".\n.\n..",
    "\x85\u2028\x0b\x00",
    "\\u{200d}",
    "x" * 90,
    "==",
    " \t ",
)
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), max_size=4).map("".join)
personals = st.builds(Personal, texts, texts, texts, texts)


@st.composite
def issues(draw: st.DrawFn) -> tuple[IssueContent, Arrangement]:
    """A random issue of up to four articles, and a random selection of it."""
    articles = tuple(draw(_articles(number)) for number in range(1, draw(st.integers(1, 4)) + 1))
    sections = tuple(SectionContent(slug, draw(texts)) for slug in ("one", "two"))
    site = SiteContent(
        draw(texts), draw(texts), LINKS, draw(texts), draw(st.none() | texts), draw(st.from_regex("#[0-9a-f]{6}", fullmatch=True))
    )
    language = draw(st.sampled_from(["en", "de", "fa", "ar", "ja", "pt-BR", "xx-unknown"]))
    issue = IssueContent(
        "weekly", draw(texts), 1, date(2026, 11, 23), language, draw(texts), site, CONTENT.sender, sections, articles
    )
    order = draw(st.permutations([article.id for article in articles]))
    lead = order[0] if draw(st.booleans()) else None
    rest = order if lead is None else order[1:]
    cut = draw(st.integers(0, len(rest)))
    parts = (("two", tuple(rest[:cut])), ("one", tuple(rest[cut:])))
    return issue, Arrangement(lead, tuple(part for part in parts if part[1]))


@st.composite
def _articles(draw: st.DrawFn, number: int) -> ArticleContent:
    address = st.sampled_from(["https://example.org/a?b=1&c='\"", "javascript:alert(1)", "https://example.org/é"]) | texts
    return ArticleContent(
        id=number,
        title=draw(texts),
        url=draw(address),
        summary=draw(texts),
        author=draw(st.none() | texts),
        image=draw(st.none() | address),
        image_alt=draw(st.none() | texts),
        reading_minutes=draw(st.none() | st.integers(1, 60)),
        published_on=None,
        language=draw(st.none() | texts),
        featured=False,
        topics=("one",),
        also=tuple(draw(st.lists(st.builds(AlsoContent, st.integers(91, 94), address, texts), max_size=3))),
    )
