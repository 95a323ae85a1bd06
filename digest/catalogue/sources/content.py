"""The raw content of a source: the bytes behind its `path` or its `url`."""

from __future__ import annotations

from dataclasses import dataclass

from digest.catalogue.memory import Memory
from digest.catalogue.sources.port import Fault, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What was read: the bytes and the place as messages name it; of a fetch also its final address and content type.

    `unchanged` content is as it was at the last fetch, and was not sent again. `memory` and `faults` belong to the reading.
    """

    data: bytes
    place: str
    url: str | None = None
    content_type: str | None = None
    unchanged: bool = False
    memory: Memory | None = None
    faults: tuple[Fault, ...] = ()


def read_content(settings: SourceSettings, context: SourceContext) -> Content:
    """The source's file or page. Raises `Unreachable` with one line."""
    return _fetch(settings, context) if settings.url is not None else _read_file(settings, context)


def _fetch(settings: SourceSettings, context: SourceContext) -> Content:
    before = context.visits.memory(settings)
    page, memory = context.visits.front_page(settings)
    faults: tuple[Fault, ...] = ()
    if page.moved_to is not None and page.moved_to != before.moved_to:
        faults = (
            Fault(
                "address",
                "",
                f"has moved for good to {page.place}, which is asked from now on; make it the `url` of source '{settings.name}'",
                error=False,
            ),
        )
    return Content(page.data, page.place, page.url, page.content_type, page.not_modified, memory, faults)


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
