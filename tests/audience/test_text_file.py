"""Files as people and spreadsheets save them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from digest.audience.text_file import reading_files, reading_lines
from digest.errors import UsageError

TEXT = "email,name\njörg@x.example,Jörg\n"


def one(path: Path, content: bytes) -> tuple[str, str, bool]:
    path.write_bytes(content)
    with reading_files(path) as files:
        file = next(files)
        return "".join(file.lines), file.encoding, file.guessed


@pytest.mark.parametrize(
    ("content", "encoding", "guessed"),
    [
        (TEXT.encode(), "UTF-8", False),
        (TEXT.encode("utf-8-sig"), "UTF-8", False),
        (TEXT.encode("utf-16"), "UTF-16", False),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16", False),
        (TEXT.encode("utf-16-le"), "UTF-16", True),
        (TEXT.encode("utf-16-be"), "UTF-16", True),
        (TEXT.encode("cp1252"), "Windows-1252 (Latin-1)", True),
        (TEXT.replace("\n", "\r\n").encode(), "UTF-8", False),
        (TEXT.replace("\n", "\r").encode(), "UTF-8", False),
    ],
)
def test_the_same_text_is_read_from_every_encoding(tmp_path: Path, content: bytes, encoding: str, guessed: bool) -> None:
    assert one(tmp_path / "people.csv", content) == (TEXT, encoding, guessed)


def test_an_encoding_is_told_by_the_whole_file_and_not_by_its_first_part(tmp_path: Path) -> None:
    plain = b"someone@x.example,Someone\n" * 100_000
    text, encoding, guessed = one(tmp_path / "people.csv", plain + "j@x.example,Jörg\n".encode("cp1252"))
    assert (text[-17:], encoding, guessed) == ("j@x.example,Jörg\n", "Windows-1252 (Latin-1)", True)


def test_one_wrong_byte_among_lines_of_utf_8_spoils_its_own_line(tmp_path: Path) -> None:
    text, encoding, _ = one(tmp_path / "people.csv", TEXT.encode() + b"x@x.example,J\xf6rg\n" + TEXT.encode())
    assert (text.count("Jörg"), "J\udcf6rg" in text, encoding) == (2, True, "UTF-8")


def test_a_line_without_end_costs_little_memory(tmp_path: Path) -> None:
    text, _, _ = one(tmp_path / "people.csv", b"x" * 5_000_000 + b"\nann@x.example\n")
    assert len(text) < 70_000
    assert text.endswith("ann@x.example\n")


def zipped(path: Path, *files: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def test_every_table_of_a_zip_is_read_in_turn(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "export.zip",
        ("audience/subscribed_1.csv", TEXT.encode()),
        ("__MACOSX/audience/._subscribed_1.csv", b"\0"),
        ("audience/readme.html", b"<p>"),
        ("cleaned_1.csv", TEXT.encode("utf-16")),
    )
    with reading_files(path) as files:
        assert [(file.name, "".join(file.lines), file.packed) for file in files] == [
            ("subscribed_1.csv", TEXT, True),
            ("cleaned_1.csv", TEXT, True),
        ]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", ("people.csv", b"email\n" + b"0" * 100_000_000))
    with pytest.raises(UsageError, match="unpacks to far more than text does"), reading_files(path) as files:
        assert all(line for file in files for line in file.lines)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and no more", "the ZIP cannot be read"),
        (b"PK\x05\x06" + bytes(18), "there is no CSV file in the ZIP"),
        (b"\x1f\x8b\x08\0", "is packed with gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook"),
        (b"%PDF-1.7", "is a PDF"),
    ],
)
def test_what_is_no_text_is_refused_with_advice(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said), reading_files(path) as files:
        next(files)


def test_a_workbook_is_told_from_a_zip_of_tables(tmp_path: Path) -> None:
    path = zipped(tmp_path / "people.xlsx", ("[Content_Types].xml", b"<x/>"), ("xl/people.csv", b"email\n"))
    with pytest.raises(UsageError, match="is an Excel workbook; save it as CSV UTF-8"), reading_files(path) as files:
        next(files)


def test_a_zip_that_is_damaged_or_locked_is_one_line(tmp_path: Path) -> None:
    path = zipped(tmp_path / "export.zip", ("people.csv", os.urandom(50_000).hex().encode()))
    whole = path.read_bytes()
    path.write_bytes(whole[:20_000] + bytes(200) + whole[20_200:])
    with pytest.raises(UsageError, match="is damaged after"), reading_files(path) as files:
        next(files)
    locked = bytearray(whole)
    for place in (6, whole.rindex(b"PK\x01\x02") + 8):
        locked[place] |= 1
    path.write_bytes(locked)
    with pytest.raises(UsageError, match="cannot be unpacked"), reading_files(path) as files:
        next(files)


def test_a_pipe_is_read_as_utf_8_once(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.write(writes, TEXT.encode("utf-8-sig"))
    os.close(writes)
    with reading_lines(Path(f"/dev/fd/{reads}")) as lines:
        assert "".join(lines) == TEXT
    os.close(reads)
