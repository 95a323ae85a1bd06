"""A parent that has imported everything and forks a `digest` process for each command: milliseconds instead of a second.

As a program it reads one JSON object a line (`{"cwd", "environment", "arguments", "said"}`), forks, and answers with the
child's pid; `{"wait": pid}` is answered with "alive" or its exit status, negative for a signal. The children are real
processes with sockets, files and a death of their own. `DIGEST_KILLPOINT` in a child's environment arms a kill point,
`DIGEST_FAULT` a call of its own that fails; with `DIGEST_CARRIER` a carrier sends, however few the readers, forked and armed as well.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LONGEST = 120.0  # seconds that a child may take
_NOT_NEEDED = ("digest.store.migrations", "digest.testing", "digest.__main__")


class Zygote:
    """The parent, started once and asked for children; several threads may ask."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.proofs.zygote"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = threading.Lock()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate(timeout=10)

    def start(self, folder: Path, environment: Mapping[str, str], *arguments: str, said: Path | None = None) -> int:
        """A child that runs `digest` with these arguments; what it says goes into the file `said`. Returns its pid."""
        asked = {"cwd": str(folder), "environment": dict(environment), "arguments": arguments, "said": str(said or os.devnull)}
        return int(self._ask(asked))

    def wait(self, pid: int) -> int:
        """The exit status of a child, once it has ended; negative: the signal that ended it."""
        until = time.monotonic() + LONGEST
        while (status := self.ended(pid)) is None:
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"a process has not ended after {LONGEST} s")
            time.sleep(0.002)  # other threads may ask meanwhile
        return status

    def ended(self, pid: int) -> int | None:
        """The same, at once: None while it lives."""
        answer = self._ask({"wait": pid})
        return None if answer == "alive" else int(answer)

    def _ask(self, what: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().strip()
        assert answer, "the parent of the children has died"
        return answer


def _serve() -> None:
    _import_everything()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            print(_ended(asked["wait"], ended), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            _become(asked)
        ended.pop(pid, None)  # numbers come round again after some ten thousand deaths
        print(pid, flush=True)


def _ended(pid: int, ended: dict[int, int]) -> str:
    if pid not in ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found == 0:
            return "alive"
        ended[pid] = os.waitstatus_to_exitcode(status)
    return str(ended[pid])


def _import_everything() -> None:
    import digest

    for module in pkgutil.walk_packages(digest.__path__, "digest."):
        if not module.name.startswith(_NOT_NEEDED):
            importlib.import_module(module.name)
    importlib.import_module("sqlalchemy.dialects.sqlite")
    importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")
    importlib.import_module("psycopg")
    importlib.import_module("tests.proofs.killpoints")
    importlib.import_module("tests.proofs.failing_calls")
    from digest.app.demonstrating import demonstrate
    from digest.rendering.compile import compile_template
    from digest.rendering.templates import load_template
    from digest.shipped import shipped

    compile_template(load_template("weekly", (shipped("templates"),)))  # it stays compiled in every child
    with tempfile.TemporaryDirectory(prefix="digest-zygote-") as folder:
        demonstrate(Path(folder) / "outbox")  # and so does whatever else is built when it is first used
    assert threading.active_count() == 1, "a fork would leave a thread behind"


class _Forked:
    """A carrier that was forked, as a process."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._status: int | None = None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        until = time.monotonic() + (LONGEST if timeout is None else timeout)
        while self._status is None:
            found, status = os.waitpid(self._pid, os.WNOHANG)
            if found:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                raise subprocess.TimeoutExpired("carrier", timeout or LONGEST)
            else:
                time.sleep(0.001)
        return self._status


def _fork_a_carrier(there: socket.socket, lock: int | None) -> _Forked:
    """As `carrier.launch`: a process that has of its parent's files its end of the line and the run lock alone."""
    from digest.delivery.engines import carrier_child

    pid = os.fork()
    if pid == 0:
        kept = sorted({0, 1, 2, there.fileno(), *(() if lock is None else (lock,))})
        for low, high in pairwise([*kept, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]):
            os.closerange(low + 1, high)
        carrier_child.serve(there.fileno())
    return _Forked(pid)


def _become(asked: dict[str, Any]) -> None:
    """In the child: the command line to its end, and never back."""
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["digest", *asked["arguments"]]
        from digest.cli import main
        from digest.delivery.engines import carrier, local
        from tests.proofs import failing_calls, killpoints

        failing_calls.arm(os.environ)
        wanted = ("DIGEST_KILLPOINT", "DIGEST_KILLPOINT_COUNTS", "DIGEST_KILLPOINT_LATE")
        killpoints.arm(*(os.environ.pop(name, None) for name in wanted))
        if os.environ.pop("DIGEST_CARRIER", None):
            local.WORTH_A_CARRIER = 0
            carrier.launch = _fork_a_carrier
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    except BaseException as error:  # whatever it was: it is a child's, and the parent's loop must not see it
        sys.stderr.write(f"{time.time():.3f} {type(error).__name__}: {error}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
