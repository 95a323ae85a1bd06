"""A book whose answers are all known: from a table, and no such name for what is not in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from digest.checks.domain.answers import Answer, Book, Kind, Question, Status, plain_name
from digest.checks.finding import Finding, Severity

Table = Mapping[str, Mapping[str, Iterable[str]] | Status]
"""By name, then by kind; or what became of every question about a name."""


class KnownBook(Book):
    """Answers everything."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table
        self.questions: list[Question] = []

    def ask(self, name: str, kind: Kind) -> Answer:
        """The table's answer."""
        self.questions.append((plain_name(name), kind))
        held = self._table.get(plain_name(name))
        if held is None or isinstance(held, Status):
            return Answer(held or Status.ABSENT)
        records = tuple(held.get(kind.value, ()))
        return Answer(Status.FOUND if records else Status.EMPTY, records)


def told(found: Iterable[Finding]) -> list[tuple[Severity, str]]:
    """Severity and words of each."""
    return [(one.severity, one.what) for one in found]


def worst(found: Iterable[Finding]) -> Severity:
    """The worst severity."""
    order = [Severity.OK, Severity.NOTE, Severity.WARNING, Severity.ERROR]
    return max((one.severity for one in found), key=order.index)
