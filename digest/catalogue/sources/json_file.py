"""The source kind `json`: articles in a JSON file of the shape that `docs/articles.schema.json` describes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson

from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.content import read_content
from digest.catalogue.sources.feed import feed_reading
from digest.catalogue.sources.json_feed import feed_of, is_json_feed
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings


class JsonFile:
    """A list of articles, or `{"articles": [...]}`, from a file or an address. A JSON Feed is read as one."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """Every article of the file that can be taken, and what is wrong with the others."""
        content = read_content(self._settings, self._context)
        if content.unchanged:
            return Reading((), content.faults, unchanged=True, memory=content.memory)
        try:
            value = _parsed(content.data)
            if is_json_feed(value):
                return feed_reading(feed_of(value), content, self._settings, self._context)
            reading = collect(_articles(value), self._settings, self._context, faults=content.faults)
            return replace(reading, memory=content.memory)
        except Unreachable as error:
            raise Unreachable(f"{content.place}: {error}") from None


def _articles(value: Any) -> list[Any]:
    if isinstance(value, dict) and "articles" in value:
        value = value["articles"]
    if not isinstance(value, list):
        raise Unreachable("holds no list of articles; it must be a list, or an object with a list under `articles`")
    return value


def _parsed(data: bytes) -> Any:
    """The JSON value. What orjson refuses, Python's slower parser is asked about: it takes raw control characters and
    half surrogates inside a text, which spoil one article and not the file, and it knows line and column."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise Unreachable("is empty; it must hold a list of articles, such as []")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(_decoded(data), strict=False)
    except json.JSONDecodeError as error:
        raise Unreachable(f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Unreachable("is not a list of articles: it is nested too deeply") from None
    except ValueError as error:
        raise Unreachable(f"is not JSON: {error}") from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreachable(
            f"is not JSON: line {line} holds a byte that is not {error.encoding.upper()}; save the file as UTF-8"
        ) from None
