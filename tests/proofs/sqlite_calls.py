"""SQLite's own calls of the operating system, each of which can be made to fail.

SQLite lets its system calls be replaced one by one, for tests like ours (`xSetSystemCall`, https://sqlite.org/c3ref/vfs.html).
So what fails is the call itself, beneath the real library: it sees `errno`, and does what it does on a disk that is full.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable
from typing import Any

_INT, _VOID, _TEXT, _LONG = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ssize_t
# What each returns, and what it takes.
CALLS: dict[str, tuple[Any, ...]] = {
    "open": (_INT, _TEXT, _INT, _INT),
    "pread": (_LONG, _INT, _VOID, ctypes.c_size_t, ctypes.c_int64),
    "pread64": (_LONG, _INT, _VOID, ctypes.c_size_t, ctypes.c_int64),
    "pwrite": (_LONG, _INT, _VOID, ctypes.c_size_t, ctypes.c_int64),
    "pwrite64": (_LONG, _INT, _VOID, ctypes.c_size_t, ctypes.c_int64),
    "ftruncate": (_INT, _INT, ctypes.c_int64),
}
_kept: list[Any] = []  # what C calls must not be collected


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, as far as we look."""

    _fields_ = (
        ("iVersion", _INT),
        ("szOsFile", _INT),
        ("mxPathname", _INT),
        ("pNext", _VOID),
        ("zName", _TEXT),
        ("pAppData", _VOID),
        *((f"method_{number}", _VOID) for number in range(13)),
        ("xSetSystemCall", ctypes.CFUNCTYPE(_INT, _VOID, _TEXT, _VOID)),
        ("xGetSystemCall", ctypes.CFUNCTYPE(_VOID, _VOID, _TEXT)),
    )


def wrap_calls(passing: Callable[[str], int]) -> None:
    """Ask `passing` before each call: zero lets it go on, anything else is the `errno` it fails with."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    for name, signature in CALLS.items():
        there = vfs.contents.xGetSystemCall(vfs, name.encode())
        if not there:
            continue  # one of the two spellings with which this machine reads and writes
        kind = ctypes.CFUNCTYPE(*signature, use_errno=True)
        call = kind(_failing(name.removesuffix("64"), kind(there), passing))
        _kept.append(call)
        assert vfs.contents.xSetSystemCall(vfs, name.encode(), ctypes.cast(call, _VOID)) == 0, name


def _failing(name: str, original: Callable[..., int], passing: Callable[[str], int]) -> Callable[..., int]:
    def call(*arguments: Any) -> int:
        error = passing(f"sqlite.{name}")
        if error:
            ctypes.set_errno(error)
            return -1
        return original(*arguments)

    return call
