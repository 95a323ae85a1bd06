"""Cleaning: from what a source wrote to an `Entry`, or to the faults that say what is wrong with it.

A bad `title`, `url` or `id` leaves the entry out; a bad optional field is a warning and leaves only that field out.
Text that can be made plain is made plain without a word: HTML, control characters and line ends in a title harm
nobody once they are gone. Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

from digest.catalogue.address import canonical_url, web_address
from digest.catalogue.article import Entry
from digest.catalogue.plain_text import is_visible, one_line, plain_text, shorten
from digest.catalogue.sources.port import Fault

TITLE_LIMIT = 300
SUMMARY_LIMIT = 1000
NAME_LIMIT = 200
KEY_LIMIT = 500
TAG_LIMIT = 64
TAGS_LIMIT = 30
LONGEST_READING = 10_000
MOST_POPULAR = 10**12
EARLIEST_YEAR, LATEST_YEAR = 1970, 9998

_LANGUAGE = re.compile(r"(?=.{2,35}$)[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_Value = TypeVar("_Value")


class _Refusal(ValueError):
    """A required field is unusable: the entry is left out."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class _Note(ValueError):
    """A field was taken, but not as it stands."""

    def __init__(self, value: Any, message: str) -> None:
        super().__init__(message)
        self.value = value


def clean_entry(raw: object, place: str, zone: tzinfo) -> tuple[Entry | None, list[Fault]]:
    """`raw` (an object as in articles.json) as an `Entry`, with the faults found in it.

    The entry is None when one of the faults is an error. `zone` is that of times without one. Keys that articles.json
    does not know are none of this function's business.
    """
    if not isinstance(raw, Mapping):
        return None, [Fault(place, "", f"is {_kind(raw)}, not an object with `title` and `url`")]
    faults: list[Fault] = []
    try:
        return _entry(raw, zone, faults, place), faults
    except _Refusal as refusal:
        return None, [*faults, Fault(place, refusal.field, str(refusal))]


def _entry(raw: Mapping[str, Any], zone: tzinfo, faults: list[Fault], place: str) -> Entry:
    def optional(name: str, read: Callable[[Any], _Value]) -> _Value | None:
        value = raw.get(name)
        if value is None:
            return None
        try:
            return read(value)
        except _Note as note:
            faults.append(Fault(place, name, str(note), error=False))
            return note.value  # type: ignore[no-any-return]  # a note carries what `read` would have returned
        except ValueError as error:
            faults.append(Fault(place, name, f"{error}; the field is left out", error=False))
            return None

    title = _required(raw, "title", _title)
    if len(title) > TITLE_LIMIT:
        faults.append(Fault(place, "title", f"is longer than {TITLE_LIMIT} characters; it is cut", error=False))
    url = _required(raw, "url", _address)
    canonical = canonical_url(url)
    image = optional("image", _address)
    return Entry(
        key=canonical if raw.get("id") is None else _required(raw, "id", _key),
        url=url,
        canonical_url=canonical,
        title=shorten(title, TITLE_LIMIT),
        summary=optional("summary", _summary) or "",
        tags=optional("tags", _tags) or (),
        published_at=optional("published_at", lambda value: moment(value, zone)),
        updated_at=optional("updated_at", lambda value: moment(value, zone)),
        author=optional("author", _name),
        image=image,
        image_alt=optional("image_alt", _name) if image else None,
        featured=optional("featured", _yes_or_no) or False,
        reading_minutes=optional("reading_minutes", _minutes),
        language=optional("language", language_tag),
        popularity=optional("popularity", _popularity),
    )


def flaw(entry: Entry) -> Fault | None:
    """What makes an `Entry` that somebody else built unfit for the catalogue, if anything does."""
    place = f"'{shorten(one_line(str(entry.key)), 60)}'"
    texts = (entry.title, entry.summary, entry.author or "", entry.image_alt or "", entry.key, *entry.tags)
    if not is_visible(entry.title) or any(text != one_line(text) for text in texts):
        return Fault(place, "", "a text is empty or not plain; sources give entries through `collect`")
    if not 1 <= len(entry.key) <= KEY_LIMIT:
        return Fault(place, "id", f"is not of 1 to {KEY_LIMIT} characters")
    try:
        addresses = (web_address(entry.url), canonical_url(entry.url), entry.image and web_address(entry.image))
    except ValueError as error:
        return Fault(place, "url", str(error))
    if addresses != (entry.url, entry.canonical_url, entry.image):
        return Fault(place, "url", "an address is not in the form `web_address` and `canonical_url` give it")
    if any(time is not None and time.tzinfo is None for time in (entry.published_at, entry.updated_at)):
        return Fault(place, "published_at", "a time has no zone")
    return None


