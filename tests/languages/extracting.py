"""Every message that Digest says, found in its templates and its code; `make words` puts the new ones into the catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po, write_po

from digest.rendering.environment import html_environment, text_environment
from digest.rendering.phrases import phrases
from digest.web.showing import PAGES, environment

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "digest" / "languages"
_KEYWORDS: dict[str, tuple[int, int] | None] = {"translate": None, "translate_counted": (1, 2)}


def messages() -> Catalog:
    """All of them, each with where it is said."""
    found = Catalog()
    for texts, place in (*_in_templates(), *_in_pages(), *_in_code()):
        found.add(texts if len(texts) > 1 else texts[0], locations=[(place, 0)])
    return found


def _in_templates() -> Iterator[tuple[tuple[str, ...], str]]:
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".mjml", ".txt"):
            environment = html_environment() if path.suffix == ".mjml" else text_environment()
            for phrase in phrases(environment.parse(path.read_text("utf-8"))):
                yield phrase.texts, str(path.relative_to(ROOT))


def _in_pages() -> Iterator[tuple[tuple[str, ...], str]]:
    for path in sorted(PAGES.glob("*.html")):
        for phrase in phrases(environment().parse(path.read_text("utf-8"))):
            yield phrase.texts, str(path.relative_to(ROOT))


def _in_code() -> Iterator[tuple[tuple[str, ...], str]]:
    for path in sorted((ROOT / "digest").rglob("*.py")):
        place = path.relative_to(ROOT)
        for _, function, found, _ in extract_python(BytesIO(path.read_bytes()), _KEYWORDS, [], {}):
            said: Any = found  # one text, or each argument's, None where it is no text
            texts = (said,) if isinstance(said, str) else tuple(text for text in (said or ())[:2] if text)
            if texts and (function != "translate_counted" or len(texts) == 2):
                yield texts, str(place)


def update() -> None:
    """Bring every catalogue to these messages: new ones stand in it empty, to be translated, and old ones go."""
    said = messages()
    for path in sorted(CATALOGUES.glob("*.po")):
        kept = read_po(BytesIO(path.read_bytes()), ignore_obsolete=True)
        kept.update(said, no_fuzzy_matching=True)
        body = BytesIO()
        write_po(body, kept, width=130, omit_header=True, ignore_obsolete=True, include_lineno=False)
        header, _, _ = path.read_text("utf-8").partition("\n\n")  # Babel's own names a date and a translator
        path.write_text(f"{header}\n\n{body.getvalue().decode().strip()}\n", "utf-8")


if __name__ == "__main__":
    update()
