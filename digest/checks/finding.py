"""A finding: what a check has to say about an issue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors block an issue, warnings show, a note says what nobody looked at."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where, and how to mend it, whatever that means for the issue."""

    where: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, the check that found it, and how much it weighs."""

    check: str
    severity: Severity
    where: str
    what: str
    mend: str

    @classmethod
    def of(cls, check: str, severity: Severity, fault: Fault) -> Finding:
        """What a check found, at the severity that it has in this project."""
        return cls(check, severity, fault.where, fault.what, fault.mend)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend} ({self.check})"
