"""The shape of `articles.json`, said once: its keys, and the JSON Schema that ships in `docs/articles.schema.json`."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from digest.catalogue.cleaning import (
    KEY_LIMIT,
    LONGEST_READING,
    MOST_POPULAR,
    NAME_LIMIT,
    SUMMARY_LIMIT,
    TAG_LIMIT,
    TAGS_LIMIT,
    TITLE_LIMIT,
)

_HTTP = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/]"


class FileArticle(BaseModel):
    """One article. Only `title` and `url` are required."""

    model_config = ConfigDict(extra="forbid", title="Article")

    title: str = Field(min_length=1, max_length=TITLE_LIMIT, description="The headline, plain text.")
    url: str = Field(pattern=_HTTP, description="Where it is read, an http(s) address.")
    id: str | int | None = Field(
        None,
        description=f"The publisher's own id, at most {KEY_LIMIT} characters; by default the address without tracking parameters.",
    )
    summary: str | None = Field(None, max_length=SUMMARY_LIMIT, description="What it says, in two sentences, plain text.")
    tags: list[Annotated[str, Field(min_length=1, max_length=TAG_LIMIT)]] | None = Field(
        None, max_length=TAGS_LIMIT, description="Labels; topics gather articles by them. Case does not matter."
    )
    published_at: str | None = Field(
        None, description="ISO 8601, such as 2026-11-20T08:00:00+01:00; without a zone it is the newsletter's. The future waits."
    )
    updated_at: str | None = Field(None, description="ISO 8601.")
    author: str | None = Field(None, max_length=NAME_LIMIT, description="Who wrote it, as readers know them.")
    image: str | None = Field(None, pattern=_HTTP, description="A picture, an http(s) address.")
    image_alt: str | None = Field(None, max_length=NAME_LIMIT, description="What the picture shows, for those who do not see it.")
    featured: bool | None = Field(None, description="Whether it stands first.")
    reading_minutes: int | None = Field(None, ge=1, le=LONGEST_READING, description="How long it takes to read.")
    language: str | None = Field(
        None, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$", description="A tag such as `en` or `pt-BR`."
    )
    popularity: int | float | None = Field(
        None, ge=0, le=MOST_POPULAR, description='How much it is read, as the publisher counts it; for `order = "popular"`.'
    )


class ArticlesFile(BaseModel):
    """The articles under a key of their own."""

    model_config = ConfigDict(title="Articles under a key")

    articles: list[FileArticle]


KEYS = frozenset(FileArticle.model_fields)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `articles.json`: what Digest takes without a word."""
    shape: TypeAdapter[Any] = TypeAdapter(list[FileArticle] | ArticlesFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "articles.json",
        "description": "A list of articles, or an object that holds it under `articles`.",
        **shape.json_schema(),
    }


def json_schema_text() -> str:
    """The schema as `docs/articles.schema.json` holds it."""
    return orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
