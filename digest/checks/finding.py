"""A finding: what a check has to say about an issue, and the doctor about an installation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """Errors block an issue, or keep mails from arriving or leaving; warnings show; notes tell what nobody looked at, or what
    cannot be judged from here; what was looked at and is well is told by the doctor alone."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an issue, where, and how to mend it, whatever that means for it."""

    where: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, how much it weighs, and how to mend it; `mend` is empty where there is nothing to mend, or `what`
    says it. Of an issue's findings `check` is the key in `[checks]`."""

    severity: Severity
    where: str
    what: str
    mend: str = ""
    check: str = ""

    @classmethod
    def of(cls, check: str, severity: Severity, fault: Fault) -> Finding:
        """What a check found, at the severity that it has in this project."""
        return cls(severity, fault.where, fault.what, fault.mend, check)

    def __str__(self) -> str:
        mend, check = f"; {self.mend}" if self.mend else "", f" ({self.check})" if self.check else ""
        return f"{self.where}: {self.what}{mend}{check}"


def error(where: str, what: str, mend: str) -> Finding:
    """Something that keeps mails from arriving or from leaving."""
    return Finding(Severity.ERROR, where, what, mend)


def warning(where: str, what: str, mend: str) -> Finding:
    """Something that may do so."""
    return Finding(Severity.WARNING, where, what, mend)


def note(where: str, what: str, mend: str = "") -> Finding:
    """Something that is worth knowing and no fault, or that cannot be judged from here."""
    return Finding(Severity.NOTE, where, what, mend)


def well(where: str, what: str) -> Finding:
    """Something that is as it should be."""
    return Finding(Severity.OK, where, what)


def softened(found: Iterable[Finding], *, but: str) -> list[Finding]:
    """The same where no mail leaves: what would be an error is a warning, except at one place."""
    hard = Severity.ERROR
    return [replace(one, severity=Severity.WARNING) if one.severity is hard and one.where != but else one for one in found]
