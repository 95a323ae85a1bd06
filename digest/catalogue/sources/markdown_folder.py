"""The source kind `markdown`: a folder of Markdown files with front matter, as static sites are written from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from digest.catalogue.plain_text import one_line
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.front_matter import take_apart
from digest.catalogue.sources.markdown_article import NoArticle, Site, article
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_FILES = 20_000
MAX_FILE_BYTES = 4 * 1024 * 1024
_ENDINGS = {".md", ".markdown", ".mdown"}
_SHOWN = 3


class MarkdownFolder:
    """Every Markdown file with front matter below `path`; drafts, hidden files and those that begin with _ are none."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """Every article of the folder, in the order of the files' names; a bad file stops only itself."""
        name = str(self._settings.path)
        folder = self._context.project / name
        if not folder.is_dir():
            what = "is not a folder" if folder.exists() else "does not exist in the project folder"
            raise Unreachable(f"{name} {what}; correct `path` of source '{self._settings.name}'")
        raws: list[dict[str, Any]] = []
        places: list[str] = []
        faults: list[Fault] = []
        without: list[str] = []
        for place in _files(folder, name):
            try:
                raw = self._article(folder, place)
            except NoArticle:
                continue
            except (ValueError, OSError) as error:
                said = error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)
                faults.append(Fault(_shown(place), "", f"{said}; it is left out"))
                continue
            if raw is None:
                without.append(_shown(place))
            else:
                raws.append(raw)
                places.append(_shown(place))
        faults += _told(without)
        return collect(raws, self._settings, self._context, faults=faults, places=places)

    def _article(self, folder: Path, place: PurePosixPath) -> dict[str, Any] | None:
        if not _is_text(place):
            raise ValueError("its name, or a folder's above it, is not UTF-8; rename it")
        with (folder / place).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"is larger than {MAX_FILE_BYTES // 1024 // 1024} MB")
        try:
            document = take_apart(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ValueError(f"line {line} holds a byte that is not UTF-8; save the file as UTF-8") from None
        if document is None:
            return None
        site = Site(str(self._settings.base_url), self._settings.permalink, self._context.timezone)
        return article(place, document, site, self._context.visits.now or datetime.now(UTC))


def _files(folder: Path, name: str) -> Iterator[PurePosixPath]:
    """The files to read, relative to `folder`, sorted. What a link leads to outside of it is not read."""
    inside = folder.resolve()
    found = 0
    for path in _everything(folder, name):
        place = path.relative_to(folder)
        if path.suffix.lower() not in _ENDINGS or any(part.startswith((".", "_")) and part != "_posts" for part in place.parts):
            continue
        if not _is_inside(path, inside):
            continue
        found += 1
        if found > MAX_FILES:
            raise Unreachable(f"{name} holds more than {MAX_FILES:,} Markdown files; split it into several sources")
        yield PurePosixPath(place.as_posix())


def _everything(folder: Path, name: str) -> list[Path]:
    try:
        return sorted(folder.rglob("*"))
    except OSError as error:
        raise Unreachable(f"{name} cannot be read: {error.strerror or error}") from None


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether this is a file of the folder; a link that leads in circles, or to a name that cannot be one, is none."""
    try:
        return path.is_file() and path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # until Python 3.13 a circle is a RuntimeError
        return False


def _is_text(place: PurePosixPath) -> bool:
    try:
        str(place).encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(place: PurePosixPath) -> str:
    """A file's name as messages show it: bytes that are not UTF-8 escaped, on one line."""
    return one_line(os.fsencode(place).decode("utf-8", "backslashreplace"))


def _told(without: list[str]) -> Iterator[Fault]:
    if without:
        shown = ", ".join(without[:_SHOWN]) + (", …" if len(without) > _SHOWN else "")
        yield Fault("folder", "", f"{len(without):,} left out, for want of front matter: {shown}", error=False)
