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
    field_validator,
    model_validator,
)

from digest.settings.bounces import Bounces
from digest.settings.checks import Checks
from digest.settings.database_url import DatabaseUrl, absolute_database_url
from digest.settings.error_reports import ErrorReports
from digest.settings.events import Events
from digest.settings.links import Links
from digest.settings.logging import Logging
from digest.settings.metrics import Metrics
from digest.settings.newsletter import NewsletterSettings
from digest.settings.notices import Notices
from digest.settings.openid import OpenId
from digest.settings.pages import Pages
from digest.settings.plugins import TELL_NOTHING
from digest.settings.providers import Providers
from digest.settings.retention import Retention
from digest.settings.scheduler import Scheduler
from digest.settings.secrecy import HOW_TO_MAKE_ONE
from digest.settings.source_table import SourceSettings
from digest.settings.succession import Succeeded
from digest.settings.table import Table
from digest.settings.theme import Theme, check_theme
from digest.settings.tracing import Tracing
from digest.settings.types import (
    Address,
    BaseAddress,
    Colour,
    Domain,
    Duration,
    Language,
    Line,
    Lines,
    Number,
    WebAddress,
    Whole,
    format_duration,
)
from digest.shipped import shipped


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


class Delivery(Table):
    """How mails leave."""

    provider: str = Field(
        "dry-run",
        description="`dry-run`, `smtp`, `sendgrid`, `ses`, `postmark`, `resend`, `mailgun`, `console`, `eml`, `maildir`, or a plugin of `digest.providers`.",
    )
    engine: Literal["local", "workers"] = Field(
        "local",
        description="Who sends: `local`, the process that runs; `workers`, every `digest worker` on the same PostgreSQL, while the run waits and accounts.",
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
        description="Where the send epoch's second place is: `beside` the SQLite file (with PostgreSQL, in the project folder), a file (with PostgreSQL, one that several machines may share), or `none` where machines are thrown away after each run.",
    )


class Editors(Table):
    """Who looks after the newsletters."""

    emails: tuple[Address, ...] = Field(
        (), description="The editors' addresses: at the desk they change issues and decide on them."
    )
    viewers: tuple[Address, ...] = Field((), description="Who may look at the desk and change nothing.")
    admins: tuple[Address, ...] = Field(
        (),
        description="Editors who also see who is signed in and what was done, may end a session, and make tokens for other programs.",
    )
    oidc: OpenId = OpenId()


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
    error_reports: ErrorReports = ErrorReports()
    events: Events = Events()
    logging: Logging = Logging()
    metrics: Metrics = Metrics()
    notices: Notices = Notices()
    pages: Pages = Pages()
    retention: Retention = Retention()
    scheduler: Scheduler = Scheduler()
    theme: Theme = Theme()
    tracing: Tracing = Tracing()

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
        _remembered(self.newsletters, self.retention)
        if self.delivery.engine == "workers" and self.database.url.startswith("sqlite"):
            raise ValueError(
                "delivery.engine: workers share their work through PostgreSQL, and database.url names an SQLite file; write local, or name a PostgreSQL database"
            )
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


def _remembered(newsletters: tuple[NewsletterSettings, ...], retention: Retention) -> None:
    for index, newsletter in enumerate(newsletters):
        if newsletter.sunset is not None and retention.events is not None and retention.events < 2 * newsletter.sunset:
            raise ValueError(
                f"retention.events: {format_duration(retention.events)} is not twice as long as newsletters.{index}.sunset, {format_duration(newsletter.sunset)}: nobody could tell who is silent; keep them longer"
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
