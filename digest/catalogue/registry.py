"""Which class reads which kind of source: the entry points of the group `digest.sources`, ours included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib.metadata import EntryPoint

from digest.catalogue.sources.port import Source, SourceContext
from digest.errors import UsageError
from digest.settings import SourceSettings
from digest.settings.plugins import installed

GROUP = "digest.sources"

SourceFactory = Callable[[SourceSettings, SourceContext], Source]


def source_kinds() -> tuple[str, ...]:
    """Every kind that is installed, sorted. Imports none of them."""
    return tuple(sorted(_points()))


def open_sources(sources: Sequence[SourceSettings], context: SourceContext) -> tuple[Source, ...]:
    """A `Source` for each of `sources`, read from none. Raises `UsageError` naming the key that is wrong."""
    return tuple(_load(index, settings)(settings, context) for index, settings in enumerate(sources))


def _load(index: int, settings: SourceSettings) -> SourceFactory:
    points = _points()
    if settings.kind not in points:
        near = get_close_matches(settings.kind, points, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"the kinds are {', '.join(sorted(points))}"
        raise UsageError(f"sources.{index}.kind: '{settings.kind}' is no kind of source; {hint}")
    try:
        factory: SourceFactory = points[settings.kind].load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"sources.{index}.kind: the plugin '{settings.kind}' cannot be loaded ({error}); reinstall it"
        ) from error
    return factory


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in installed(GROUP)}
