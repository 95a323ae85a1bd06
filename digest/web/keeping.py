"""Keeping: answers that are made once and given until what they are made of changes. The last ones that were asked for stay."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from digest.app.publishing import Stamp

MOST_BYTES = 16 * 1024 * 1024
_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """What is answered, and with which headers of its own; None: there is nothing."""

    body: bytes
    kind: str
    headers: Mapping[str, str]

    @property
    def tag(self) -> str:
        """An ETag: another one whenever a byte is another."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Keeper:
    """Keeps answers up to a number of bytes, for all threads."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._held, self._lock = most, 0, Lock()
        self._kept: OrderedDict[_Key, tuple[Stamp, Made]] = OrderedDict()

    def answer(self, request: Request, key: _Key, stamp: Stamp, make: Callable[[], Made | None]) -> Response | None:
        """The answer that is known by `key`, made anew where its stamp is another; 304 to who has it. None where there is nothing."""
        made = self._find(key, stamp)
        if made is None:
            made = make()
            if made is None:
                return None
            self._keep(key, stamp, made)
        headers = {**made.headers, "ETag": made.tag}
        if stamp.at is not None:
            headers["Last-Modified"] = format_datetime(stamp.at.astimezone(UTC), usegmt=True)
        if _has_it(request, made.tag, stamp.at):
            return Response(status_code=304, headers=headers)
        return Response(made.body, media_type=made.kind, headers=headers)

    def _find(self, key: _Key, stamp: Stamp) -> Made | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None or found[0] != stamp:
                return None
            self._kept.move_to_end(key)
            return found[1]

    def _keep(self, key: _Key, stamp: Stamp, made: Made) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._held += len(made.body) - (0 if before is None else len(before[1].body))
            self._kept[key] = (stamp, made)
            while self._held > self._most:
                _, (_, gone) = self._kept.popitem(last=False)
                self._held -= len(gone.body)


def _has_it(request: Request, tag: str, at: datetime | None) -> bool:
    """Whether whoever asks has the very same already (RFC 9110, 13.2.2)."""
    named = request.headers.get("if-none-match")
    if named is not None:
        return any(one.strip().removeprefix("W/") in (tag, "*") for one in named.split(","))
    since = request.headers.get("if-modified-since")
    if since is None or at is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except (ValueError, OverflowError):  # the latter for numbers that no date has
        return False
    return at.replace(microsecond=0) <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
