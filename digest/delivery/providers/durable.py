"""A file that is there whole or not at all, whatever happens, and stays when the power goes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def make_folder(folder: Path) -> None:
    """A folder for its owner alone, for mails are personal; made to last, as all above it that had to be made."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settle([one.parent for one in missing])


def write_whole(content: bytes, beside: Path, path: Path) -> None:
    """Put `content` at `path`; it is written at `beside` first, on the same disk. An `OSError` leaves nothing at `path`.

    The name is only sure to last once its folder is `settle`d.
    """
    try:
        with open(beside, "wb", opener=_for_the_owner) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def settle(folders: Iterable[Path]) -> None:
    """Make sure that the names in these folders last."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
