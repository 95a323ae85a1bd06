"""Keeping the outbox: what dry runs wrote long ago is thrown away, and no file that they did not write."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from digest.delivery.outbox import PARTS

LETTERS = "letters"


def throw_away(outbox: Path, before: datetime) -> int:
    """Take out the folders of issues, and the letters, that were written before a time; returns how many. What else is there stays."""
    if not outbox.is_dir():
        return 0
    done = 0
    for folder in [one for one in outbox.iterdir() if one.is_dir()]:
        if folder.name == LETTERS:
            done += _letters(folder, before)
        elif _written_at(folder / "summary.json", before):
            _empty(folder)
            done += 1
        with suppress(OSError):  # something of somebody else's is in it
            folder.rmdir()
    return done


def _letters(folder: Path, before: datetime) -> int:
    old = [one for one in folder.glob("*.eml") if _written_at(one, before)]
    for one in old:
        one.unlink(missing_ok=True)
    return len(old)


def _empty(folder: Path) -> None:
    for part in PARTS:
        path = folder / part
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _written_at(path: Path, before: datetime) -> bool:
    """Whether it is there, and older."""
    try:
        return path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
    except OSError:
        return False
