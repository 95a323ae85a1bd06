"""Templates as an operator sees them: which there are and whence, what is wrong with them, and copies to edit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digest.app.wiring import App
from digest.errors import Refused, TemplateError, UsageError
from digest.rendering.checking import check_template
from digest.rendering.mistakes import Mistake, mistake_of_error, nearest
from digest.rendering.templates import load_template
from digest.shipped import shipped

PARTIALS = "partials"
_SUFFIXES = (".mjml", ".txt")


class Whence(StrEnum):
    """Where a file of a template comes from."""

    SHIPPED = "shipped"  # with Digest; the project has none
    COPIED = "copied"  # the project's, equal to the shipped one
    CHANGED = "changed"  # the project's, in place of the shipped one
    OWN = "own"  # the project's; none ships


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file, by its path within the folders of templates."""

    file: str
    whence: Whence


@dataclass(frozen=True, slots=True)
class Listed:
    """One template, or one partial: its files, and the newsletters that use it."""

    name: str
    files: tuple[TemplateFile, ...]
    newsletters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A template and what is wrong with it."""

    name: str
    mistakes: tuple[Mistake, ...]

    @property
    def errors(self) -> int:
        """How many of its mistakes are errors."""
        return sum(mistake.severity == "error" for mistake in self.mistakes)


def list_templates(app: App) -> list[Listed]:
    """Every template, by name, with the newsletters that are sent in it."""
    users = {name: tuple(n.slug for n in app.newsletters(None) if n.template == name) for name in _names(app, "")}
    return [Listed(name, _files(app, "", name), users[name]) for name in users]


def list_partials(app: App) -> list[Listed]:
    """Every partial, by name."""
    return [Listed(name, _files(app, PARTIALS, name)) for name in _names(app, PARTIALS)]


def check_templates(app: App, names: Sequence[str]) -> list[Checked]:
    """What is wrong with these templates, or with all of them; `UsageError` for a name that no template has."""
    known = _names(app, "")
    for name in names:
        if name not in known:
            raise UsageError(f"there is no template {name!r}: {_advice(name, known)}")
    return [Checked(name, tuple(_check(app, name))) for name in names or known]


def copy_template(app: App, name: str | None, partial: str | None, to: Path | None, *, force: bool) -> list[Path]:
    """Copy a shipped template, or a shipped partial, into the project's templates, and return what was written.

    A file that is there already is `Refused`, and then nothing is copied, unless `force` says to write over it.
    """
    if (name is None) == (partial is None):
        raise UsageError("what is to be copied? Either the NAME of a template, or --partial with the name of a partial")
    folder, stem = ("", name or "") if partial is None else (PARTIALS, partial.rpartition(".")[0] or partial)
    sources = [file for suffix in _SUFFIXES if (file := shipped("templates") / folder / f"{stem}{suffix}").is_file()]
    if not sources or Path(stem).name != stem:
        known = sorted({file.stem for file in _in(shipped("templates") / folder)})
        what = "template" if partial is None else "partial"
        raise UsageError(f"no {what} {stem!r} is shipped: {_advice(stem, known)}")
    target = (to or app.template_folders[0]) / folder
    copies = [(source, target / source.name) for source in sources]
    for _, file in copies:
        if (file.exists() or file.is_symlink()) and not force:
            raise Refused(f"{file} is there already, so nothing was copied: --force writes over it")
    for source, file in copies:
        _write(file, source.read_bytes())
    return [file for _, file in copies]


def _advice(name: str, known: Sequence[str]) -> str:
    return nearest(name, known) or f"there are {', '.join(known) or 'none'}"


def _check(app: App, name: str) -> list[Mistake]:
    try:
        return check_template(load_template(name, app.template_folders))
    except TemplateError as error:
        return [mistake_of_error(f"{app.template_folders[0].name}/{name}.mjml", str(error))]


def _names(app: App, folder: str) -> list[str]:
    return sorted({file.stem for root in app.template_folders for file in _in(root / folder)})


def _in(folder: Path) -> Iterator[Path]:
    """The files of templates that a folder holds; a draft or a hidden file is none."""
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.name[0] != "." and file.is_file())


def _files(app: App, folder: str, name: str) -> tuple[TemplateFile, ...]:
    files = []
    for suffix in _SUFFIXES:
        path = Path(folder) / f"{name}{suffix}"
        own, ships = app.template_folders[0] / path, shipped("templates") / path
        if own.is_file() or ships.is_file():
            files.append(TemplateFile(path.as_posix(), _whence(own, ships)))
    return tuple(files)


def _whence(own: Path, ships: Path) -> Whence:
    if not own.is_file():
        return Whence.SHIPPED
    if not ships.is_file():
        return Whence.OWN
    return Whence.COPIED if own.read_bytes() == ships.read_bytes() else Whence.CHANGED


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise UsageError(f"{file}: cannot be written: {error.strerror}; mend it and run the same again") from None
