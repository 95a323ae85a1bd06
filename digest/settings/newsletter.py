"""What can be configured of a newsletter: its topics, its schedule and its rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from digest.settings.links import Links
from digest.settings.succession import Succeeded
from digest.settings.types import (
    Cron,
    Duration,
    Frequency,
    Language,
    Line,
    Order,
    Slug,
    Tag,
    Tags,
    TemplateName,
    Whole,
    Zone,
    format_duration,
)

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
    deliver_at: Literal["slot", "local"] = Field(
        "slot",
        description="When mails leave: all at the `slot`, or to each reader when the slot's time comes on their own clock (`local`).",
    )
    draft_before: Duration | None = Field(
        None,
        description="So long before its slot an issue is drafted by itself, such as `1d`, so that somebody can look at it; by default at its slot.",
    )
    catch_up: Literal["late", "merge", "skip"] = Field(
        "late",
        description="What becomes of a slot that nobody was there for: it is sent `late`; the same, but never two issues at once, what was approved for an earlier slot goes into it too (`merge`); or `skip`, and the next one covers it.",
    )
    latest: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="How late a slot may still be sent, such as `6h`; by default until the next one, and with `skip` an hour.",
    )
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
    unapproved: Literal["hold", "skip", "send"] = Field(
        "hold",
        description="What becomes of an issue that nobody has approved when it is to go out: it is held until somebody does, skipped, or sent all the same.",
    )
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
    def patience(self) -> timedelta | None:
        """How late a slot may still be sent; None: until the next one."""
        return timedelta(hours=1) if self.latest is None and self.catch_up == "skip" else self.latest

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
