"""Catalogues: the translations of our own words, as gettext's `.po` files; those that ship, and a project's own.

They are read as they are, once in a process: there is nothing to build, and so nothing to forget.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from io import StringIO
from pathlib import Path
from typing import Any

from digest.errors import TemplateError
from digest.languages.locales import locale_of

ENGLISH = "en"
"""The language that the words are written in, and that they fall back to."""

_SHIPPED = Path(__file__).parent
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_PLACEHOLDER = re.compile(r"%%|%\((\w+)\)s")
_LINE = re.compile(r'(#.*)?|((msgctxt|msgid|msgid_plural|msgstr(\[\d\])?)\s+)?"([^"\\]|\\.)*"')
_LARGEST = 1_000_000
_TRIED = 1001  # numbers that a plural rule is tried on; the rules of real languages look at two digits


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """One `.po` file of a language; `file` is how messages name it."""

    language: str
    file: str
    text: str


@cache
def shipped_catalogues() -> tuple[CatalogueFile, ...]:
    """Those that ship with Digest."""
    return tuple(_read(path, path.name) for path in sorted(_SHIPPED.glob("*.po")))


def read_catalogues(folders: Sequence[Path]) -> tuple[CatalogueFile, ...]:
    """A project's own, `languages/TAG.po` in its folders of templates, those that win first; none of them is looked into yet."""
    found = (path for folder in folders for path in sorted((folder / "languages").glob("*.po")))
    return tuple(_read(path, f"{path.parent.parent.name}/languages/{path.name}") for path in found)


def languages_with_words(own: Sequence[CatalogueFile] = ()) -> tuple[str, ...]:
    """The languages that mails can be written in: English, what ships, and what a project brings."""
    return tuple(sorted({ENGLISH, *(one.language for one in (*own, *shipped_catalogues()))}))


def catalogues_for(language: str, own: Sequence[CatalogueFile]) -> Iterator[CatalogueFile]:
    """Where the words of a language are looked for, one after the other: `pt-BR`, then `pt`; a project's own before ours."""
    parts = language.casefold().split("-")
    for length in range(len(parts), 0, -1):
        tag = "-".join(parts[:length])
        yield from (one for one in (*own, *shipped_catalogues()) if one.language.casefold() == tag)


@cache
def parse(catalogue: CatalogueFile) -> Any:
    """Babel's catalogue of a file; a TemplateError that names file and line when it is broken or a placeholder is."""
    from babel.messages.pofile import PoFileError, read_po

    for number, line in enumerate(catalogue.text.splitlines(), start=1):  # Babel passes over a quote that is not closed
        if not _LINE.fullmatch(line.strip()):
            raise TemplateError(f'{catalogue.file}, line {number}: write msgid or msgstr and a text in "…", or begin with #')
    try:
        parsed = read_po(
            StringIO(catalogue.text), locale=str(locale_of(catalogue.language)), ignore_obsolete=True, abort_invalid=True
        )
    except (PoFileError, ValueError, TypeError, LookupError, AttributeError) as error:
        at = error.lineno + 1 if isinstance(error, PoFileError) else 1
        raise TemplateError(f"{catalogue.file}, line {at}: it is no gettext catalogue: {error}") from error
    parsed.charset = "utf-8"  # as it was read, whatever its header says
    _check_plural_forms(catalogue, parsed)
    for message in parsed:
        if message.id:
            _check_placeholders(catalogue, message)
    return parsed


def _check_plural_forms(catalogue: CatalogueFile, parsed: Any) -> None:
    """A rule that finds one of the forms there are for every number; gettext looks at it only when a mail is rendered."""
    lines = catalogue.text.splitlines()
    at = next((number for number, line in enumerate(lines, start=1) if "Plural-Forms" in line), 1)
    try:
        rule = c2py(parsed.plural_expr)
        lost = next((number for number in range(_TRIED) if not 0 <= rule(number) < parsed.num_plurals), None)
    except (ValueError, ArithmeticError) as error:
        raise TemplateError(
            f"{catalogue.file}, line {at}: Plural-Forms: {error}; without it the language's usual rule holds"
        ) from error
    if lost is not None:
        what = f"for {lost} it names form {rule(lost)}, and there are {parsed.num_plurals}, the first of them 0"
        raise TemplateError(f"{catalogue.file}, line {at}: Plural-Forms: {what}")


def placeholders(text: str) -> frozenset[str]:
    """The names that stand in a message for a value; a ValueError says what else begins with a percent sign."""
    if "%" in _PLACEHOLDER.sub("", text):
        raise ValueError("write a value as %(name)s, and a percent sign as %%")
    return frozenset(_PLACEHOLDER.findall(text)) - {""}


def _check_placeholders(catalogue: CatalogueFile, message: Any) -> None:
    """The same in a translation as in English; but a plural form may say its number in words."""
    known = frozenset().union(*(placeholders(text) for text in _forms(message.id)))
    for text in _forms(message.string):
        try:
            found = placeholders(text) if text else known
        except ValueError as error:
            raise _error(catalogue, message, str(error)) from None
        missing = known - found - ({"num"} if message.pluralizable else set())
        if found - known or missing:
            wanted = ", ".join(f"%({name})s" for name in sorted(known)) or "none"
            raise _error(catalogue, message, f"a translation has the placeholders of the English, which has {wanted}")


def _forms(texts: str | Sequence[str]) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _error(catalogue: CatalogueFile, message: Any, what: str) -> TemplateError:
    return TemplateError(f"{catalogue.file}, line {message.lineno}: {_forms(message.id)[0]!r}: {what}")


def _read(path: Path, name: str) -> CatalogueFile:
    if not _TAG.fullmatch(path.stem):
        raise TemplateError(f"{name}: a catalogue is called by its language, such as de.po or pt-BR.po")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{name} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise TemplateError(f"{name} is larger than {_LARGEST:,} bytes, which no catalogue of Digest's words is")
    try:
        return CatalogueFile(path.stem, name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{name}, line {line}: not UTF-8: save the file as UTF-8") from error
