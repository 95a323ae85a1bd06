"""Importing people from a file, or trying out what that would do."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.app.wiring import App
from digest.audience.elsewhere.reading import How
from digest.audience.import_report import ImportReport
from digest.audience.importing import Begin, import_files
from digest.audience.rows import Reject
from digest.audience.text_file import Progress, TextFile, reading_files
from digest.errors import UsageError
from digest.settings import NewsletterSettings

OnProgress = Callable[[int, Progress], None]
"""Told how many rows are done, and how much of the file is read."""


def import_file(
    app: App,
    path: Path,
    newsletter: NewsletterSettings,
    how: How,
    *,
    dry_run: bool,
    on_progress: OnProgress | None,
    on_bad: Reject | None,
) -> ImportReport:
    """Take in everybody in a file. A dry run does it to a copy of the database, which is thrown away."""
    with _beginning(app, dry_run=dry_run) as begin, reading_files(path) as files, _collecting_apart():
        watched = _Watched(files, on_progress)
        try:
            return import_files(
                begin,
                newsletter,
                watched,
                how=how,
                now=app.now,
                on_progress=watched.tell,
                on_bad=on_bad,
                stopped=app.stop.is_set,
            )
        except UsageError as error:
            raise UsageError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None


@contextmanager
def _beginning(app: App, *, dry_run: bool) -> Iterator[Begin]:
    if not dry_run:
        yield app.store.writing
        return
    with app.store.scratch() as store:
        yield store.writing


@contextmanager
def _collecting_apart() -> Iterator[None]:
    """Garbage is looked for between transactions alone, and not in what was there before: a fifth of the time went into that."""
    was = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was:
            gc.enable()


class _Watched:
    """Files, and which of them is read just now."""

    def __init__(self, files: Iterable[TextFile], on_progress: OnProgress | None) -> None:
        self._files, self._on_progress, self._progress = files, on_progress, Progress(0)

    def __iter__(self) -> Iterator[TextFile]:
        for file in self._files:
            self._progress = file.progress
            yield file

    def tell(self, rows: int) -> None:
        """So many rows are done, and a transaction with them."""
        gc.collect()
        if self._on_progress is not None:
            self._on_progress(rows, self._progress)
