"""What an editor adds above an issue's articles, read from files: a note in Markdown, a sponsor in TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from digest.errors import UsageError
from digest.rendering.content import NoteContent, SponsorContent
from digest.settings.table import Table
from digest.settings.types import Line, WebAddress

LONGEST_NOTE = 5000
"""Characters of a note: a mail has room for its articles too."""


class SponsorFile(Table):
    """A sponsor as a file describes it."""

    title: Line = Field(min_length=1, max_length=200)
    url: WebAddress
    text: Line = Field("", max_length=1000)
    image: WebAddress | None = None
    image_alt: Line | None = Field(None, max_length=200)


def read_note_file(file: Path, option: str = "--note") -> NoteContent:
    """The note in a Markdown file; `UsageError` where there is none to be read."""
    text = _read(file, option).strip()
    if not text:
        mend = "`--no-note` takes a note out" if option == "--note" else "write what it shall say"
        raise UsageError(f"{option}: {file} is empty; {mend}")
    if len(text) > LONGEST_NOTE:
        raise UsageError(f"{option}: {file} has {len(text):,} characters, and a note has room for {LONGEST_NOTE:,}; shorten it")
    return NoteContent(text)


def read_sponsor_file(file: Path) -> SponsorContent:
    """The sponsor in a TOML file of title, url, and perhaps text, image and image_alt; `UsageError` names what is wrong there."""
    try:
        found = SponsorFile.model_validate(tomllib.loads(_read(file, "--sponsor")))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--sponsor: {file} is not TOML: {error}") from None
    except ValidationError as error:
        wrong = error.errors()[0]
        key = ".".join(str(part) for part in wrong["loc"])
        known = ", ".join(SponsorFile.model_fields)
        raise UsageError(f"--sponsor: {file}: {key}: {wrong['msg'][:1].lower()}{wrong['msg'][1:]}; it may have {known}") from None
    return SponsorContent(**found.model_dump())


def _read(file: Path, option: str) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{option}: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {file} is not UTF-8; save it as UTF-8") from None
