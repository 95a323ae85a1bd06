"""One raw entry, cleaned or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.catalogue.article import Entry
from digest.catalogue.cleaning import SUMMARY_LIMIT, TITLE_LIMIT, clean_entry
from digest.catalogue.sources.port import Fault

BERLIN = ZoneInfo("Europe/Berlin")
GOOD = {"title": "Indexes", "url": "https://backend.example/a"}


def clean(**raw: Any) -> tuple[Entry | None, list[Fault]]:
    return clean_entry({**GOOD, **raw}, "entry 3", BERLIN)


def good(**raw: Any) -> Entry:
    entry, faults = clean(**raw)
    assert entry is not None
    assert faults == []
    return entry


def test_a_full_entry_is_taken_whole() -> None:
    entry = good(
        id="a1",
        summary="Two\nlines",
        tags=["Python ", "python", " Data  Engineering"],
        published_at="2026-11-20T08:00:00+01:00",
        updated_at="2026-11-21",
        author="Jane  Doe",
        image="https://backend.example/i.jpg",
        image_alt="A fox",
        featured=True,
        reading_minutes=7,
        language="pt_BR",
    )
    assert entry == Entry(
        key="a1",
        url="https://backend.example/a",
        canonical_url="https://backend.example/a",
        title="Indexes",
        summary="Two lines",
        tags=("python", "data engineering"),
        published_at=datetime(2026, 11, 20, 7, tzinfo=UTC),
        updated_at=datetime(2026, 11, 20, 23, tzinfo=UTC),
        author="Jane Doe",
        image="https://backend.example/i.jpg",
        image_alt="A fox",
        featured=True,
        reading_minutes=7,
        language="pt-BR",
    )


def test_without_an_id_the_canonical_address_is_the_key() -> None:
    assert good(url="https://backend.example/a?utm_source=x").key == "https://backend.example/a"
    assert good(id=17).key == "17"


def test_a_time_without_a_zone_is_the_newsletters() -> None:
    assert good(published_at="2026-07-01T08:00").published_at == datetime(2026, 7, 1, 6, tzinfo=UTC)


def test_null_is_as_good_as_absent() -> None:
    names = ["id", "summary", "tags", "published_at", "author", "image", "featured", "reading_minutes", "language"]
    assert good(**dict.fromkeys(names)) == good()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", ""),
        ("title", " \x00\u200b "),
        ("title", "<b></b>"),
        ("title", 5),
        ("url", None),
        ("url", "javascript:alert(1)"),
        ("url", "\u2028javascript:alert(1)"),
        ("url", "https://user:pw@backend.example/"),
        ("url", ["https://backend.example/"]),
        ("id", ""),
        ("id", True),
        ("id", {}),
        ("id", "x" * 501),
    ],
)
def test_a_bad_required_field_leaves_the_entry_out(field: str, value: Any) -> None:
    entry, faults = clean(**{field: value})
    if field == "id" and value is None:
        assert entry is not None
        return
    assert entry is None
    assert [(fault.place, fault.field, fault.error) for fault in faults] == [("entry 3", field, True)]


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("summary", 5, ""),
        ("tags", "python", ()),
        ("tags", ["python", 5, "", "x" * 65], ("python",)),
        ("tags", [f"t{number}" for number in range(40)], tuple(f"t{number}" for number in range(30))),
        ("published_at", "yesterday", None),
        ("published_at", 1763600000, None),
        ("published_at", "0001-01-01T00:00:00+14:00", None),
        ("published_at", "9999-12-31T23:59:59-14:00", None),
        ("published_at", "1969-12-31", None),
        ("updated_at", "2026-13-01", None),
        ("author", ["Jane"], None),
        ("image", "data:image/png;base64,xx", None),
        ("image_alt", 5, None),
        ("featured", "yes", False),
        ("featured", 1, False),
        ("reading_minutes", 0, None),
        ("reading_minutes", 7.5, None),
        ("reading_minutes", True, None),
        ("reading_minutes", 10**30, None),
        ("language", "english please", None),
        ("language", "e", None),
    ],
)
def test_a_bad_optional_field_leaves_only_itself_out(field: str, value: Any, left: Any) -> None:
    entry, faults = clean(**{"image": "https://backend.example/i.jpg", field: value})
    assert entry is not None
    assert getattr(entry, field) == left
    assert [(fault.place, fault.field, fault.error) for fault in faults] == [("entry 3", field, False)]


def test_a_dropped_image_takes_its_words_along() -> None:
    entry, _ = clean(image="javascript:x", image_alt="A fox")
    assert entry is not None
    assert entry.image is entry.image_alt is None


def test_a_title_of_foul_characters_injects_nothing() -> None:
    entry = good(title="=?utf-8?q?Hi?=\r\nBcc: evil@x.y\x00", author="a\u202eb", summary="<script>x</script>fine")
    assert (entry.title, entry.author, entry.summary) == ("=?utf-8?q?Hi?= Bcc: evil@x.y", "ab", "fine")


def test_long_texts_are_cut_and_it_is_said() -> None:
    entry, faults = clean(title="word " * 200, summary="word " * 1000)
    assert entry is not None
    assert len(entry.title) <= TITLE_LIMIT
    assert len(entry.summary) <= SUMMARY_LIMIT
    assert entry.summary.endswith("word…")
    assert [fault.field for fault in faults] == ["title", "summary"]


@pytest.mark.parametrize("raw", [None, 5, "text", ["a"], True])
def test_what_is_no_object_is_left_out(raw: object) -> None:
    entry, faults = clean_entry(raw, "entry 0", BERLIN)
    assert entry is None
    assert faults[0].error


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys([name for name in Entry.__slots__ if "key" not in name], _VALUES)))
def test_nothing_a_source_writes_gets_past_as_an_exception(raw: dict[str, Any]) -> None:
    entry, faults = clean_entry({**GOOD, **raw}, "entry 0", BERLIN)
    assert (entry is None) == any(fault.error for fault in faults)
    assert all(len(str(fault).splitlines()) == 1 for fault in faults)
