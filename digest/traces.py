"""Spans: what is done, how long it took, and what it was about; told to whoever a project wants to hear them, and else to nobody.

    with span("plan", issue=issue.name) as seen:
        ...
        seen.tell(deliveries=many)

An action and ids, never an address, a token or an error's words. How they are told is decided in `digest/app/tracing.py`; while
nobody listens a span is one object for all, that does nothing. There is one for a run, a source, an issue's steps, a request, a job
or a batch of a worker; none for a message.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from types import TracebackType
from typing import ParamSpec, Protocol, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
Value = str | bool | int | float


class Seen(Protocol):
    """A span that has begun."""

    def tell(self, **about: Value) -> None:
        """What is known of it only now."""
        ...


Begin = Callable[[str, dict[str, Value]], AbstractContextManager[Seen]]


class _Unseen:
    """The span that nobody hears of."""

    def tell(self, **about: Value) -> None:
        """Nothing."""

    def __enter__(self) -> _Unseen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, lines: TracebackType | None) -> None:
        """Nothing: what was raised goes on."""


_UNSEEN = _Unseen()
_begin: Begin | None = None


def listen(begin: Begin | None) -> None:
    """From now on spans are begun by `begin`; by nobody with None."""
    global _begin
    _begin = begin


def is_heard() -> bool:
    """Whether anybody listens."""
    return _begin is not None


def span(action: str, **about: Value) -> AbstractContextManager[Seen]:
    """A span that lasts as long as its block; within another one it belongs to that."""
    begin = _begin
    return _UNSEEN if begin is None else begin(action, about)


def carried(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """The same work for other threads, where its spans belong to the one that we are in now."""
    if _begin is None:
        return work
    here = copy_context()

    def carry(*arguments: _P.args, **options: _P.kwargs) -> _T:
        return here.copy().run(work, *arguments, **options)

    return carry
