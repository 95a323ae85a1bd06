"""Calls of our own that can be made to fail: `DIGEST_FAULT=NAME:NTH:HOW`, in a child of the zygote alone.

The product knows nothing of them: arming wraps what stands beneath it. `DIGEST_FAULT_COUNTS=FILE` lets nothing fail and
writes down how often each was called.

- `socket.create`, `socket.connect`, `socket.send`, `socket.recv`: HOW is the name of an `errno`; of what is sent, half
  leaves before.
- `sqlite.open`, `sqlite.pread`, `sqlite.pwrite`, `sqlite.ftruncate`: the same, beneath SQLite itself.
- `file.rename`, `file.fsync`, `file.unlink`: Python's own, of files; `copy`: psycopg's COPY. HOW is `KILL`, which every call knows: the
  process is killed just before it.
- `commit`: the store's; HOW is `kept` or `lost`, and either way the database says that it failed.
- `clock`: from the NTH reading on, the wall clock is an hour back.

Beside them there are limits of the real kernel (`DIGEST_NOFILE`, `DIGEST_FSIZE`) and spans cut short for a test, in
seconds (`DIGEST_BUSY_SECONDS`, `DIGEST_LEASE_SECONDS`, `DIGEST_STILL_SECONDS`).
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, MutableMapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from sqlalchemy.engine.default import DefaultDialect

from tests.proofs.sqlite_calls import wrap_calls

_SPANS: dict[str, tuple[str, ...]] = {
    "DIGEST_BUSY_SECONDS": ("_BUSY_SECONDS", "_PATIENCE_SECONDS"),
    "DIGEST_LEASE_SECONDS": ("CLAIM_LEASE",),
    "DIGEST_STILL_SECONDS": ("_STILL_SECONDS",),
}
_LIMITS = {"DIGEST_NOFILE": resource.RLIMIT_NOFILE, "DIGEST_FSIZE": resource.RLIMIT_FSIZE}


class _Armed:
    """Counts every call, and says of one how it fails."""

    def __init__(self, fault: str | None) -> None:
        self.name, nth, self.how = (fault or "::").split(":")
        self._nth = int(nth or 0)
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def fails(self, name: str) -> bool:
        with self._lock:
            self.counts[name] += 1
            meant = name == self.name and self.counts[name] == self._nth
        if meant and self.how == "KILL":
            os.kill(os.getpid(), signal.SIGKILL)
        return meant

    def failure(self) -> OSError:
        """What a call that fails raises."""
        number = int(getattr(errno, self.how))
        return OSError(number, os.strerror(number))

    def error(self, name: str) -> int:
        """The `errno` of this call; zero: it goes on."""
        return int(getattr(errno, self.how)) if self.fails(name) else 0

    def is_past(self, name: str) -> bool:
        """Whether the call that was named is over or happens now."""
        with self._lock:
            self.counts[name] += 1
            return name == self.name and self.counts[name] >= self._nth


def arm(environment: MutableMapping[str, str]) -> None:
    """Take what is meant for us out of the environment, and arm it."""
    fault, counts = environment.pop("DIGEST_FAULT", None), environment.pop("DIGEST_FAULT_COUNTS", None)
    for variable, names in _SPANS.items():
        if variable in environment:
            _shorten(names, float(environment.pop(variable)))
    if fault is not None or counts is not None:
        armed = _Armed(fault)
        if counts is not None:
            _write_at_exit(armed, Path(counts))
        _wrap_sockets(armed)
        _wrap_commits(armed)
        _wrap_files(armed)
        _wrap_copies(armed)
        _wrap_clocks(armed)
        if armed.name.startswith("sqlite") or counts is not None:
            wrap_calls(armed.error)
    for variable, limit in _LIMITS.items():
        if variable in environment:
            resource.setrlimit(limit, (int(environment.pop(variable)), resource.getrlimit(limit)[1]))


def _write_at_exit(armed: _Armed, path: Path) -> None:
    real_exit = os._exit

    def leave(code: int) -> None:
        path.write_text(json.dumps(armed.counts), encoding="utf-8")
        real_exit(code)

    os._exit = leave  # type: ignore[assignment] # the child ends by this alone


def _shorten(names: tuple[str, ...], seconds: float) -> None:
    for name in names:
        for module in _ours():
            if hasattr(module, name):
                was = getattr(module, name)
                setattr(module, name, timedelta(seconds=seconds) if isinstance(was, timedelta) else seconds)


def _ours() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.startswith("digest.")]


class _Socket(socket.socket):
    """A socket whose calls can fail."""

    armed: ClassVar[_Armed]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._check("socket.create")
        super().__init__(*arguments, **named)

    def connect(self, address: Any) -> None:
        self._check("socket.connect")
        super().connect(address)

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.armed.fails("socket.send"):
            super().sendall(bytes(data)[: len(data) // 2], flags)
            raise self.armed.failure()
        super().sendall(data, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        self._check("socket.send")
        return super().send(data, flags)

    def sendmsg(self, *arguments: Any) -> int:
        self._check("socket.send")
        return super().sendmsg(*arguments)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if not flags and size > 1:  # one byte is only a look
            self._check("socket.recv")
        return super().recv(size, flags)

    def recv_into(self, *arguments: Any) -> int:
        self._check("socket.recv")
        return super().recv_into(*arguments)

    def _check(self, name: str) -> None:
        if self.armed.fails(name):
            raise self.armed.failure()


def _wrap_sockets(armed: _Armed) -> None:
    _Socket.armed = armed
    socket.socket = _Socket  # type: ignore[misc] # in this process, every socket is one of these


def _wrap_commits(armed: _Armed) -> None:
    original: Callable[[Any, Any], None] = DefaultDialect.do_commit

    def do_commit(self: Any, connection: Any) -> None:
        if not armed.fails("commit"):
            original(self, connection)
            return
        if armed.how == "kept":
            original(self, connection)
        else:
            connection.rollback()
        raise self.dbapi.OperationalError("disk I/O error")

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign] # of every store of this process


def _wrap_files(armed: _Armed) -> None:
    for name in ("rename", "fsync", "unlink"):
        setattr(os, name, _counted(armed, f"file.{name}", getattr(os, name)))


def _wrap_copies(armed: _Armed) -> None:
    psycopg.Cursor.copy = _counted(armed, "copy", psycopg.Cursor.copy)  # type: ignore[method-assign] # of every store of this process


def _counted(armed: _Armed, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        if armed.fails(name):
            raise armed.failure()
        return original(*arguments, **named)

    return call


def _wrap_clocks(armed: _Armed) -> None:
    class Kind(type(datetime)):  # type: ignore[misc] # a class that every datetime is an instance of
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Clock(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            back = timedelta(hours=1) if armed.is_past("clock") else timedelta(0)
            return datetime.now(tz) - back

        @classmethod
        def __get_pydantic_core_schema__(cls, _: Any, handler: Callable[[Any], Any]) -> Any:
            return handler(datetime)

    for module in _ours():
        if getattr(module, "datetime", None) is datetime:
            module.datetime = Clock
