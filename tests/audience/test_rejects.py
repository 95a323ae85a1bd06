"""Bad rows, kept for who mends them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from digest.audience.cells import restore
from digest.audience.rejects import rejecting
from digest.errors import UsageError


def test_a_bad_row_stands_there_with_line_and_reason_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with rejecting(path, tmp_path / "people.csv") as rejects:
        assert not path.exists()
        rejects.add("", 3, "is wrong", '=x,"Ann, of\ntwo lines"\n')
        rejects.add("b.csv", 9, "is wrong, too", "J\udcf6rg\n")
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        header, first, second = csv.reader(stream)
    assert header == ["line", "reason", "row"]
    assert first[:2] == ["3", "is wrong"]
    assert first[2].startswith("'=")
    assert restore(first[2]) == '=x,"Ann, of\ntwo lines"'
    assert second == ["b.csv:9", "is wrong, too", "J\udcf6rg"]


def test_without_a_bad_row_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("of last time", encoding="utf-8")
    with rejecting(path, tmp_path / "people.csv"):
        pass
    assert path.read_text(encoding="utf-8") == "of last time"


def test_a_place_that_cannot_be_written_is_one_line_before_anything_is_read(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.touch()
    with pytest.raises(UsageError, match="name another file with --rejects"), rejecting(tmp_path / "nowhere" / "bad.csv", people):
        pass
    with pytest.raises(UsageError, match=r"people\.csv is the file that is read"), rejecting(people, people):
        pass
    with (
        rejecting(tmp_path, people) as rejects,
        pytest.raises(UsageError, match="bad rows cannot be written there: Is a directory"),
    ):
        rejects.add("", 1, "is wrong", "x")
