"""The pages of the showroom: one that lists every mail, and for each mail one that shows it in every width, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from urllib.parse import quote

from jinja2 import Environment

from digest.delivery.drawings import draw_pictures
from digest.delivery.gallery import preferring
from digest.rendering.showroom import TRANSPARENT

WIDTHS = (320, 375, 414, 600, 800, 1024)
"""Pixels: three phones, a mail's own width, and two windows on a desk."""

_LINES = """<svg xmlns='http://www.w3.org/2000/svg' width='640' height='360'><path d='M40 320L220 80 400 260 600 60' fill='none' \
stroke='black' stroke-width='14'/><path d='M40 260L220 20 400 200 600 20' fill='none' stroke='white' stroke-width='14'/></svg>"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail of a template: `slug` names it, `shows` says what it is there for; `pictures` whether they load."""

    name: str
    slug: str
    shows: str
    html: str
    text: str
    pictures: bool = True


def variants(shown: Shown) -> Mapping[str, str]:
    """The files of a mail by the ends of their names: as it is, as its light and its dark self, and as plain text."""
    pictured = draw_pictures(_with_lines(shown.html)) if shown.pictures else shown.html
    return {
        ".html": shown.html,
        "-light.html": preferring("light", pictured),
        "-dark.html": preferring("dark", pictured),
        ".txt": shown.text,
    }


def index_page(shown: Sequence[Shown], broken: Sequence[str]) -> str:
    """The page that leads to the others."""
    grouped = [(name, list(mails)) for name, mails in groupby(shown, key=lambda one: one.name)]
    return _page("index", grouped=grouped, broken=broken, title="Templates")


def mail_page(shown: Shown) -> str:
    """One mail in every width, in light and dark, and its plain text."""
    return _page("mail", shown=shown, widths=WIDTHS, size=len(shown.html.encode()), title=f"{shown.name}: {shown.shows}")


def _page(part: str, **names: object) -> str:
    source = files("digest.insights").joinpath("showroom.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source).render(part=part, **names)


def _with_lines(html: str) -> str:
    return html.replace(TRANSPARENT, "data:image/svg+xml," + quote(_LINES, safe=" =:/,()'"))
