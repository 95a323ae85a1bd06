"""Showing: pages from their templates, in the reader's language."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.languages import Words, languages_with_words, locale_of, read_catalogues, words_in
from digest.rendering import speaking
from digest.settings import Settings
from digest.web.files import Files

PAGES = Path(__file__).parent / "pages"
_RANGE = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})\s*(?:;\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?))?")
_COUNTRY = re.compile(r"[a-z]{2}", re.ASCII)
_MOST_RANGES = 20


class Showing:
    """Renders the pages of one project, which live under `prefix`."""

    def __init__(self, settings: Settings, files: Files, prefix: str) -> None:
        self._site, self._files, self._prefix = settings.site, files, prefix
        self._own = read_catalogues(settings.template_folders)
        self._spoken = {tag.casefold(): tag for tag in languages_with_words(self._own)}

    def page(self, request: Request, name: str, /, *, language: str | None = None, status: int = 200, **values: Any) -> Response:
        """A page in `language`, or else in the first that the browser asks for and we speak; in the site's at last."""
        spoken = self.language(request, language)
        return HTMLResponse(self.render(name, spoken, values), status, headers={"Content-Language": spoken})

    def render(self, name: str, language: str, values: dict[str, Any]) -> str:
        """The page's HTML."""
        known = {
            "lang": language,
            "dir": "rtl" if locale_of(language).character_order == "right-to-left" else "ltr",
            "site": self._site,
            "url": self.address,
            "bare": False,
            "file": lambda name: self.address(self._files.path(name)),
            **speaking.speech(words_in(language, self._own)),
        }
        return environment().get_template(name).render(known | values)

    def address(self, path: str) -> str:
        """A path of ours as a page links to it."""
        return self._prefix + path

    def language(self, request: Request, wanted: str | None = None) -> str:
        """What to speak to somebody who wants a language, or whose browser asks for some."""
        asked = [wanted] if wanted else accepted(request.headers.get("accept-language", ""))
        return next((found for tag in (*asked, self._site.language) if (found := self._as_spoken(tag))), "en")

    def words(self, language: str) -> Words:
        """What we say in a language."""
        return words_in(language, self._own)

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Every language we speak, with its own name."""
        return [(tag, locale_of(tag).get_display_name() or tag) for tag in sorted(self._spoken)]

    def _as_spoken(self, tag: str) -> str | None:
        """As much of a tag as we speak, and the country behind it. Whatever else may stand there is left out: it is remembered what
        Babel knows of each tag, and browsers may name any number."""
        parts = tag.casefold().split("-")
        for length in range(len(parts), 0, -1):
            found = self._spoken.get("-".join(parts[:length]))
            if found is not None:
                country = "".join(parts[length : length + 1])
                return f"{found}-{country.upper()}" if _COUNTRY.fullmatch(country) else found
        return None


def accepted(header: str) -> list[str]:
    """The language tags of an Accept-Language header, the most wanted first; what is not one is passed over."""
    ranges = [_RANGE.fullmatch(part.strip()) for part in header.split(",", _MOST_RANGES)[:_MOST_RANGES]]
    weighed = [(float(match[2] or 1), match[1]) for match in ranges if match]
    return [tag for weight, tag in sorted(weighed, key=lambda one: -one[0]) if weight > 0]


@cache
def environment() -> Environment:
    """What pages are made with: it escapes every value."""
    made = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(bdi=speaking.isolate, date=speaking.write_date, number=speaking.number_in, link=speaking.link)
    return made
