"""What a template sees of a frozen issue: plain frozen data, nothing of the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from digest.settings.theme import Palette


@dataclass(frozen=True, slots=True)
class SiteContent:
    """The publisher. `logo` is an http(s) address or None; `colour` is '#rrggbb'."""

    name: str
    url: str
    public_url: str
    postal_address: str
    logo: str | None
    colour: str


@dataclass(frozen=True, slots=True)
class SenderContent:
    """Who the mail is from; `address` and `reply_to` are normalised ASCII addresses."""

    name: str
    address: str
    reply_to: str | None


@dataclass(frozen=True, slots=True)
class ThemeContent:
    """How mails look: two http(s) addresses or None, two CSS lists of fonts, pixels, and the colours of both modes."""

    logo: str | None
    logo_dark: str | None
    font: str
    heading_font: str
    radius: int
    light: Palette
    dark: Palette


@dataclass(frozen=True, slots=True)
class NoteContent:
    """What an editor says above the articles, in Markdown."""

    markdown: str


@dataclass(frozen=True, slots=True)
class SponsorContent:
    """Who pays for an issue: texts are plain; `image` is an http(s) address or None."""

    title: str
    url: str
    text: str = ""
    image: str | None = None
    image_alt: str | None = None


@dataclass(frozen=True, slots=True)
class RewritingContent:
    """What an editor says and shows of an article in one issue, instead of what the source does; empty: as the source does.

    With another picture the text of the source's own is gone: it is of what is not shown any more.
    """

    article: int
    title: str = ""
    summary: str = ""
    image: str = ""
    image_alt: str = ""


@dataclass(frozen=True, slots=True)
class SectionContent:
    """A topic's section: its slug and the heading a reader sees."""

    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class AlsoContent:
    """Another article that tells the same, at another source: its id, its address, and the host of that."""

    id: int
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class ArticleContent:
    """One article, frozen. Texts are plain, never HTML; `topics` are those of the newsletter it belongs to, in the newsletter's
    order; `also` is where its story stands too."""

    id: int
    title: str
    url: str
    summary: str
    author: str | None
    image: str | None
    image_alt: str | None
    reading_minutes: int | None
    published_on: date | None
    language: str | None
    featured: bool
    topics: tuple[str, ...]
    also: tuple[AlsoContent, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueContent:
    """Everything an issue's blocks are rendered from. Without a theme, which older issues had not, the site's colour and logo serve.

    `utm` are parameters for its links, names and values. `own_subject` and `own_preheader` are an editor's, empty where the settings
    and the articles make them; `rewritten` is in the articles already. `alternatives` are further subjects, kept for a later test.
    """

    newsletter: str
    title: str
    number: int
    slot_on: date
    language: str
    subject: str
    site: SiteContent
    sender: SenderContent
    sections: tuple[SectionContent, ...]
    articles: tuple[ArticleContent, ...]
    theme: ThemeContent | None = None
    note: NoteContent | None = None
    sponsor: SponsorContent | None = None
    utm: tuple[tuple[str, str], ...] = ()
    own_subject: str = ""
    own_preheader: str = ""
    rewritten: tuple[RewritingContent, ...] = ()
    alternatives: tuple[str, ...] = ()

    @property
    def web_url(self) -> str:
        """Where the issue stands on the web."""
        return f"{self.site.public_url.rstrip('/')}/archive/{self.newsletter}/{self.number}"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What one rendition contains, as article ids: a lead or none, then sections of at least one article each.

    The lead stands above the sections and in none of them.
    """

    lead: int | None
    sections: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def articles(self) -> tuple[int, ...]:
        """Every article, in reading order."""
        lead = () if self.lead is None else (self.lead,)
        return lead + tuple(article for _, articles in self.sections for article in articles)


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Personal:
    """The few values that differ between two readers of one rendition: raw text, escaped where they are put in."""

    greeting: str
    email: str
    preferences_url: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a mail begins in its language: `named` with %(name)s in it, `unnamed` for whose name is not known."""

    named: str
    unnamed: str

    def to(self, name: str | None) -> str:
        """The greeting of one reader."""
        return self.named % {"name": name} if name else self.unnamed


ENGLISH_GREETING = Greeting("Hello %(name)s,", "Hello,")


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Envelope:
    """One delivery as a provider carries it. `delivery_id` is opaque and stable, `attempt_id` is of this attempt alone.

    `seal` is what turns a delivery id that comes back with an event into the delivery again; empty for what is none.
    `unsubscribe_mailto` is the mail that ends the subscription as well, a `mailto:` address; empty where none is read.
    """

    delivery_id: str
    attempt_id: str
    subscriber_id: int
    address: str
    name: str | None
    personal: Personal
    seal: str = ""
    unsubscribe_mailto: str = ""
