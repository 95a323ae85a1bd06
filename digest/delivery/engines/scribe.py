"""The scribe: a process of its own in which requests are written, so that the one that keeps the ledger need not.

The interpreter runs one thread at a time, and of what a request of many readers takes, most is to write it. The scribe is told
whom a request is for and writes its body; it opens no connection, reads no database, and what it is not asked it does not do.
When it dies, hangs or says anything that was not asked, it is ended, and the lanes write for themselves as they do without one.
"""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from digest.delivery.engines.scribe_frame import FRAME
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.recipient import Recipient
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition

WriteWhole = Callable[[Rendition, Sequence[Envelope]], bytes | None]
"""Writes the one request that carries all envelopes; None where it takes several, or somebody cannot be carried. A module's function."""

_log = logging.getLogger("digest.delivery")
_PATIENCE = 20.0  # seconds: less than what is left of a batch's time when it is marked
_HERE = str(Path(__file__).parents[3])
_BEGIN = """
import sys
if {here!r} not in sys.path:  # this very Digest, wherever it was started from
    sys.path.insert(0, {here!r})
from digest.delivery.engines.scribe_child import serve
serve()
"""


class Scribe:
    """Writes for all lanes of one issue, one request after the other. Starts with the first, and ends with its parent."""

    def __init__(self, writes: WriteWhole, maker: EnvelopeMaker) -> None:
        self._told = orjson.dumps({"module": writes.__module__, "function": writes.__name__, **maker.recipe})
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._turn = threading.Lock()
        self._number = 0
        self._gone = False

    def write(self, rendition: Rendition, people: Sequence[Recipient]) -> bytearray | None:
        """The body that carries a rendition to these people; None when it has to be written here."""
        with self._turn:
            if self._gone:
                return None
            try:
                self._number += 1
                asked = orjson.dumps({"rendition": rendition, "people": [tuple(person) for person in people]})
                return self._ask(self._line or self._start(), asked)
            except (OSError, ValueError, TypeError) as error:
                if not self._gone:  # nobody has ended it
                    _log.warning("the process that writes requests is lost (%s); they are written here now", type(error).__name__)
                self._end()
                return None

    def close(self) -> None:
        """End it, whoever may be waiting for it."""
        self._gone = True
        if self._process is not None:
            self._process.kill()
        with self._turn:
            self._end()

    def _start(self) -> socket.socket:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, and no shell
                [sys.executable, "-I", "-c", _BEGIN.format(here=_HERE)],
                stdin=there.fileno(),
                stdout=there.fileno(),
                stderr=subprocess.DEVNULL,
                env={},
                start_new_session=True,  # an interrupt at the terminal is for whoever decides when we end
            )
        self._line = here
        here.settimeout(_PATIENCE)
        here.sendall(FRAME.pack(0, len(self._told)) + self._told)
        return here

    def _ask(self, line: socket.socket, asked: bytes) -> bytearray | None:
        line.sendall(FRAME.pack(self._number, len(asked)))
        line.sendall(asked)
        number, size = FRAME.unpack(_read(line, FRAME.size))
        if number != self._number:
            raise ValueError("the scribe answered what was not asked")
        return _read(line, size) if size else None

    def _end(self) -> None:
        self._gone = True
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()
            self._process.wait()


def _read(line: socket.socket, size: int) -> bytearray:
    """Exactly so many bytes."""
    data, at = bytearray(size), 0
    with memoryview(data) as view:
        while at < size:
            got = line.recv_into(view[at:])
            if not got:
                raise ConnectionError("the scribe has ended")
            at += got
    return data
