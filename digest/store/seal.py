"""The seal: the end of every backup, which says what it holds, and by which it is known that nothing is missing or altered.

A backup is an SQLite database, as it is, and behind it one block of 4,096 bytes that SQLite never looks at: a line that names the
format, one of JSON, and the SHA-256 of everything before. It tells of accidents; who alters a backup on purpose can seal it anew.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import orjson

from digest.errors import UsageError

_FORMAT = b"digest backup 1\n"
_BLOCK = 4096
_DIGEST = 64  # in hexadecimal
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seal:
    """What a backup says of itself: when it was made, by which version, of which revision and kind of database; how many people and
    issues it holds; and the id of the key that the project's secret made then."""

    made_at: str
    version: str
    revision: str
    kind: str
    subscribers: int
    issues: int
    key_id: str

    @classmethod
    def read(cls, text: bytes) -> Self:
        """From its JSON; `ValueError` for anything else."""
        data: Any = orjson.loads(text)
        kinds = {name: int if name in {"subscribers", "issues"} else str for name in cls.__slots__}
        if not isinstance(data, dict) or data.keys() != kinds.keys():
            raise ValueError("other keys")
        if not all(type(data[name]) is kind for name, kind in kinds.items()):
            raise ValueError("other kinds")
        datetime.fromisoformat(data["made_at"])
        return cls(**data)


def seal(file: Path, what: Seal) -> None:
    """Write the seal behind a database, durably."""
    head = _FORMAT + orjson.dumps(asdict(what)) + b"\n"
    block = head.ljust(_BLOCK - _DIGEST)
    with file.open("r+b") as handle:
        digest = hashlib.file_digest(handle, "sha256")
        digest.update(block)
        handle.seek(0, os.SEEK_END)
        handle.write(block + digest.hexdigest().encode())
        handle.flush()
        os.fsync(handle.fileno())


def unseal(file: Path, database: Path) -> Seal:
    """Write what a backup holds into a file of its own, looking at every byte on the way; `UsageError` where something is wrong with it."""
    try:
        with file.open("rb") as handle, database.open("wb") as into:
            return _unseal(handle, into, file)
    except IsADirectoryError:
        raise UsageError(f"{file}: is a folder; name the backup in it") from None
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no such file") from None
    except PermissionError:
        raise UsageError(f"{file}: may not be read; check its owner and mode") from None


def _unseal(handle: Any, into: Any, file: Path) -> Seal:
    left = handle.seek(0, os.SEEK_END) - _BLOCK
    if left < 0:
        raise UsageError(f"{file}: {_NO_SEAL}")
    handle.seek(left)
    block = handle.read(_BLOCK)
    if not block.startswith(_FORMAT):
        raise UsageError(f"{file}: {_NO_SEAL}")
    handle.seek(0)
    digest = hashlib.sha256()
    while left and (piece := handle.read(min(_PIECE, left))):
        digest.update(piece)
        into.write(piece)
        left -= len(piece)
    digest.update(block[:-_DIGEST])
    if digest.hexdigest().encode() != block[-_DIGEST:]:
        raise UsageError(f"{file}: it was altered or damaged since it was made: its checksum is another; take another backup")
    try:
        return Seal.read(block[len(_FORMAT) : -_DIGEST])
    except (ValueError, TypeError):
        raise UsageError(f"{file}: its seal cannot be read; a newer Digest may have made it") from None


_NO_SEAL = "is no backup that `digest backup` made, or its end is missing; copy it again, or take another one"
