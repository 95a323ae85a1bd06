"""The typed values a configuration is made of: durations, crons, time zones, addresses, colours, slugs."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import email_validator
from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from digest.settings.tag_rules import LONGEST, parse_tag_rule

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"\s*(\d{1,9})\s*([smhdw])\s*", re.IGNORECASE)
_LONGEST = timedelta(days=36525)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# Relays on loopback and intranets use these names; the library's documented way to allow them is to take them out.
for _name in ("test", "localhost", "local"):
    if _name in email_validator.SPECIAL_USE_DOMAIN_NAMES:
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(_name)


class Frequency(StrEnum):
    """How often a subscriber wants an issue; a newsletter offers some of these."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Order(StrEnum):
    """What comes first among articles that are alike: neither pinned nor owed, or all of them owed."""

    FEATURED = "featured"
    NEWEST = "newest"
    OLDEST = "oldest"
    POPULAR = "popular"


def parse_duration(value: Any) -> timedelta:
    """`"90s"`, `"10m"`, `"36h"`, `"7d"`, `"2w"` as a timedelta; a number without a unit is refused."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration: write a number and a unit, such as '30s', '10m', '36h', '7d' or '2w'")
    seconds = int(match[1]) * _UNITS[match[2].lower()]
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"{value!r} is longer than a hundred years")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back."""
    seconds = int(value.total_seconds())
    for unit in "wdhms":
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"


def _domain(text: str) -> str:
    """A recipient domain in its one canonical form."""
    try:
        return parse_address(f"a@{text}").removeprefix("a@")
    except ValueError:
        raise ValueError(f"{text!r} is not a domain of e-mail addresses: write one such as mail.example") from None


