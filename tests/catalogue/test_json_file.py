"""The source kind json."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from digest.catalogue.sources.json_file import JsonFile
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

Read = Callable[..., Reading]


def article(number: int, **values: Any) -> dict[str, Any]:
    return {"title": f"Article {number}", "url": f"https://backend.example/{number}", **values}


@pytest.fixture
def read(context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    def read(content: Any, **settings: Any) -> Reading:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        (context.project / "articles.json").write_bytes(data)
        return JsonFile(source(**settings), context).read()

    return read


def test_a_list_and_an_object_with_a_list_are_read(read: Read) -> None:
    assert read([article(1)]) == read({"articles": [article(1)]}) == read(b"\xef\xbb\xbf" + json.dumps([article(1)]).encode())
    assert read([]).entries == ()


def test_the_sources_tags_are_given_to_every_article(read: Read) -> None:
    assert read([article(1, tags=["a"])], tags=["Blog", "a"]).entries[0].tags == ("a", "blog")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"[\n  {]", "is not JSON: line 2, column 4"),
        (b'[{"title": "x",}]', "is not JSON: line 1, column"),
        (b"<html>", "is not JSON: line 1, column 1"),
        (b'[\n"\xff"]', "line 2 holds a byte that is not UTF-8"),
        (b"{}", "holds no list of articles"),
        (b'"text"', "holds no list of articles"),
        (b'{"articles": {}}', "holds no list of articles"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1" + b"0" * 5000 + b"] x", "is not JSON"),
    ],
)
def test_a_file_that_is_no_list_of_articles_is_one_clear_line(read: Read, content: bytes, said: str) -> None:
    with pytest.raises(Unreachable, match=said) as refused:
        read(content)
    assert str(refused.value).startswith("articles.json: ")
    assert "\n" not in str(refused.value)


def test_a_missing_file_says_which(context: SourceContext, source: Callable[..., SourceSettings]) -> None:
    with pytest.raises(Unreachable, match=r"nowhere\.json does not exist .* source 'blog'"):
        JsonFile(source(path="nowhere.json"), context).read()


def test_a_folder_is_no_file(context: SourceContext, source: Callable[..., SourceSettings]) -> None:
    with pytest.raises(Unreachable, match="is not a file"):
        JsonFile(source(path="."), context).read()


def test_bad_entries_are_reported_with_their_place_and_stop_only_themselves(read: Read) -> None:
    content: list[Any] = [article(number) for number in range(100)]
    for number in range(0, 100, 10):
        del content[number]["title"]
    reading = read(content)
    assert len(reading.entries) == 90
    assert [str(fault) for fault in reading.faults][:2] == [
        "entry 0, title: is missing; every article needs one",
        "entry 10, title: is missing; every article needs one",
    ]
    assert len(reading.faults) == 10


def test_half_a_surrogate_or_a_raw_control_character_spoils_no_other_article(read: Read) -> None:
    reading = read(
        b'[{"title": "a \\ud800 b", "url": "https://b.example/1"}, {"title": "c\x00\n d", "url": "https://b.example/2"}]'
    )
    assert [entry.title for entry in reading.entries] == ["a b", "c d"]


def test_of_two_with_one_id_or_one_address_the_first_is_taken(read: Read) -> None:
    reading = read([article(1, id="a"), article(2, id="a"), article(1, id="b"), article(3), article(3)])
    assert [entry.key for entry in reading.entries] == ["a", "https://backend.example/3"]
    assert [(fault.place, fault.field) for fault in reading.faults] == [("entry 1", "id"), ("entry 2", "url"), ("entry 4", "url")]
    assert "entry 0" in reading.faults[0].message


def test_unknown_keys_are_left_out_and_said_once(read: Read) -> None:
    reading = read([article(1, titel="x"), article(2, titel="y", body="z")])
    assert len(reading.entries) == 2
    assert [(fault.place, fault.field, fault.error) for fault in reading.faults] == [
        ("2 entries", "titel", False),
        ("1 entry", "body", False),
    ]


def test_a_flood_of_faults_is_bounded_and_counted(read: Read) -> None:
    reading = read([1] * 50_000)
    assert len(reading.faults) == 2001
    assert "48,000 more" in str(reading.faults[-1])


def test_too_many_entries_are_refused(read: Read) -> None:
    with pytest.raises(Unreachable, match="more than 250,000 entries"):
        read(b"[" + b"1," * 260_000 + b"1]")


def test_fifty_megabytes_are_read_in_seconds(read: Read) -> None:
    content = [article(number, summary="word " * 195) for number in range(47_000)]
    data = json.dumps(content).encode()
    assert len(data) > 49_000_000
    started = time.monotonic()
    assert len(read(data).entries) == 47_000
    assert time.monotonic() - started < 30


def test_more_than_the_limit_is_refused(read: Read) -> None:
    with pytest.raises(Unreachable, match="larger than 64 MB"):
        read(b" " * (64 * 1024 * 1024 + 1))
