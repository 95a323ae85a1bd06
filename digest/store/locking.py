"""The run lock: at most one process of a host sends from one database; the kernel frees it when that process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.errors import Busy, Unreachable


@contextmanager
def run_lock(database: Path) -> Iterator[None]:
    """Hold the lock beside `database`, or raise `Busy` at once: whoever holds it knows that every other sender is dead."""
    path = database.with_name(database.name + ".lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Unreachable(f"the lock {path} cannot be opened: {error.strerror}; check the folder's owner and mode") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("another `digest run` or `digest send` works on this database just now; nothing to do here") from None
        yield
    finally:
        os.close(handle)
