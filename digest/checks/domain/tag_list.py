"""Lists of `tag=value` with semicolons between them, as DKIM, DMARC and BIMI write their records (RFC 6376, 3.2)."""

from __future__ import annotations

import re

from digest.checks.domain.answers import shown

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def read_tags(text: str) -> dict[str, str]:
    """The tags, in lower case and in their order, with their values. Raises `ValueError` with what is wrong."""
    tags: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not _TAG.fullmatch(name):
            raise ValueError(f"{shown(part.strip()[:40])} is not tag=value")
        if name.lower() in tags:
            raise ValueError(f"the tag {name} stands twice")
        tags[name.lower()] = value
    return tags


def begins(text: str, version: str) -> bool:
    """Whether a record begins with `v=VERSION`, spaces aside."""
    name, _, value = text.partition(";")[0].partition("=")
    return (name.strip().lower(), value.strip().lower()) == ("v", version.lower())
