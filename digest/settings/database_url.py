"""The address of the database: checked, made absolute, and masked, without SQLAlchemy, which is slow to import."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_SQLITE = re.compile(r"(?P<head>sqlite(?:\+\w+)?:///)(?P<path>[^?]*)(?P<tail>.*)", re.DOTALL)
_LOGIN = re.compile(r"^(?P<head>[\w+]+://[^/?#@:]*:)(?P<password>.*)(?P<tail>@[^@]*)$", re.DOTALL)
_IN_QUERY = re.compile(r"(?P<head>[?&](?:ssl)?password=)(?P<password>[^&]*)", re.IGNORECASE)


def _database_url(value: str) -> str:
    # The value is not repeated: it may carry a password.
    if value.startswith("postgres://"):
        raise ValueError("must begin with postgresql+psycopg://, not postgres://")
    if not re.match(r"(?:sqlite(?:\+\w+)?|postgresql(?:\+\w+)?)://", value):
        raise ValueError("is not a database URL: write sqlite:///digest.db or postgresql+psycopg://USER@HOST/NAME")
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("must not contain control characters")
    return value


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


def absolute_database_url(url: str, project: Path) -> str:
    """`url` with a relative SQLite path joined to `project`; every other address as it is."""
    match = _SQLITE.fullmatch(url)
    if match is None or match["path"] in {"", ":memory:"} or match["path"].startswith("file:"):
        return url
    return f"{match['head']}{project.absolute() / match['path']}{match['tail']}"


def has_password(url: str) -> bool:
    """Whether the address carries a password."""
    login = _LOGIN.match(url)
    return bool(login and login["password"]) or any(match["password"] for match in _IN_QUERY.finditer(url))


def masked_database_url(url: str) -> str:
    """`url` with its password, if any, replaced."""
    url = _LOGIN.sub(lambda match: f"{match['head']}********{match['tail']}", url)
    return _IN_QUERY.sub(lambda match: f"{match['head']}********", url)
