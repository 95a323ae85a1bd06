"""Answers of the DNS as data, and the book that checks read them from.

A check asks the book. What the book does not hold is noted as wanted, and the check is done again when it is there: so
the checks need no network, and whoever has one asks many questions at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
_SHOWN = 90


class Kind(StrEnum):
    """The kinds of records that are asked for."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    PTR = "PTR"
    TXT = "TXT"


class Status(StrEnum):
    """What became of a question."""

    FOUND = "found"
    EMPTY = "the name is there, but has no such record"
    ABSENT = "no such name"
    FAILED = "the name server could not tell"
    SILENT = "no answer came in time"
    PENDING = "not asked yet"


Question = tuple[str, Kind]
"""A name, in lower case and without a dot at its end, and a kind of record."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records, as text: a TXT's strings joined, an MX as `preference host`, names without a dot at their end."""

    status: Status
    records: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether it tells what is there; a failure or silence tells nothing."""
        return self.status in {Status.FOUND, Status.EMPTY, Status.ABSENT}

    @property
    def void(self) -> bool:
        """Whether there surely is nothing."""
        return self.status in {Status.EMPTY, Status.ABSENT}


class Book:
    """The answers so far; `wanted` are the questions asked that it could not answer."""

    def __init__(self, answers: Mapping[Question, Answer] | None = None) -> None:
        self._answers = answers or {}
        self.wanted: set[Question] = set()

    def ask(self, name: str, kind: Kind) -> Answer:
        """The answer. What is no name of the DNS is never asked for: it is not there."""
        question = (plain_name(name), kind)
        if not is_name(question[0]):
            return Answer(Status.ABSENT)
        found = self._answers.get(question)
        if found is None:
            self.wanted.add(question)
            return Answer(Status.PENDING)
        return found

    def addresses(self, name: str) -> tuple[str, ...]:
        """The internet addresses of a name."""
        return (*self.ask(name, Kind.A).records, *self.ask(name, Kind.AAAA).records)


def plain_name(name: str) -> str:
    """A name as the book holds it."""
    return name.lower().removesuffix(".")


def is_name(name: str) -> bool:
    """Whether the DNS may be asked for it."""
    return 0 < len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))


def shown(text: str) -> str:
    """A record as messages quote it: on one line, and not longer than one wants to read."""
    line = "".join(c if c.isprintable() else "�" for c in text)
    return f'"{line}"' if len(line) <= _SHOWN else f'"{line[: _SHOWN - 1]}…"'
