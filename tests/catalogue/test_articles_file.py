"""The shape of articles.json, its schema, and the sample."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import orjson

from digest.catalogue.article import Entry
from digest.catalogue.articles_file import KEYS, json_schema, json_schema_text
from digest.catalogue.sources.json_file import JsonFile
from digest.catalogue.sources.port import SourceContext
from digest.settings import SourceSettings

ROOT = Path(__file__).parents[2]
SAMPLE = orjson.loads((ROOT / "articles.json").read_bytes())


def test_the_shipped_schema_is_the_models() -> None:
    assert (ROOT / "docs/articles.schema.json").read_text() == json_schema_text()


def test_the_keys_are_those_an_entry_is_made_of() -> None:
    assert KEYS - {"id"} | {"key", "canonical_url"} == set(Entry.__slots__)


def test_the_sample_keeps_to_the_schema() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(SAMPLE, schema)
    jsonschema.validate({"articles": SAMPLE}, schema)


def test_the_schema_refuses_what_cleaning_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    bad = [{}, {"title": "x"}, {"title": "x", "url": "javascript:x"}, {"title": "x", "url": "https://a.b", "tag": []}]
    assert not [each for each in bad if validator.is_valid([each])]


def test_the_sample_is_taken_without_a_word() -> None:
    context = SourceContext(ROOT, ZoneInfo("UTC"))
    reading = JsonFile(SourceSettings(name="articles", kind="json", path=Path("articles.json")), context).read()
    assert len(reading.entries) == 17
    assert reading.faults == ()
    tags = Counter(tag for entry in reading.entries for tag in entry.tags)
    assert set(tags) == {"databases", "messaging", "reliability", "python", "data-engineering", "devops", "security", "career"}
    assert all(1 <= len(entry.tags) <= 3 for entry in reading.entries)
    assert sum(entry.featured for entry in reading.entries) in {2, 3}
    first, last = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    assert all(entry.published_at is not None and first <= entry.published_at < last for entry in reading.entries)
    assert all((entry.image is None) == (entry.image_alt is None) for entry in reading.entries)
    assert any(entry.image is None for entry in reading.entries)


def test_no_two_texts_of_the_sample_are_alike_and_summaries_have_two_sentences() -> None:
    for name in ("title", "summary", "url", "id", "author"):
        assert len({article[name] for article in SAMPLE}) == 17
    assert all(len(re.findall(r"[.!?](?:\s|$)", article["summary"])) == 2 for article in SAMPLE)
