"""What can be configured: one class per table of `config/digest.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    PrivateAttr,
    SecretStr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from digest.settings.bounces import Bounces
from digest.settings.checks import Checks
from digest.settings.database_url import DatabaseUrl, absolute_database_url
from digest.settings.events import Events
from digest.settings.links import Links
from digest.settings.pages import Pages
from digest.settings.plugins import TELL_NOTHING
from digest.settings.providers import Providers
from digest.settings.secrecy import HOW_TO_MAKE_ONE
from digest.settings.source_table import SourceSettings
from digest.settings.succession import Succeeded
from digest.settings.table import Table
from digest.settings.theme import Theme, check_theme
from digest.settings.types import (
    Address,
    BaseAddress,
    Colour,
    Cron,
    Domain,
    Duration,
    Frequency,
    Language,
    Line,
    Lines,
    Number,
    Order,
    Slug,
    Tag,
    Tags,
    TemplateName,
    WebAddress,
    Whole,
    Zone,
    format_duration,
)
from digest.shipped import shipped

_CRON_SCHEMA = {"type": "string", "examples": ["0 9 * * 1"]}
Schedule = Annotated[
    dict[Frequency, Cron],
    WithJsonSchema(
        {
            "anyOf": [
                _CRON_SCHEMA,
                {
                    "type": "object",
                    "propertyNames": {"enum": [str(frequency) for frequency in Frequency]},
                    "additionalProperties": _CRON_SCHEMA,
                    "minProperties": 1,
                },
            ]
        }
    ),
]


class Site(Table):
    """The publication as a whole."""

    name: Line = Field(min_length=1, description="The publisher's name, as readers know it.")
    url: WebAddress = Field(description="The publisher's home page.")
    public_url: BaseAddress = Field(
        description="Where Digest's own pages answer; links in mails begin with it. https in production."
    )
    postal_address: Lines = Field(min_length=1, description="The publisher's postal address; the law wants it in every mail.")
    logo: WebAddress | None = Field(None, description="A picture for the masthead; `theme.logo` goes before it.")
    language: Language = Field("en", description="The language of Digest's own words, for readers who name none.")
    colour: Colour = Field(
        "#0b6e6e",
        description="The accent colour of mails, made readable by itself; `theme.light.accent` and `theme.dark.accent` are taken as they are.",
    )


class Sender(Table):
    """Who the mails come from."""

    name: Line = Field(min_length=1, description="The display name in From.")
    address: Address = Field(description="The address in From; its domain also names Message-ID and List-Id.")
    reply_to: Address | None = Field(None, description="Where replies of people go.")


class Topic(Succeeded):
    """What a subscriber can follow. The tags of one that is moved count for the one that takes its place."""

    title: Line = Field(min_length=1, description="The heading of its section.")
    titles: dict[Language, Annotated[Line, Field(min_length=1)]] = Field(
        default_factory=dict, description='The heading in other languages, such as `{ de = "Datenbanken" }`.'
    )
    tags: Tags = Field(
        description="The article tags it gathers, any one of them; or a rule with `and`, `or`, `not` and parentheses. Compared without case."
    )
    retired_tags: tuple[Tag, ...] = Field((), description="Tags it gathered once and knowingly gathers no more.")


class NewsletterSettings(Succeeded):
    """One standing publication."""

    slug: Slug = Field(description="Names the newsletter on the command line and in links.")
    title: Line = Field(min_length=1, description="The newsletter's name, in masthead and subject.")
    topics: dict[Slug, Topic] = Field(min_length=1, description="The topics, in the order of their sections.")
    schedule: Schedule = Field(min_length=1, description="A five-field cron, or one for each frequency offered.")
    former_frequencies: dict[Frequency, Literal["daily", "weekly", "monthly", "retired"]] = Field(
        default_factory=dict,
        description='Frequencies no longer offered, with the one that takes their place, or `retired`; such as `{ daily = "weekly" }`.',
    )
    timezone: Zone = Field("UTC", description="The zone the schedule is read in.")
    deliver_at: Literal["slot"] = Field("slot", description="When mails leave: at the slot.")
    max_articles: Whole = Field(20, ge=1, description="The most articles in one subscriber's mail.")
    max_per_topic: Whole = Field(10, ge=1, description="The most articles in one section of one subscriber's mail.")
    max_per_author: Annotated[Whole, Field(ge=1)] | None = Field(
        None, description="The most articles of one author in one subscriber's mail; by default there is no limit."
    )
    topics_take_turns: bool = Field(
        False,
        description="Whether topics fill a mail by turns, so that none takes all the room; otherwise `order` alone decides.",
    )
    min_articles: Whole = Field(1, ge=1, description="Fewer than this in the whole issue, and it is skipped.")
    order: Order = Field(
        Order.FEATURED,
        description="What comes first of what is new, and of what is owed: `featured` (then the newest), `newest`, `oldest` or `popular`.",
    )
    popular_half_life: Duration = Field(
        timedelta(days=7), gt=timedelta(0), description="After this long a click, or an article's `popularity`, counts half."
    )
    lookback: Duration | None = Field(None, description="How old, by published_at, an article of a source's first fetch may be.")
    carry_over: Whole = Field(4, ge=0, description="For how many issues an owed article waits before it expires.")
    languages: tuple[Language, ...] = Field(
        (), description="Only articles in these languages (`en` is also `en-GB`), and those that name none; by default all."
    )
    same_story: Duration = Field(
        timedelta(days=3),
        description="Articles of different sources with nearly the same title, published at most so far apart, are one story and shown once; `0s`: never.",
    )
    approval: Literal["required", "automatic"] = Field("required", description="Whether a person approves each issue.")
    template: TemplateName = Field("weekly", description="The template's name: templates/NAME.mjml and .txt.")
    links: Links | None = Field(None, description="How its links are marked, instead of `[links]`.")
    subject: Line = Field(
        "{{ newsletter.title }} #{{ issue.number }} · {{ issue.date | date }}",
        min_length=1,
        description="The subject, a Jinja expression template.",
    )
    welcome: Literal["none", "latest"] = Field(
        "none",
        description="What somebody who has just confirmed gets at once: nothing, or the `latest` issue, by their topics. No article comes twice.",
    )
    sunset: Duration | None = Field(
        None,
        description="Who gives no sign of life for so long, such as `180d`, is asked whether they want to go on; by default nobody is. Needs a provider that tells of opens or clicks.",
    )
    sunset_grace: Duration = Field(
        timedelta(days=14),
        gt=timedelta(0),
        description="How long that question waits for an answer before the subscription ends.",
    )
    language: Language | None = Field(
        None, description="The language of Digest's own words for readers who name none; by default the site's."
    )
    subjects: dict[Language, Annotated[Line, Field(min_length=1)]] = Field(
        default_factory=dict, description="The subject in other languages, by language; where there is none, `subject`."
    )

    @field_validator("schedule", mode="before")
    @classmethod
    def _named_by_its_cron(cls, value: object) -> object:
        return {_frequency_of(value): value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.offered:
            raise ValueError("every topic is moved or retired; offer one, or set retired = true on the newsletter")
        for slug, topic in self.topics.items():
            if topic.moved_to is not None and topic.moved_to not in self.offered:
                raise ValueError(
                    f"topics.{slug}.moved_to: {topic.moved_to!r} is not offered; name one of {', '.join(self.offered)}"
                )
        if self.sunset is not None and not self.sunset_grace < self.sunset:
            raise ValueError(
                f"sunset: {format_duration(self.sunset)} is not longer than sunset_grace, {format_duration(self.sunset_grace)}; make it longer, such as 180d"
            )
        if self.min_articles > self.max_articles:
            raise ValueError(
                f"min_articles: {self.min_articles} is more than max_articles, {self.max_articles}: no issue would ever be made"
            )
        for frequency, successor in self.former_frequencies.items():
            if frequency in self.schedule:
                raise ValueError(f"former_frequencies.{frequency}: the schedule still offers it; take one of the two out")
            if successor != "retired" and successor not in self.schedule:
                raise ValueError(
                    f"former_frequencies.{frequency}: {successor!r} is not offered; name one of {', '.join(self.schedule)}, or 'retired'"
                )
        return self

    @property
    def offered(self) -> dict[str, Topic]:
        """The topics that one can follow; `topics` also holds those that are moved or retired."""
        return {slug: topic for slug, topic in self.topics.items() if topic.current}

    @property
    def frequencies(self) -> tuple[Frequency, ...]:
        """The frequencies offered; the first is the default."""
        return tuple(self.schedule)


def _frequency_of(cron: str) -> Frequency:
    """A lone cron is monthly when it names days of the month, else weekly when it names weekdays, else daily."""
    fields = cron.split()
    if len(fields) == 5 and fields[2] == "*" and fields[4] == "*":
        return Frequency.DAILY
    if len(fields) == 5 and fields[2] != "*":
        return Frequency.MONTHLY
    return Frequency.WEEKLY


class Delivery(Table):
    """How mails leave."""

    provider: str = Field(
        "dry-run",
        description="`dry-run`, `smtp`, `sendgrid`, `ses`, `postmark`, `resend`, `mailgun`, `console`, `eml`, `maildir`, or a plugin of `digest.providers`.",
    )
    rate: Number = Field(0, ge=0, allow_inf_nan=False, description="Messages a second; 0 means no limit.")
    domain_rates: dict[Domain, Annotated[Number, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=dict, description='Messages a second to one recipient domain, such as `{ "mail.example" = 20 }`.'
    )
    fallback: str | None = Field(
        None, description="The provider that carries what is left when `provider` fails; only what it surely did not take."
    )
    audience_factor: Number = Field(
        1.5,
        ge=0,
        allow_inf_nan=False,
        description="An audience this many times the last issue's has to be confirmed; 0 asks never.",
    )
    audience_from: Whole = Field(1000, ge=1, description="From how many subscribers on that is asked.")
    canary: Number = Field(
        0, ge=0, lt=1, allow_inf_nan=False, description="The share of an issue that goes out first, such as 0.01; 0 for none."
    )
    canary_wait: Duration = Field(timedelta(minutes=30), description="How long the rest waits for what becomes of the canary.")
    canary_bound: Number = Field(
        0.05,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="The share of the canary that may be refused, bounce or complain; with more the issue pauses.",
    )
    concurrency: Whole = Field(4, ge=1, le=100, description="Connections, or requests, at once.")
    batch: Annotated[Whole, Field(ge=1)] | None = Field(
        None,
        description="The most recipients of one request; by default the provider's limit or a hundredth of the audience, whichever is smaller.",
    )
    timeout: Duration = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        description="How long an answer is waited for; an early time-out manufactures doubt.",
    )
    connect_timeout: Duration = Field(timedelta(seconds=30), gt=timedelta(0), description="How long a connection may take.")
    retry_first: Duration = Field(
        timedelta(seconds=5), description="The first wait after a deferral; each further one is three times as long."
    )
    patience: Duration = Field(
        timedelta(seconds=30), description="How long a run waits for deferred deliveries before it leaves them to the next run."
    )
    expires_after: Duration = Field(
        timedelta(days=10), description="After this long an unsent delivery expires and its articles are owed."
    )
    unknown: Literal["hold", "assume-accepted"] = Field(
        "assume-accepted", description="What becomes of an unknown delivery after `unknown_after`."
    )
    unknown_after: Duration = Field(timedelta(hours=24), description="How long an unknown delivery is held.")

    @model_validator(mode="after")
    def _another_one(self) -> Self:
        if self.fallback is not None and self.fallback == self.provider:
            raise ValueError("fallback: it is the same as provider; name another one, or remove it")
        if self.fallback == "dry-run":
            raise ValueError("fallback: dry-run carries nothing; name a provider that does, or remove it")
        return self


class Database(Table):
    """Where Digest keeps its state."""

    url: DatabaseUrl = Field(
        "sqlite:///digest.db",
        repr=False,
        description="An SQLAlchemy URL; a relative SQLite path is relative to the project folder. One with a password only by environment, `.env` or a secrets folder.",
    )
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="SQLite's durability; NORMAL may forget the last commits at a power cut."
    )
    epoch: Line = Field(
        "beside",
        min_length=1,
        description="Where the send epoch's second place is: `beside` the SQLite file (with PostgreSQL, in the project folder), a file, or `none` where machines are thrown away after each run.",
    )


class Editors(Table):
    """Who looks after the newsletters."""

    emails: tuple[Address, ...] = Field(
        (), description="The editors' addresses: at the desk they change issues and decide on them."
    )
    viewers: tuple[Address, ...] = Field((), description="Who may look at the desk and change nothing.")
    admins: tuple[Address, ...] = Field(
        (), description="Editors who also see who is signed in and what was done, and may end a session."
    )


class Settings(Table):
    """The whole configuration of one project."""

    started_at: AwareDatetime = Field(
        description="When the project began; its first slot is the first after this. `digest init` writes it."
    )
    secret_key: SecretStr = Field(
        description="Signs tokens and derives ids; at least 32 characters; only by environment, `.env` or a secrets folder."
    )
    former_secret_keys: tuple[SecretStr, ...] = Field(
        (),
        description="Secrets that `secret_key` was before, the last one first: links signed with any of them still unsubscribe; every other link holds with the first alone. Only by environment, `.env` or a secrets folder.",
    )
    site: Site
    sender: Sender
    sources: tuple[SourceSettings, ...] = Field(min_length=1, description="Where articles come from.")
    newsletters: tuple[NewsletterSettings, ...] = Field(min_length=1, description="What is published.")
    links: Links = Links()
    checks: Checks = Checks()
    delivery: Delivery = Delivery()
    providers: Providers = Providers()
    bounces: Bounces = Bounces()
    database: Database = Database()
    editors: Editors = Editors()
    events: Events = Events()
    pages: Pages = Pages()
    theme: Theme = Theme()

    project: Path = Field(exclude=True, description="The project folder; set by the reader, not by the file.")
    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError(f"must have at least 32 characters; {HOW_TO_MAKE_ONE}")
        return value

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        _once("newsletters", "slug", [newsletter.slug for newsletter in self.newsletters])
        _once("sources", "name", [source.name for source in self.sources])
        _moved_to_one_of("newsletters", {one.slug: one for one in self.newsletters})
        _moved_to_one_of("sources", {one.name: one for one in self.sources})
        _heard(self.newsletters, self.delivery.provider)
        check_theme(self.theme, self.site.colour)
        if self.bounces.unsubscribe_by_mail and self.providers.smtp.bounce_address is None:
            raise ValueError(
                "bounces.unsubscribe_by_mail: no mail would come back: set providers.smtp.bounce_address too, or set this to false"
            )
        return self

    @property
    def origins(self) -> Mapping[str, str]:
        """Where each value that is not a default came from, by dotted key; empty when no reader made these settings."""
        return self._origins

    @property
    def database_url(self) -> str:
        """`database.url` with a relative SQLite path made absolute, from the project folder."""
        return absolute_database_url(self.database.url, self.project)

    @property
    def unsubscribe_by_mail(self) -> str | None:
        """The address to which a mail unsubscribes; None where no such mail is read."""
        return self.providers.smtp.bounce_address if self.bounces.unsubscribe_by_mail else None

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where templates and their partials are looked for: the project's own `templates/`, then the shipped ones."""
        return (self.project / "templates", shipped("templates"))

    def resolve(self, path: Path) -> Path:
        """`path` as the project means it: a relative one starts at the project folder."""
        return self.project / path


def _heard(newsletters: tuple[NewsletterSettings, ...], provider: str) -> None:
    for index, newsletter in enumerate(newsletters):
        if newsletter.sunset is not None and provider in TELL_NOTHING:
            raise ValueError(
                f"newsletters.{index}.sunset: {provider} tells Digest of no opens or clicks, so everybody would seem silent: take it out, or send through postmark or resend with tracking on there"
            )


def _once(table: str, key: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        first = names.index(name)
        if first != index:
            raise ValueError(f"{table}.{index}.{key}: {name!r} is already the {key} of {table}.{first}; each needs its own")


def _moved_to_one_of(table: str, named: Mapping[str, Succeeded]) -> None:
    for index, one in enumerate(named.values()):
        successor = None if one.moved_to is None else named.get(one.moved_to)
        if one.moved_to is not None and (successor is None or not successor.current):
            raise ValueError(f"{table}.{index}.moved_to: {one.moved_to!r} is not one of the {table} that are there to stay")
