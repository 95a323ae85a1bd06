"""The send epoch: how a database that was restored or copied is told from the one that sends.

A token is kept in the database and in a second place, a small file; every send changes both. A database from before a
send has an old token, and a file that was copied knows it: it names its own inode and machine. Where the two places do
not agree nothing is sent until a person says that this database is the one that sends. Where several machines share the
file, it is known by its inode alone.

An advance writes the file (old token and next one), then the database, then the file again (the next one alone), and only
then is anything sent. So a death between two writes leaves places that agree. No token comes twice: who reads the file, the
database and again the same file has seen both as they were at one moment. Advances of several workers wait for one another.

What `digest restore` puts in place has a token that no file ever has: there a person is asked also where there is no second place.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, delete, exists, func, insert, literal_column, select

from digest.errors import Busy, Refused, Unreachable
from digest.store.database import Store
from digest.store.locking import epoch_lock
from digest.store.tables import send_epoch

_MACHINE = Path("/etc/machine-id")
_RESTORED = "restored-"
_LOOKS = 20  # each but the last one means that the file was replaced meanwhile
_CONFIRM = "if this database is the one that sends, say so with `digest doctor --confirm-epoch`"
AFTER_RESTORE = f"this database was restored from a backup, and what went out after that is not in it; {_CONFIRM}"
IS_RESTORED = exists().where(func.substr(send_epoch.c.token, 1, len(_RESTORED)) == literal_column(f"'{_RESTORED}'"))
"""Whether a person has still to confirm this database, for a statement that asks more besides."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the file says. `next` is set while an advance is under way; `token` is None before the first one."""

    token: str | None
    next: str | None
    inode: int
    machine: str


@dataclass(frozen=True, slots=True)
class SendEpoch:
    """The two places; without `file` there is no second one, knowingly, and everything agrees. Where it is `shared` it may have
    been written by another machine."""

    store: Store
    file: Path | None
    shared: bool = False

    def obstacle(self) -> str | None:
        """Why nothing may be sent from this database, and what to do; None when the places agree."""
        file, seen = self.file, self._look()
        for _ in range(_LOOKS):
            stored, again = self._stored(), self._look()
            if again == seen:
                break
            seen = again  # it was replaced while we looked
        if _is_restored(stored):
            return AFTER_RESTORE
        return None if file is None else _obstacle(stored, seen, file, shared=self.shared)

    def advance(self) -> None:
        """Make every copy of the database and of the file an old one; `Refused` where the two do not agree."""
        with self._by_itself():
            wrong = self.obstacle()
            if wrong is not None:
                raise Refused(wrong)
            self._step()

    def confirm(self) -> None:
        """A person's word: whatever stood there, from now on the two places agree."""
        with self._by_itself():
            self._step()

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        """Nobody else changes the two places; on SQLite nobody can, since who does holds the run lock."""
        if self.store.path is not None:
            yield
            return
        with self.store.apart() as session, epoch_lock(session):
            yield

    def _step(self) -> None:
        before, after = self._stored(), secrets.token_hex(16)
        if self.file is None:
            if _is_restored(before):
                with self.store.writing() as connection:
                    forget(connection)
            return
        _write(self.file, before, after)
        with self.store.writing() as connection:
            if _token(connection) != before:
                raise Busy(f"another process changed the send epoch {self.file} at the same moment; run again")
            connection.execute(delete(send_epoch))
            connection.execute(insert(send_epoch).values(id=1, token=after, at=datetime.now(UTC)))
        _write(self.file, after, None)

    def _look(self) -> _Seen | None:
        """The file as it is just now, by one handle; None where there is none."""
        if self.file is None:
            return None
        try:
            with self.file.open("rb") as handle:
                return _Seen(handle.read(), os.fstat(handle.fileno()).st_ino)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.file, error) from error

    def _stored(self) -> str | None:
        with self.store.reading() as connection:
            return _token(connection)


@dataclass(frozen=True, slots=True)
class _Seen:
    text: bytes
    inode: int


def _obstacle(stored: str | None, seen: _Seen | None, file: Path, *, shared: bool) -> str | None:
    if seen is None:
        return disagreement(stored, None, file)
    record = parse(seen.text)
    if record is None:
        return f"the send epoch {file} is damaged; {_CONFIRM}"
    try:
        elsewhere = not shared and record.machine != this_machine()
    except OSError as error:
        raise _unreadable(file, error) from error
    if elsewhere or record.inode != seen.inode:
        return f"the send epoch {file} is a copy, made in another place or on another machine; {_CONFIRM}"
    return disagreement(stored, record, file)


def _unreadable(file: Path, error: OSError) -> Unreachable:
    return Unreachable(f"the send epoch {file} cannot be read: {error.strerror}; check its owner and mode")


def _token(connection: Connection) -> str | None:
    return connection.execute(select(send_epoch.c.token)).scalar_one_or_none()


def mark_restored(connection: Connection) -> None:
    """From now on a person is asked before anything is sent from this database."""
    forget(connection)
    token = _RESTORED + secrets.token_hex(11)
    connection.execute(insert(send_epoch).values(id=1, token=token, at=datetime.now(UTC)))


def forget(connection: Connection) -> None:
    """As if nothing had ever been sent from this database: for where nothing can be, as in a dry run."""
    connection.execute(delete(send_epoch))


def _is_restored(stored: str | None) -> bool:
    return stored is not None and stored.startswith(_RESTORED)


def disagreement(stored: str | None, record: Record | None, file: Path) -> str | None:
    """What is wrong between the database's token and the file's record; None when they agree."""
    if record is None:
        if stored is None:
            return None  # nothing was ever sent
        return f"this database has sent before, and its send epoch {file} is missing; {_CONFIRM}"
    if stored == record.token or (stored is not None and stored == record.next):
        return None
    return f"this database is not the one that sent last: it was restored, copied or made anew ({file} differs); {_CONFIRM}"


def parse(text: bytes) -> Record | None:
    """The record of a file; None for anything that is none."""
    try:
        data: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    kinds: dict[str, Any] = {"token": (str, type(None)), "next": (str, type(None)), "inode": int, "machine": str}
    if not isinstance(data, dict) or data.keys() != kinds.keys():
        return None
    return Record(**data) if all(isinstance(data[name], kind) for name, kind in kinds.items()) else None


def this_machine() -> str:
    """This machine, opaque; empty where it has no id. `OSError` where that cannot be read just now."""
    try:
        name = _MACHINE.read_bytes().strip()
    except (FileNotFoundError, PermissionError):
        return ""
    return hashlib.sha256(b"digest send epoch|" + name).hexdigest()[:32] if name else ""


def _write(file: Path, token: str | None, following: str | None) -> None:
    """Replace the file as a whole, durably."""
    fresh = file.with_name(file.name + ".new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            record = Record(token, following, os.fstat(handle).st_ino, this_machine())
            os.write(handle, orjson.dumps(asdict(record)) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        fresh.replace(file)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Unreachable(
            f"the send epoch {file} cannot be written: {error.strerror}; check the folder, or set database.epoch"
        ) from error
