"""Parsers: the child processes in which feeds are parsed, a fresh one with limits for each feed.

Starting Python and loading feedparser takes a quarter of a second, so that is done once for each parser at work: it
waits for feeds and forks for each. The fork is what the limits bind, and what dies of a hostile feed.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from digest.errors import Unreachable

MOST_ELEMENTS = 200_000
DEEPEST = 100_000
_CHILD = Path(__file__).with_name("feed_child.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """What parsing one feed may cost: bytes of memory, seconds of processor, seconds in all.

    Of plain XML also how many elements there may be, and how deep one may lie: each costs far more than its bytes.
    """

    memory: int = 1024 * 1024 * 1024
    cpu: int = 40
    wall: float = 60.0
    elements: int = MOST_ELEMENTS
    deepest: int = DEEPEST


class Parsers:
    """As many feeds at once as the machine has processors, by default; the others wait. Safe to use from several threads."""

    def __init__(self, at_once: int | None = None) -> None:
        self._idle: queue.LifoQueue[_Parser | None] = queue.LifoQueue()
        for _ in range(at_once or os.cpu_count() or 1):
            self._idle.put(None)
        self._working: set[_Parser] = set()
        self._closed = False
        self.started = 0

    @property
    def idle(self) -> tuple[_Parser, ...]:
        """The processes that wait."""
        return tuple(parser for parser in self._idle.queue if parser is not None)

    @property
    def working(self) -> tuple[_Parser, ...]:
        """The processes that parse."""
        return tuple(self._working)

    def __enter__(self) -> Parsers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parse(
        self, data: bytes, url: str | None, content_type: str | None, limits: Limits, *, plain: bool = False
    ) -> dict[str, Any]:
        """What the child made of a feed, or with `plain` of other XML. Raises `Unreachable` with one line when it came to nothing."""
        parser = self._idle.get()
        try:
            if self._closed:
                raise ValueError("the reading has ended")
            if parser is None:
                parser = _Parser()
                self.started += 1
            self._working.add(parser)
            asked = {"url": url, "content_type": content_type, "plain": plain}
            return _result(parser.parse(data, asked, limits), limits)
        except (OSError, ValueError) as error:
            raise Unreachable(f"could not be parsed ({error})") from None
        finally:
            if parser is not None:
                self._working.discard(parser)
                if self._closed or not parser.alive:
                    parser.close()
                    parser = None
            self._idle.put(parser)

    def close(self) -> None:
        """Ends the processes that wait, and those that still parse for somebody who was not waited for."""
        self._closed = True
        for working in tuple(self._working):
            working.kill()
        waiting: list[_Parser | None] = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._idle.get_nowait())
        for parser in waiting:
            if parser is not None:
                parser.close()
            self._idle.put(None)  # so that nobody waits for ever for one that does not come


class _Parser:
    """One process that waits for feeds, in a group of its own with what it forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file, and no shell
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        self.alive = True

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def parse(self, data: bytes, about: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], bytes]:
        """How the fork ended, and what it wrote. When the time is over, or anything is wrong, the process is ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - both are pipes
        assert stdout is not None  # noqa: S101
        bounds = {"memory": limits.memory, "cpu": limits.cpu, "elements": limits.elements, "deepest": limits.deepest}
        asked = {"length": len(data), **bounds, **about}
        expired = threading.Event()
        alarm = threading.Timer(limits.wall, self._expire, [expired])
        alarm.start()
        self.alive = False
        try:
            stdin.write(orjson.dumps(asked) + b"\n")
            stdin.write(data)
            stdin.flush()
            head = orjson.loads(stdout.readline())
            written = stdout.read(head["length"])
            self.alive = len(written) == head["length"] and not expired.is_set()
        except (OSError, ValueError):
            if not expired.is_set():
                raise
            head, written = {"expired": True}, b""
        finally:
            alarm.cancel()
            if not self.alive:
                self.close()
        return head, written

    def kill(self) -> None:
        """Ends it and whatever it forked; who waits for its answer learns that there is none."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends it and whatever it forked, and its pipes."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def _expire(self, expired: threading.Event) -> None:
        expired.set()
        self.kill()


def _result(answer: tuple[dict[str, Any], bytes], limits: Limits) -> dict[str, Any]:
    head, written = answer
    if head.get("expired"):
        raise Unreachable(f"could not be parsed within {limits.wall:g} seconds; ask its publisher for a smaller feed")
    if head["signal"] in (signal.SIGXCPU, signal.SIGKILL):
        raise Unreachable(
            f"could not be parsed within {limits.cpu} seconds of processor time; ask its publisher for a smaller feed"
        )
    found: dict[str, Any] = orjson.loads(written) if written and not head["signal"] else {"broken": "the parser crashed"}
    if found.get("broken") == "MemoryError":
        raise Unreachable(f"needs more than {limits.memory // 1024 // 1024} MB to parse; ask its publisher for a smaller feed")
    if "broken" in found:
        raise Unreachable(f"could not be parsed ({found['broken']})")
    return found
