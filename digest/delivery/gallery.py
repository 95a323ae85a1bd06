"""The gallery of a dry run: every rendition as desktop, phone, dark and plain text, on one page without a script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from digest.delivery.drawings import draw_pictures
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue
from digest.issues.withdrawn import words

SHOWN = 60  # renditions shown in frames, those with most recipients first; the others are linked
_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_EITHER = re.compile(r"""((?<![\w-])(?:supported-)?color-schemes?(?:\s*:\s*|"\s+content="))light dark\b""")


def page(
    issue: Issue,
    frozen: Frozen,
    renditions: Path,
    recipients: Mapping[int, int],
    summary: Mapping[str, Any],
    languages: Mapping[int, str],
) -> str:
    """The page; `recipients` counts them by rendition number, `renditions` is the folder that holds their bodies."""
    titles = {article.id: article.title for article in frozen.content.articles}
    decisions = [
        decision | {"title": titles.get(decision["article"], ""), "said": _said(decision)} for decision in summary["decisions"]
    ]
    numbers = sorted(recipients, key=lambda number: (-recipients[number], number))
    source = files("digest.delivery").joinpath("gallery.html").read_text(encoding="utf-8")
    shown = [_shown(renditions, number, recipients[number]) for number in numbers[:SHOWN]]
    tongues = languages if len(frozen.languages) > 1 else {}
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(
        issue=issue,
        content=frozen.content,
        summary={**summary, "decisions": decisions},
        shown=shown,
        languages={f"{number:04}": language for number, language in tongues.items()},
        drawn=any(one["drawn"] for one in shown),
        linked=[{"name": f"{number:04}", "recipients": recipients[number]} for number in numbers[SHOWN:]],
    )


def _said(decision: Mapping[str, Any]) -> str:
    reason: str = decision["reason"].replace("_", " ")
    left_out_from = decision["left_out_from"]
    return reason if left_out_from is None else f"{reason}; {words(left_out_from)}"


def _shown(folder: Path, number: int, recipients: int) -> dict[str, Any]:
    html = (folder / f"{number:04}.html").read_text(encoding="utf-8")
    text = (folder / f"{number:04}.txt").read_text(encoding="utf-8")
    pictured = draw_pictures(html)
    frames = {scheme: preferring(scheme, pictured) for scheme in ("light", "dark")}
    return {"name": f"{number:04}", "recipients": recipients, "text": text, "drawn": pictured != html, **frames}


def preferring(scheme: str, html: str) -> str:
    """A mail as its light or dark self, whatever the screen prefers, since a frame cannot be told: dark styles always, or never."""
    return _EITHER.sub(rf"\g<1>{scheme}", _DARK.sub("@media all" if scheme == "dark" else "@media not all", html))
