"""Checks of what mail programs lack, by facts kept as data with the day on which each was measured (`clients.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from digest.checks.finding import Fault
from digest.checks.mail import Mail
from digest.checks.styles import for_everybody


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a mail can use, who lacks it, since when that is known, and what to do instead."""

    name: str
    css: re.Pattern[str] | None
    html: re.Pattern[str] | None
    lacking: tuple[str, ...]
    measured: date
    instead: str


@cache
def features() -> tuple[Feature, ...]:
    """The features that are known."""
    data = tomllib.loads(files("digest.checks").joinpath("clients.toml").read_text(encoding="utf-8"))
    return tuple(
        Feature(one["name"], _pattern(one, "css"), _pattern(one, "html"), tuple(one["lacking"]), one["measured"], one["instead"])
        for one in data["features"]
    )


def client_support(mail: Mail) -> Iterator[Fault]:
    """It uses nothing that a large mail program lacks, media queries apart."""
    sheets = ("".join(one for one in style.content if isinstance(one, str)) for style in mail.page.all("style"))
    css = "\n".join([*map(for_everybody, sheets), *(f"{element.attributes.get('style', '')};" for element in mail.page.elements)])
    for feature in features():
        if (feature.css and feature.css.search(css)) or (feature.html and feature.html.search(mail.html)):
            what = f"it uses {feature.name}, which {_listed(feature.lacking)} lack (measured {feature.measured})"
            yield Fault("html part", what, feature.instead)


def _pattern(feature: dict[str, str], key: str) -> re.Pattern[str] | None:
    return re.compile(feature[key], re.IGNORECASE) if key in feature else None


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
