"""A diagnosis: what the doctor has to say about one thing that it looked at, well or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """Errors keep mails from arriving or from leaving, warnings may; notes tell what cannot be judged from here."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, where, and how to mend it; `mend` is empty where there is nothing to mend, or `what` says it."""

    severity: Severity
    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.mend}" if self.mend else "")


def error(where: str, what: str, mend: str) -> Diagnosis:
    """Something that keeps mails from arriving or from leaving."""
    return Diagnosis(Severity.ERROR, where, what, mend)


def warning(where: str, what: str, mend: str) -> Diagnosis:
    """Something that may do so."""
    return Diagnosis(Severity.WARNING, where, what, mend)


def note(where: str, what: str, mend: str = "") -> Diagnosis:
    """Something that is worth knowing and no fault, or that cannot be judged from here."""
    return Diagnosis(Severity.NOTE, where, what, mend)


def well(where: str, what: str) -> Diagnosis:
    """Something that is as it should be."""
    return Diagnosis(Severity.OK, where, what)


def softened(found: Iterable[Diagnosis], *, but: str) -> list[Diagnosis]:
    """The same where no mail leaves: what would be an error is a warning, except at one place."""
    hard = Severity.ERROR
    return [replace(one, severity=Severity.WARNING) if one.severity is hard and one.where != but else one for one in found]
