"""Text files as people and spreadsheets save them: UTF-8, UTF-16 or Windows-1252, plain or in a ZIP, read in little memory.

Nothing of a ZIP is written to disk, and no more of it is unpacked than text can come to.
"""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from digest.errors import UsageError

LONGEST_LINE = 65_536
"""A line longer than this many characters is not read."""

MOST_FILES = 10_000
"""A ZIP with more files than this is refused; Substack's has three for every post."""

_UNPACKED_ANYWAY, _UNPACKED_TIMES = 16 << 20, 250  # bytes; text has been seen to shrink to a hundredth
_BLOCK = 1 << 20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
_TABLES = (".csv", ".tsv", ".txt")
_NOT_TEXT = {
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; save it as CSV UTF-8",
    b"%PDF": "is a PDF; export CSV",
}


@dataclass(slots=True)
class Progress:
    """How many bytes of a file, as it lies on the disk or packed, are read of how many; `size` is 0 where nobody knows."""

    size: int
    read: int = 0


@dataclass(slots=True)
class TextFile:
    """One file of text: its name, its encoding as a person calls it, and its lines, which can be read once.

    `guessed` says that the encoding is a guess, `packed` that it came out of a ZIP. Bytes that do not belong to the encoding
    come as lone surrogates.
    """

    name: str
    encoding: str
    guessed: bool
    lines: Iterator[str]
    progress: Progress = field(default_factory=lambda: Progress(0))
    packed: bool = False


@contextmanager
def reading_files(path: Path) -> Iterator[Iterator[TextFile]]:
    """The text of a file, or of each table in a ZIP, in turn. A `UsageError` says why it cannot be read."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    with stream:
        yield _files(path, stream)


@contextmanager
def reading_lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of one file that is no ZIP."""
    with reading_files(path) as files:
        yield next(files).lines


def _files(path: Path, stream: IO[bytes]) -> Iterator[TextFile]:
    if not stream.seekable():  # a pipe: there is no looking at it twice
        with io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline=None) as text:
            yield TextFile(path.name, "UTF-8", False, _lines(text))
        return
    start = stream.read(8)
    stream.seek(0)
    if start[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        yield from _unpacked(path, stream)
        return
    for magic, advice in _NOT_TEXT.items():
        if start.startswith(magic):
            raise UsageError(f"{path}: {advice}")
    progress = Progress(path.stat().st_size)

    def opened() -> IO[bytes]:
        stream.seek(0)
        progress.read = 0
        return io.BufferedReader(_Counted(stream, progress, name=str(path)), _BLOCK)

    yield _text(path.name, opened, progress)


def _unpacked(path: Path, stream: IO[bytes]) -> Iterator[TextFile]:
    with _archive(path, stream) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if any(entry.filename == "[Content_Types].xml" for entry in entries):
            raise UsageError(f"{path}: is an Excel workbook; save it as CSV UTF-8")
        if len(entries) > MOST_FILES:
            raise UsageError(f"{path}: the ZIP has {len(entries):,} files, and at most {MOST_FILES:,} are looked at; unpack it")
        if sum(entry.compress_size for entry in entries) > path.stat().st_size:
            raise UsageError(f"{path}: the files in the ZIP lie one in another: that is no export")
        tables = [entry for entry in entries if entry.filename.lower().endswith(_TABLES) and "__MACOSX/" not in entry.filename]
        if not tables:
            raise UsageError(f"{path}: there is no CSV file in the ZIP")
        progress = Progress(sum(entry.file_size for entry in tables))
        for entry in tables:
            name, before = entry.filename.rpartition("/")[2], progress.read

            def opened(entry: zipfile.ZipInfo = entry, before: int = before, name: str = name) -> IO[bytes]:
                most = _UNPACKED_ANYWAY + _UNPACKED_TIMES * entry.compress_size
                progress.read = before
                return io.BufferedReader(
                    _Counted(_entry(path, archive, entry), progress, before + most, f"{path}: {name}"), _BLOCK
                )

            file = _text(name, opened, progress)
            file.packed = True
            yield file


def _archive(path: Path, stream: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except _DAMAGED as error:
        raise UsageError(f"{path}: the ZIP cannot be read: {error}") from None


def _entry(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(entry)
    except (*_DAMAGED, NotImplementedError, RuntimeError) as error:  # another way of packing, or a password
        raise UsageError(
            f"{path}: {entry.filename}: cannot be unpacked: {error}; unpack it yourself and give the files in it"
        ) from None


def _text(name: str, opened: Callable[[], IO[bytes]], progress: Progress) -> TextFile:
    with_codec, told, guessed = _encoding(opened())
    errors = "replace" if with_codec.startswith("utf-16") else "surrogateescape"
    # A lone CR ends a line as well: some spreadsheets still write it.
    return TextFile(name, told, guessed, _lines(io.TextIOWrapper(opened(), with_codec, errors, newline=None)), progress)


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith("\n"):
            line = stream.readline(LONGEST_LINE + 1)


class _Counted(io.RawIOBase):
    """Bytes, counted while they are read, and not more than a bound of them."""

    def __init__(self, stream: IO[bytes], progress: Progress, most: int | None = None, name: str = "") -> None:
        self._stream, self._progress, self._most, self._name = stream, progress, most, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # a bytearray is all it is given
        try:
            block = self._stream.read(len(buffer))
        except _DAMAGED as error:
            raise UsageError(f"{self._name}: is damaged after {self._progress.read:,} bytes: {error}") from None
        buffer[: len(block)] = block
        self._progress.read += len(block)
        if self._most is not None and self._progress.read > self._most:
            raise UsageError(f"{self._name}: unpacks to far more than text does; unpack it yourself if you trust it")
        return len(block)


def _encoding(stream: IO[bytes]) -> tuple[str, str, bool]:
    """The codec of a stream that is read for this, what people call it, and whether that is a guess."""
    start = stream.read(_BLOCK)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "UTF-8", False
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "UTF-16", False
    for codec, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(start) > 8 and not any(start[place:64:2]) and all(start[1 - place : 64 : 2]):
            return codec, "UTF-16", True
    if _is_windows(start, stream):
        return "cp1252", "Windows-1252 (Latin-1)", True
    return "utf-8", "UTF-8", False


def _is_windows(block: bytes, stream: IO[bytes]) -> bool:
    """Whether most lines that are more than ASCII are not UTF-8, and the others are still text."""
    theirs = ours = 0
    while block:
        rest = stream.readline(LONGEST_LINE)
        if not (block.isascii() and rest.isascii()):
            for line in (block + rest).splitlines():
                if not line.isascii():
                    good = _is_utf8(line)
                    ours, theirs = ours + good, theirs + (not good and b"\0" not in line)
        block = stream.read(_BLOCK)
    return theirs > ours


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
