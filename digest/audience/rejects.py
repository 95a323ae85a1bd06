"""Rejects: the bad rows of an import as a CSV file: line, reason, and the row as it was."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from digest.audience.cells import defuse
from digest.errors import UsageError

COLUMNS = ("line", "reason", "row")


class Rejects:
    """Writes bad rows; the file is there from the first of them on, for its owner alone, since it names people."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.many = 0
        self._stream: TextIO | None = None
        self._writer: Any = None

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """One bad row. A cell that a spreadsheet would run is defused, as in an export."""
        if self._stream is None:
            self._stream = self._opened()
            self._writer = csv.writer(self._stream, lineterminator="\n")
            self._writer.writerow(COLUMNS)
        where = f"{file}:{line}" if file else str(line)
        self._writer.writerow((where, reason, defuse(row.rstrip("\n"))))
        self.many += 1

    def close(self) -> None:
        """Whatever was added is in the file."""
        if self._stream is not None:
            self._stream.close()

    def _opened(self) -> TextIO:
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(
                f"{self.path}: bad rows cannot be written there: {error.strerror}; name another file with --rejects"
            ) from None
        return os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="")


@contextmanager
def rejecting(path: Path, of: Path, *, wanted: bool = True) -> Iterator[Rejects]:
    """A place for the bad rows of a file; what is there from an earlier import is not touched before there is a bad row.

    A `UsageError` says at once where that is no place, when it is wanted at all.
    """
    if wanted and path.resolve() == of.resolve():
        raise UsageError(f"--rejects: {path} is the file that is read; name another")
    if wanted and of.exists() and not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path}: bad rows cannot be written there; name another file with --rejects")
    rejects = Rejects(path)
    try:
        yield rejects
    finally:
        rejects.close()
