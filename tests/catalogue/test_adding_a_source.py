"""The example in docs/adding-a-source.md does what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digest.catalogue.sources.port import SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

PAGE = (Path(__file__).parents[2] / "docs/adding-a-source.md").read_text()


@pytest.fixture
def notes() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/adding-a-source.md", "exec"), names)
    return names["Notes"]


def test_the_example_reads_a_folder(notes: Any, context: SourceContext, source: Callable[..., SourceSettings]) -> None:
    folder = context.project / "notes"
    settings = source("notes", kind="notes", path="notes", tags=["Notes"])
    with pytest.raises(Unreachable, match="notes is no folder"):
        notes(settings, context).read()
    folder.mkdir()
    (folder / "a.txt").write_text("<b>Hello</b>\nOne.\nTwo.")
    (folder / "b.txt").write_text("\nno title")
    reading = notes(settings, context).read()
    (entry,) = reading.entries
    assert (entry.key, entry.title, entry.summary, entry.tags) == ("a", "Hello", "One. Two.", ("notes",))
    assert [str(fault) for fault in reading.faults] == ["entry 1, title: is empty; every article needs one"]
