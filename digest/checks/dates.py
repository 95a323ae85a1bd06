"""Checks of dates: what was "tomorrow" when it was written, and what has passed by the time it is read.

Only what can hardly be meant otherwise is told, in the languages whose words stand here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.placeholders import called
from digest.rendering.content import ArticleContent

_SOON = re.compile(
    r"\b(?:tomorrow|tonight|starting today|last chance|today only"
    r"|heute abend|nur heute|morgen (?:um|ab|früh|abend)|demain|ce soir|mañana a las|esta noche|amanhã|hoje à noite)\b",
    re.IGNORECASE,
)
_NOT_A_DAY = re.compile(r"\b(?:of|for|about) tomorrow\b|\btomorrow['’]s\b", re.IGNORECASE)
_CUE = re.compile(
    r"\b(?:register|registration|sign up|deadline|apply by|applications?|until|by|join us|webinar|meetup|workshop|call for papers|cfp"
    r"|anmeld\w*|bis zum|frist|inscri\w+|jusqu|hasta|até)\b",
    re.IGNORECASE,
)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_NAMES = "|".join(_MONTHS)
_DATES = (
    re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?P<month>{_NAMES}),? (?P<year>20\d\d)\b", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_NAMES}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>20\d\d)\b", re.IGNORECASE),
)
_NEAR = 60  # characters between a date and the word that makes it an appointment


def date_passed(mail: Mail) -> Iterator[Fault]:
    """Nothing is announced that has passed by the day of the issue."""
    day = mail.content.slot_on
    for article in mail.content.articles:
        text = f"{article.title}. {article.summary}"
        if (word := _soon(article, text, day)) is not None:
            what = f"it says “{word}” and was published on {article.published_on}; the issue is of {day}"
            yield Fault(called(article), what, "leave it out if it has passed")
        for found in _appointments(text):
            if found < day:
                yield Fault(called(article), f"it speaks of {found}, and the issue is of {day}", "leave it out if it has passed")


def _soon(article: ArticleContent, text: str, day: date) -> str | None:
    """A word for a day that was near when the article was published and is over now."""
    if article.published_on is None or (day - article.published_on).days < 2:
        return None
    found = _SOON.search(_NOT_A_DAY.sub(" ", text))
    return None if found is None else found[0]


def _appointments(text: str) -> Iterator[date]:
    """Dates beside a word that makes something happen on them."""
    for pattern in _DATES:
        for found in pattern.finditer(text):
            around = text[max(0, found.start() - _NEAR) : found.end()]
            if _CUE.search(around) and (when := _date(found)) is not None:
                yield when


def _date(found: re.Match[str]) -> date | None:
    month = found["month"].lower()
    try:
        return date(int(found["year"]), _MONTHS.index(month) + 1 if month in _MONTHS else int(month), int(found["day"]))
    except ValueError:
        return None
