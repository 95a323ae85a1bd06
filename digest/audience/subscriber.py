"""A subscriber: a person with one e-mail address, whatever they subscribe to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person. `email` is as they wrote it, `address` its canonical ASCII form, which tells people apart."""

    id: int
    email: str
    address: str
    name: str | None
    language: str | None
    timezone: str | None
    created_at: datetime
