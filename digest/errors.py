"""The errors Digest raises on purpose, and the exit code each becomes on the command line.

::

    DigestError
    ├── UsageError          2  wrong usage or configuration: names the key and the file
    ├── Refused             3  not approved, checks failed, paused, waiting for a confirmation
    │   └── TemplateError   3  a template is broken: names the file and the line
    ├── Busy                4  something else runs it just now
    └── Unreachable         5  the store, the provider or all sources are out of reach

Every message says what is wrong, where, and what to do next, on one line. Whatever else is raised is a
defect of Digest.
"""

from __future__ import annotations

from typing import ClassVar


class DigestError(Exception):
    """Something Digest foresaw went wrong; `str(error)` is one line for a person."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class UsageError(DigestError):
    """Wrong usage or configuration."""

    exit_code = 2


class Refused(DigestError):
    """What was asked may not happen now."""

    exit_code = 3


class TemplateError(Refused):
    """A template cannot be compiled or rendered; the issue that needs it is held."""


class Busy(DigestError):
    """Another process does this just now."""

    exit_code = 4


class Unreachable(DigestError):
    """The store, the provider, or every source is out of reach."""

    exit_code = 5
