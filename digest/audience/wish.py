"""A wish: what somebody asks for when they are added to a newsletter, read from text and checked."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.audience.addresses import canonical_address
from digest.audience.consent import Past
from digest.audience.topics import canonical_topics
from digest.errors import UsageError
from digest.settings import NewsletterSettings

_LONGEST_NAME = 200
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{2,8})*)")
_NOT_IN_A_NAME = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a newsletter lets people choose from; the first frequency is the default."""

    newsletter: str
    topics: tuple[str, ...]
    frequencies: tuple[str, ...]

    @classmethod
    def of(cls, newsletter: NewsletterSettings) -> Offer:
        return cls(newsletter.slug, tuple(newsletter.offered), tuple(frequency.value for frequency in newsletter.frequencies))


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose of an offer; None where they said nothing."""

    topics: str | None
    frequency: str | None
    timezone: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """One person's wish for one newsletter. `email` is as they wrote it, `address` its canonical form.

    `past` is what another tool says of it, where they come from one; `left`: they left there, and wish for nothing.
    """

    email: str
    address: str
    name: str | None
    choices: Choices
    confirmed: bool
    past: Past | None = None
    left: bool = False


_NOTHING_SAID = Choices(None, None, None, None)


def make_leaver(email: str, past: Past | None) -> Wish:
    """The wish of somebody who left with another tool; of them no more than the address is kept."""
    return Wish(email.strip(), canonical_address(email), None, _NOTHING_SAID, False, past, left=True)


def make_wish(email: str, name: str | None, choices: Choices, *, confirmed: bool, past: Past | None = None) -> Wish:
    """A checked wish; `UsageError` says what is wrong with the address or the name."""
    return Wish(email.strip(), canonical_address(email), _name(name) if name else None, choices, confirmed, past)


def choose(offer: Offer, topics: str | None, frequency: str | None, timezone: str | None, language: str | None) -> Choices:
    """Checked choices; `UsageError` says what cannot be chosen. Empty `topics` mean all, other empty texts say nothing."""
    return Choices(
        topics=None if topics is None else canonical_topics(topics, offer.newsletter, offer.topics),
        frequency=_frequency(frequency, offer) if frequency else None,
        timezone=_timezone(timezone.strip()) if timezone else None,
        language=_language(language.strip()) if language else None,
    )


choose_in_bulk = lru_cache(maxsize=8192)(choose)
"""`choose` for files: in a million rows few choices are distinct. Not for what strangers post: each of theirs would stay, however long."""


def _name(text: str) -> str | None:
    name = text.strip()
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"the name has {len(name)} characters: at most {_LONGEST_NAME} are kept")
    if not name.isprintable() and any(unicodedata.category(character) in _NOT_IN_A_NAME for character in name):
        raise UsageError(f"the name {name!r} has a control character or a line break: take it out")
    return name or None


def _frequency(text: str, offer: Offer) -> str | None:
    wanted = text.strip().lower()
    if wanted and wanted not in offer.frequencies:
        offered = ", ".join(offer.frequencies)
        raise UsageError(f"newsletter {offer.newsletter!r} has no frequency {wanted[:64]!r}: it offers {offered}")
    return wanted or None


def _timezone(text: str) -> str | None:
    try:
        return ZoneInfo(text).key if text else None
    except (KeyError, ValueError, OSError):
        raise UsageError(f"{text[:64]!r} is not a time zone: use an IANA name such as 'Europe/Berlin' or 'UTC'") from None


def _language(text: str) -> str | None:
    match = _LANGUAGE.fullmatch(text)
    if text and (match is None or len(text) > 35):
        raise UsageError(f"{text[:64]!r} is not a language: use a tag such as 'en', 'de' or 'pt-BR'")
    return match[1].lower() + match[2] if match else None
