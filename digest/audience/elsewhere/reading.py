"""Reading: a row of another tool's export becomes a wish, a leaving, a suppression, or nothing; and what was made of a file is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from digest.audience.addresses import canonical_address
from digest.audience.consent import Past
from digest.audience.elsewhere.format import Format, Judged
from digest.audience.elsewhere.formats import OWN
from digest.audience.elsewhere.moments import read_moment
from digest.audience.elsewhere.standing import SHUT, Standing
from digest.audience.elsewhere.tags import read_tags, topics_by_tag
from digest.audience.origin import network_of
from digest.audience.suppression import EVERYTHING, Shut
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Offer, Wish, choose_in_bulk, make_leaver, make_wish
from digest.errors import UsageError

WORDS_TOLD = 1000
"""How many different tags, and statuses, are told; the rest are used, and not told."""


_LONGEST_WORD = 100


class NoList(UsageError):
    """A file that lists no people; among several it is passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What a person says of a file: its format, where columns do not tell it; what everybody in it is; whether they vouch
    for those of whom the tool does not say that they agreed; which columns hold tags; which topics tags are."""

    format: str | None = None
    status: Standing | None = None
    confirmed: bool = False
    topics_from: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Understood:
    """What was made of one file: which column is used for what, what its statuses and tags came to, with counts.

    `everything` counts those who follow every topic, since no tag of theirs is a topic.
    """

    file: str
    format: str
    encoding: str
    delimiter: str
    used: Mapping[str, str]
    unused: tuple[str, ...]
    statuses: Counter[Judged] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    topics: Mapping[str, str] = field(default_factory=dict)
    everything: int = 0


class Reader:
    """Reads rows of one file of the format `form`, whose columns are folded. A `UsageError` says what does not fit together."""

    def __init__(
        self, form: Format, columns: Sequence[str], file: str, offer: Offer, titles: Mapping[str, str], how: How, now: datetime
    ) -> None:
        self._form, self._offer, self._how, self._now = form, offer, how, now
        self._at = {column: place for place, column in reversed(list(enumerate(columns)))}
        self._short = [""] * len(columns)  # what a row lacks that ends before its last columns
        self._hint = form.hint(file, frozenset(columns))
        self._email = self._first(form.email) or next((one for one in columns if "mail" in one and "mailing" not in one), None)
        if self._email is None:
            raise NoList(f"the header has no column of e-mail addresses; it has {', '.join(columns)[:400]}")
        self._person = next((there for names in form.person if (there := [one for one in names if one in self._at])), [])
        self._zone, self._opted_in = self._first(form.timezone), self._first(form.opted_in)
        self._confirmed, self._ended = self._first(form.confirmed), [one for one in form.ended if one in self._at]
        self._origin = [one for one in form.origin if one in self._at]
        self._tags = self._tag_columns(columns)
        twice = [column for column in self.used() if columns.count(column) > 1]
        if twice:
            raise UsageError(f"the header has a column twice that is used: {', '.join(twice)}; take one out")
        self.topics = topics_by_tag(how.mapping, titles)
        # The places in a row of what is looked at in each of a million.
        self._email_at, self._tags_at = self._at[self._email], [self._at[one] for one in self._tags]
        self._person_at, self._origin_at = [self._at[one] for one in self._person], [self._at[one] for one in self._origin]
        self._zone_at, self._opted_in_at, self._confirmed_at = (
            None if column is None else self._at[column] for column in (self._zone, self._opted_in, self._confirmed)
        )
        if form.name.endswith("-suppressions") and how.status is None:
            raise UsageError("this is a list of suppressions; say which with --status unsubscribed, bounced or complained")

    def used(self) -> dict[str, str]:
        """What each used column is used for."""
        parts = {
            "e-mail address": [self._email or ""],
            "name": self._person,
            "status": [one for one in self._form.status if one in self._at and self._how.status is None],
            "topics": self._tags,
            "time zone": [self._zone or ""],
            "opted in": [self._opted_in or ""],
            "confirmed": [self._confirmed or ""],
            "network": self._origin,
            "left": self._ended,
        }
        used: dict[str, str] = {}
        for meaning, columns in parts.items():
            for column in filter(None, columns):
                used[column] = f"{used[column]}, {meaning}" if column in used else meaning
        return used

    def read(self, values: Sequence[str], told: Understood) -> Wish | Shut | None:
        """What a row comes to; None when nobody is taken in by it. Counts what it saw, in `told`."""
        if len(values) < len(self._short):
            values = [*values, *self._short[len(values) :]]

        def cell(column: str) -> str:
            place = self._at.get(column)
            return "" if place is None else values[place]

        email = values[self._email_at]
        if not email:
            raise UsageError("has no e-mail address")
        judged = Judged(self._how.status, "by --status") if self._how.status is not None else self._form.judge(cell, self._hint)
        made: Wish | Shut | None
        if judged.standing in SHUT:
            made = shut_out(email, judged.standing, self._form.name, self._ended_at(values))
        elif judged.standing is Standing.UNSUBSCRIBED:
            made = make_leaver(email, self._past(values, self._ended_at(values)))
        elif judged.standing is Standing.LEFT_OUT:
            canonical_address(email)  # a row that is wrong is told, whatever becomes of it
            made = None
        else:
            made = self._wish(email, values, judged.standing, told)
        _count(told.statuses, judged)
        return made

    def _wish(self, email: str, values: Sequence[str], standing: Standing, told: Understood) -> Wish:
        tags = [tag for place in self._tags_at for tag in read_tags(values[place])]
        topics = self._topics(tags)
        zone = None if self._zone_at is None else _known_zone(values[self._zone_at][:64])
        name = _clean(" ".join([values[place] for place in self._person_at]))
        past = self._past(values)
        confirmed = standing is Standing.CONFIRMED or (standing is Standing.UNSAID and self._how.confirmed)
        wish = make_wish(email, name, choose_in_bulk(self._offer, topics, None, zone, None), confirmed=confirmed, past=past)
        told.everything += topics is None
        for tag in tags:
            _count(told.tags, tag[:_LONGEST_WORD])
        return wish

    def _past(self, values: Sequence[str], left_at: datetime | None = None) -> Past:
        return Past(
            self._form.name,
            None if self._opted_in_at is None else self._moment(values[self._opted_in_at]),
            None if self._confirmed_at is None else self._moment(values[self._confirmed_at]),
            next((network for place in self._origin_at if (network := network_of(values[place]))), None),
            left_at,
        )

    def _ended_at(self, values: Sequence[str]) -> datetime | None:
        return next((moment for one in self._ended if (moment := self._moment(values[self._at[one]]))), None)

    def _topics(self, tags: Sequence[str]) -> str | None:
        """Those that the tags are; None where there is none."""
        found = {topic for tag in tags if (topic := self.topics.get(tag.casefold()))}
        return ALL_TOPICS if ALL_TOPICS in found else " ".join(sorted(found)) or None

    def _moment(self, text: str) -> datetime | None:
        found = read_moment(text)
        return None if found is None or found > self._now else found

    def _tag_columns(self, columns: Sequence[str]) -> list[str]:
        wanted = [column.strip().casefold() for column in self._how.topics_from]
        for column in wanted:
            if column not in self._at:
                raise UsageError(f"--topics-from {column!r}: the file has no such column; it has {', '.join(columns)[:400]}")
        return wanted or [one for one in self._form.topics if one in self._at]

    def _first(self, columns: Sequence[str]) -> str | None:
        return next((one for one in columns if one in self._at), None)


def _count(counter: Counter[Any], word: Any) -> None:
    if word in counter or len(counter) < WORDS_TOLD:
        counter[word] += 1


def shut_out(email: str, standing: Standing, tool: str, at: datetime | None = None) -> Shut:
    """The suppression of somebody who must not be mailed, by another tool's word."""
    source = "import" if tool == OWN else f"import from {tool}"
    return Shut(canonical_address(email), EVERYTHING, standing.value, source, at)


def _clean(text: str) -> str | None:
    if not text.isprintable():
        text = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(text.split()) or None


@lru_cache(maxsize=1024)
def _known_zone(text: str) -> str | None:
    """A time zone; the tool guessed it, so a wrong one is nobody's mistake."""
    try:
        return ZoneInfo(text).key if text else None
    except (KeyError, ValueError, OSError):
        return None
