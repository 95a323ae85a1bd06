"""Templates as files: `NAME.mjml` for the HTML, `NAME.txt` for the plain text, found in an ordered list of folders.

A file, a partial as well, comes from the first folder that has it: a project that brings one partial changes it everywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

from digest.errors import TemplateError
from digest.languages import CatalogueFile, Words, read_catalogues, words_in
from digest.rendering.partials import LARGEST, with_partials
from digest.rendering.source import Source

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FORMAT = b"digest-template-1"


@dataclass(frozen=True, slots=True)
class Template:
    """A template's two sources, partials in place, and the words that its project brings; `hash` (SHA-256, hex) changes with each of them."""

    name: str
    mjml: Source
    text: Source
    hash: str
    catalogues: tuple[CatalogueFile, ...] = ()

    def words(self, language: str) -> Words:
        """Our own words in a language, as this template says them."""
        return words_in(language, self.catalogues)


def load_template(name: str, folders: Sequence[Path]) -> Template:
    """Read a template, each of its two files from the first folder that has it, with the `languages/*.po` of all of them."""
    if not _NAME.fullmatch(name):
        raise TemplateError(f"`{name}` cannot name a template: use letters, digits, - and _")
    return make_template(name, _read(f"{name}.mjml", folders), _read(f"{name}.txt", folders), read_catalogues(folders))


def make_template(name: str, mjml: Source, text: Source, catalogues: tuple[CatalogueFile, ...] = ()) -> Template:
    """A template of two sources already read; its hash does not depend on where the files lie."""
    digest = hashlib.sha256()
    words = (part.encode() for one in catalogues for part in (one.language, one.text))
    for part in (_FORMAT, version("mjml-python").encode(), mjml.text.encode(), text.text.encode(), *words):
        digest.update(len(part).to_bytes(8, "big") + part)
    return Template(name, mjml, text, digest.hexdigest(), catalogues)


def _read(file: str, folders: Sequence[Path]) -> Source:
    source = _find(file, folders)
    if source is None:
        places = ", ".join(str(folder) for folder in folders) or "no folder at all"
        raise TemplateError(f"there is no template {file} in {places}: add it, or name another under `template`")
    return with_partials(source, partial(_find, folders=folders))


def _find(file: str, folders: Sequence[Path]) -> Source | None:
    for folder in folders:
        path = folder / file
        if path.is_symlink() and not path.exists():
            raise TemplateError(f"{path} is a link that leads nowhere: mend or delete it")
        if path.exists():
            _check_within(path, folder)
            return Source(f"{folder.name}/{file}", _decode(path, _content(path)))
    return None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror}") from error


def _check_within(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(f"{path} is a link out of {folder}: put a copy of the file there")


def _decode(path: Path, content: bytes) -> str:
    if len(content) > LARGEST:
        raise TemplateError(f"{path} is larger than {LARGEST:,} bytes: a mail of that size is clipped or refused")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{path}, line {line}: not UTF-8: save the file as UTF-8") from error