def _required(raw: Mapping[str, Any], name: str, read: Callable[[Any], str]) -> str:
    if raw.get(name) is None:
        raise _Refusal(name, "is missing; every article needs one")
    try:
        return read(raw[name])
    except ValueError as error:
        raise _Refusal(name, str(error)) from None


def moment(value: Any, zone: tzinfo) -> datetime:
    """An ISO 8601 date or time as an aware UTC time; one without a zone is in `zone`."""
    try:
        when = datetime.fromisoformat(_text(value).strip())
    except ValueError:
        raise ValueError(f"{_shown(value)} is not an ISO 8601 time such as 2026-11-20T08:00:00+01:00") from None
    if not EARLIEST_YEAR <= when.year <= LATEST_YEAR:
        raise ValueError(f"{_shown(value)} is not between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return (when.replace(tzinfo=zone) if when.tzinfo is None else when).astimezone(UTC)


def language_tag(value: Any) -> str:
    """A language tag such as `en` or `pt-BR`, as BCP 47 shapes it."""
    text = _text(value).strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(f"{_shown(value)} is not a language tag such as 'en' or 'pt-BR'")
    return text


def clean_tag(value: Any) -> str:
    """A tag as tags are compared: plain, trimmed, in lower case."""
    tag = plain_text(_text(value)).lower()
    if not is_visible(tag) or len(tag) > TAG_LIMIT:
        raise ValueError(f"{_shown(value)} is not a tag of 1 to {TAG_LIMIT} characters")
    return tag


def _title(value: Any) -> str:
    title = plain_text(_text(value))
    if not is_visible(title):
        raise ValueError("is empty; every article needs one")
    return title


def _summary(value: Any) -> str:
    return _cut(plain_text(_text(value)), SUMMARY_LIMIT)


def _name(value: Any) -> str | None:
    return _cut(plain_text(_text(value)), NAME_LIMIT) or None


def _cut(text: str, limit: int) -> str:
    if len(text) > limit:
        raise _Note(shorten(text, limit), f"is longer than {limit} characters; it is cut")
    return text


def _key(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    key = one_line(_text(value))
    if not key or len(key) > KEY_LIMIT:
        raise ValueError(f"{_shown(value)} is not an id of 1 to {KEY_LIMIT} characters")
    return key


def _address(value: Any) -> str:
    try:
        return web_address(_text(value))
    except ValueError as error:
        raise ValueError(f"{_shown(value)} {error}") from None


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"is {_kind(value)}, not a list of texts")
    tags: dict[str, None] = {}
    refused: list[str] = []
    for each in value[:TAGS_LIMIT]:
        try:
            tags[clean_tag(each)] = None
        except ValueError as error:
            refused.append(str(error))
    if len(value) > TAGS_LIMIT:
        refused.append(f"there are {len(value)} of them, the first {TAGS_LIMIT} are taken")
    if refused:
        raise _Note(tuple(tags), f"{refused[0]}; the other tags are kept")
    return tuple(tags)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return value


def _minutes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_READING:
        raise ValueError(f"{_shown(value)} is not a whole number of minutes from 1 to {LONGEST_READING}")
    return value


def _popularity(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_POPULAR:
        raise ValueError(f"{_shown(value)} is not a number from 0 to {MOST_POPULAR:,}")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"is {_kind(value)}, not a text")
    return value


def _shown(value: Any) -> str:
    """A value as a message may quote it: short, on one line, without control characters."""
    if isinstance(value, str):
        return f"'{shorten(one_line(value[:200]), 60)}'"
    return _kind(value) if isinstance(value, list | Mapping) else shorten(one_line(repr(value)), 60)


def _kind(value: object) -> str:
    """What JSON calls `value`, with an article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", tuple: "a list", dict: "an object"}
    return names.get(type(value), f"a {type(value).__name__}")