def parse_address(text: str) -> str:
    """The one canonical form of an e-mail address, in which addresses are stored, compared and written to.

    NFC, all in lower case, the domain in A-labels: `Ada@Bücher.Example` is `ada@xn--bcher-kva.example`. A display
    name, angle brackets, quoting, control characters, a non-ASCII local part (FACTS: no provider promises them) and
    a domain without a dot, unless it is `localhost`, raise `ValueError`. Whether the domain exists is not asked.
    """
    try:
        found = email_validator.validate_email(
            text, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False, strict=True
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError(f"{text!r} is not an e-mail address: {error}") from None
    domain = found.ascii_domain.lower()
    if "." not in domain and domain != "localhost":
        raise ValueError(f"{text!r} is not an e-mail address: the part after the @-sign has no dot")
    return f"{found.local_part.lower()}@{domain}"


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, by its name or its number."""
    try:
        return host.lower().rstrip(".") == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def nearest(word: str, words: list[str]) -> str:
    """`; did you mean 'X'?` for the likeliest of `words`, or nothing."""
    found = difflib.get_close_matches(word.lower(), {known.lower(): known for known in words}, n=1, cutoff=0.6)
    meant = next((known for known in words if found and known.lower() == found[0]), None)
    return f"; did you mean '{meant}'?" if meant else ""


def _cron(value: str) -> str:
    fields = value.split()
    if len(fields) != 5:
        raise ValueError(
            f"{value!r} is not a cron expression: it has {len(fields)} fields, not five (minute hour day month weekday)"
        )
    try:
        next(CronSim(" ".join(fields), datetime(2026, 1, 1)))  # noqa: DTZ001 - crons run on wall-clock time
    except CronSimError as error:
        raise ValueError(f"{value!r} is not a cron expression: {error} (fields: minute hour day month weekday)") from None
    except StopIteration:
        raise ValueError(f"{value!r} never comes: no such date exists") from None
    return " ".join(fields)


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        hint = nearest(value, sorted(zoneinfo.available_timezones()))
        raise ValueError(f"{value!r} is not a time zone: use an IANA name such as 'Europe/Berlin' or 'UTC'{hint}") from None
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError(f"{value!r} is not a colour: write it as '#rrggbb'")
    return value.lower()


_GENERIC_FONTS = (
    "serif",
    "sans-serif",
    "monospace",
    "cursive",
    "fantasy",
    "system-ui",
    "ui-serif",
    "ui-sans-serif",
    "ui-monospace",
)


def _fonts(value: str) -> str:
    """A CSS list of fonts with single quotes where a name needs them, and a generic one at its end."""
    names = [name.strip().strip("'\"").strip() for name in value.split(",")]
    for name in names:
        if not re.fullmatch(r"-?[A-Za-z][A-Za-z0-9 _-]*", name):
            raise ValueError(
                f"{name!r} is not a font's name: write names with commas between them, such as 'Inter, Arial, sans-serif'"
            )
    if names[-1] not in _GENERIC_FONTS:
        raise ValueError(f"{value!r} has no fallback: end it with a generic font, one of {', '.join(_GENERIC_FONTS)}")
    return ", ".join(f"'{name}'" if " " in name else name for name in names)


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value) or len(value) > 64:
        raise ValueError(f"{value!r} is not a slug: use lower-case letters, digits and single hyphens, at most 64")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z]{2,3}(?:-[A-Za-z0-9]{2,8})*", value) or len(value) > 35:
        raise ValueError(f"{value!r} is not a language: use a tag such as 'en' or 'pt-BR'")
    primary, _, rest = value.partition("-")
    return f"{primary.lower()}-{rest}" if rest else primary.lower()


def _template_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", value):
        raise ValueError(
            f"{value!r} is not a template's name: use letters, digits, hyphens and underscores, without the ending .mjml"
        )
    return value


def _line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value


def _tag(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return _line(value)


def _lines(value: str) -> str:
    if _CONTROL.search(value.replace("\n", " ")):
        raise ValueError("must not contain control characters")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user name or a password")  # and is not repeated: it may be a secret
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[\s\x00-\x1f\x7f-\x9f<>\"\\]", value):
        raise ValueError(f"{value!r} is not a web address: it must begin with https:// (or http://) and name a host")
    return value.rstrip("/") if parts.path in {"", "/"} and not parts.query and not parts.fragment else value


def _base_url(value: str) -> str:
    value = _url(value)
    if not value.isascii():
        raise ValueError(f"{value!r} must be plain ASCII: write the host in its xn-- form and escape the path")
    if "?" in value or "#" in value:
        raise ValueError(f"{value!r} must end with its host or path: other addresses are made by adding to it")
    return value.rstrip("/")


def _path(value: Any) -> Any:
    if isinstance(value, str):
        if not value.strip():
            raise ValueError("must not be empty")
        _line(value)
    return value


def _not_a_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


class _TagsOrRule:
    """Marks a list of tags in whose place a rule may stand; what is wrong with either is said of that one alone."""

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        listed = handler.generate_schema(Annotated[tuple[Tag, ...], Field(min_length=1)])
        return core_schema.no_info_wrap_validator_function(
            self._read, listed, serialization=core_schema.plain_serializer_function_ser_schema(self._written)
        )

    def __get_pydantic_json_schema__(self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {"anyOf": [listed, {"type": "string", "maxLength": LONGEST, "examples": ["python and not career"]}]}

    def _read(self, value: Any, listed: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, str):
            return listed(value)
        parse_tag_rule(_line(value))
        return value

    def _written(self, value: tuple[str, ...] | str) -> list[str] | str:
        return value if isinstance(value, str) else list(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\s*[0-9]{1,9}\s*[smhdwSMHDW]\s*$", "examples": ["30s", "10m", "36h", "7d", "2w"]}
    ),
]
Cron = Annotated[str, AfterValidator(_cron)]
Zone = Annotated[str, AfterValidator(_zone)]
Address = Annotated[str, AfterValidator(parse_address), WithJsonSchema({"type": "string", "format": "email"})]
Colour = Annotated[str, AfterValidator(_colour), WithJsonSchema({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"})]
Fonts = Annotated[str, AfterValidator(_fonts)]
Slug = Annotated[
    str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64})
]
Language = Annotated[str, AfterValidator(_language)]
TemplateName = Annotated[str, AfterValidator(_template_name)]
Domain = Annotated[str, AfterValidator(_domain)]
Line = Annotated[str, AfterValidator(_line)]
Lines = Annotated[str, AfterValidator(_lines)]
Tag = Annotated[str, AfterValidator(_tag)]
WebAddress = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "format": "uri"})]
BaseAddress = Annotated[str, AfterValidator(_base_url), WithJsonSchema({"type": "string", "format": "uri"})]
Tags = Annotated[tuple[Tag, ...] | str, _TagsOrRule()]
Whole = Annotated[int, BeforeValidator(_not_a_truth)]
FilePath = Annotated[Path, BeforeValidator(_path)]
Number = Annotated[float, BeforeValidator(_not_a_truth)]
