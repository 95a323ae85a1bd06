"""Scrubbing: what no log line and no report of an error may hold: secrets, addresses of people, tokens of links.

An address becomes `person:` and the beginning of a hash under the project's key: lines about one person can be found together by who has
that key, and nobody is named. A secret of the configuration is masked wherever it stands, also in the middle of a line.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, SecretStr
from sqlalchemy import make_url

from digest.audience.tokens import derive_key
from digest.settings import Settings
from digest.settings.secrecy import MASK

_ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]{}|@]{1,64}@[^\s<>\"'(),:;=\[\]{}|@]{1,255}")
_LINK = re.compile(r"/(confirm|preferences|unsubscribe|welcome|move|erase|stay|download|enter)/[^\s\"'<>]+")
_SHORTEST = 6  # of a secret: "abc" stands in every other word, and guards nothing


class Scrubber:
    """Takes out of a text, or of plain data, what nobody may read there."""

    def __init__(self, settings: Settings) -> None:
        self._known: set[str] = set()
        self.learn(settings)

    def learn(self, settings: Settings) -> None:
        """These are in force from now on; the secrets of before, which somebody may still repeat, are masked as well."""
        self._key = derive_key(settings.secret_key.get_secret_value(), "log lines")
        self._known |= {form for one in secrets_of(settings) for form in (one, quote(one, safe=""), repr(one)[1:-1])}
        longest_first = sorted((one for one in self._known if len(one) >= _SHORTEST), key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def text(self, text: str) -> str:
        """The same, fit to be read by anybody, on one line."""
        text = self._secret.sub(MASK, text)
        text = _LINK.sub(r"/\1/…", text)
        text = _ADDRESS.sub(lambda found: self.person(found[0]), text)
        return "".join(one if one.isprintable() or one in "\n\t" else f"\\x{ord(one):02x}" for one in text)

    def person(self, address: str) -> str:
        """Somebody, by a hash of their address."""
        whose = address.strip(".").lower().encode("utf-8", "replace")
        return f"person:{hmac.digest(self._key, whose, 'sha256').hex()[:12]}"

    def data(self, value: Any) -> Any:
        """Plain data, all the way down; whatever is not plain becomes its kind's name."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.data(one) for one in value]
        if isinstance(value, BaseException):
            return type(value).__name__  # its words may be anybody's
        return self.text(str(value))


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every secret value that a configuration holds, the parts of those that have some, and the password in the database's address."""
    yield from _secrets(settings)
    yield from settings.tracing.pairs().values()
    if settings.error_reports.dsn is not None:
        yield urlsplit(settings.error_reports.dsn.get_secret_value()).username or ""
    password = make_url(settings.database.url).password
    if password:
        yield str(password)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        extra: Iterable[Any] = (value.model_extra or {}).values()
        for one in (*(getattr(value, name) for name in type(value).model_fields), *extra):
            yield from _secrets(one)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one)
