"""The raw content of a source: the bytes behind its `path` or its `url`."""

from __future__ import annotations

from dataclasses import dataclass

from digest.catalogue.sources.port import SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What was read: the bytes, the place as messages name it, and, of a fetch, its final address and content type."""

    data: bytes
    place: str
    url: str | None = None
    content_type: str | None = None


def read_content(settings: SourceSettings, context: SourceContext) -> Content:
    """The source's file or page. Raises `Unreachable` with one line."""
    if settings.url is not None:
        from digest.catalogue.fetching import fetch

        page = fetch(settings.url, allow_private=settings.allow_private)
        return Content(page.data, page.place, page.url, page.content_type)
    return _read_file(settings, context)


def _read_file(settings: SourceSettings, context: SourceContext) -> Content:
    name = str(settings.path)
    path = context.project / name
    try:
        if not path.exists():
            raise Unreachable(
                f"{name} does not exist in the project folder; correct `path` of source '{settings.name}', or put the file there"
            )
        if not path.is_file():
            raise Unreachable(f"{name} is not a file; correct `path` of source '{settings.name}'")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Unreachable(f"{name} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_FILE_BYTES:
        raise Unreachable(f"{name} is larger than {MAX_FILE_BYTES // 1024 // 1024} MB; split it into several sources")
    return Content(data, name)
