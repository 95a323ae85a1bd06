"""Every feed of feedparser's own test collection is read, or refused with one line: no traceback, no hang.

The collection is in feedparser's source package, which pip brings into a folder of the test's own, with the version that is
installed. Where it cannot be had the proof is skipped, and with CI=true it fails. Nothing of it is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.catalogue.reading_sources import read_sources
from digest.catalogue.sources.port import SourceContext
from digest.settings import SourceSettings

pytestmark = pytest.mark.proof
FEWEST = 1_000  # feeds; a collection of fewer is not the one that is meant


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    wanted = f"feedparser=={version('feedparser')}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        str(tmp_path),
        wanted,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = list(tmp_path.glob("feedparser-*.tar.gz"))
    if not found:
        said = f"the source package of {wanted} cannot be had: {done.stderr[-300:]}"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    with tarfile.open(found[0]) as package:
        package.extractall(tmp_path, filter="data")
    (tests,) = tmp_path.glob("feedparser-*/tests")
    return tests


def test_every_feed_of_the_collection_is_read_or_refused_with_one_line(collection: Path) -> None:
    files = sorted(file for folder in ("wellformed", "illformed") for file in (collection / folder).rglob("*") if file.is_file())
    assert len(files) > FEWEST
    sources = [
        SourceSettings.model_validate({"name": f"f{number}", "kind": "feed", "path": str(file.relative_to(collection))})
        for number, file in enumerate(files)
    ]
    came = Counter[str]()
    entries = left_out = 0
    for result in read_sources(sources, SourceContext(collection, ZoneInfo("UTC"))):
        if result.reading is not None:
            came["read"] += 1
            entries += len(result.reading.entries)
            left_out += sum(fault.error for fault in result.reading.faults)
            assert all("\n" not in str(fault) for fault in result.reading.faults)
            continue
        came["refused"] += 1
        assert result.error
        assert "\n" not in result.error
        assert "Traceback" not in result.error
        for defect in ("the source kind", "could not be parsed"):
            assert defect not in result.error, (result.source.path, result.error)
    assert came.total() == len(files)
    assert came["read"] > came["refused"]
    print(
        f"{len(files):,} feeds: {came['read']:,} read ({entries:,} entries taken, {left_out:,} left out with their fault), {came['refused']:,} refused in one line each"
    )
