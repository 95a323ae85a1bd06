"""Tags, lists, segments and labels of another tool, and the topics that they become here."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

import orjson

from digest.audience.topics import ALL_TOPICS
from digest.errors import UsageError

_LONGEST_KNOWN = 500  # characters


def read_tags(cell: str) -> tuple[str, ...]:
    """The tags in one cell: separated by commas, in quotes or not, or a JSON list; each once."""
    if not cell:
        return ()
    return _known(cell) if len(cell) <= _LONGEST_KNOWN else _tags(cell)


# In a file of a million rows few of these cells are distinct.
@lru_cache(maxsize=8192)
def _known(cell: str) -> tuple[str, ...]:
    return _tags(cell)


def _tags(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(tag.split()) for tag in _apart(cell) if tag.strip()))


def _apart(cell: str) -> list[str]:
    if cell.startswith("["):
        try:
            return [str(tag) for tag in orjson.loads(cell)]
        except (orjson.JSONDecodeError, TypeError):
            pass
    if '"' in cell:
        try:
            return next(csv.reader([cell], skipinitialspace=True))
        except (csv.Error, StopIteration):
            pass
    # Mailchimp writes a comma inside a group's name with a backslash before it.
    return [part.replace("\0", ",") for part in cell.replace("\\,", "\0").split(",")]


def topics_by_tag(mapping: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, str]:
    """The topic of each tag, by its folded name: those of equal name or title, then what a person says; "" for none.

    `titles` are the newsletter's topics with their titles. A `UsageError` names a topic that is not there.
    """
    found = {title.casefold(): slug for slug, title in titles.items()} | {slug.casefold(): slug for slug in titles}
    for tag, topic in mapping.items():
        topic = topic.strip().lower()
        if topic not in {"", ALL_TOPICS, *titles}:
            near = get_close_matches(topic, titles, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ";"
            raise UsageError(
                f"--map {tag}={topic}: there is no topic {topic!r}{hint} the topics are {', '.join(titles)}, or * for all"
            )
        found[" ".join(tag.split()).casefold()] = topic
    return found


def read_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """`Weekly News=backend` as a tag and its topic, of each pair."""
    mapping = {}
    for pair in pairs:
        tag, equals, topic = pair.rpartition("=")
        if not equals or not tag.strip():
            raise UsageError(f"--map {pair}: write a tag, = and a topic, such as --map 'Weekly News=backend'")
        mapping[tag] = topic
    return mapping
