"""What a subscription is owed, as canonical text: `12@3 15@1` is article 12, passed over three times, and 15, once.

The age counts the issues that this very subscription waited through, so it means the same for every frequency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def parse_owed(text: str) -> dict[int, int]:
    """Article ids with their age."""
    pairs = (pair.split("@") for pair in text.split())
    return {int(article): int(age) for article, age in pairs}


def format_owed(owed: Mapping[int, int]) -> str:
    """The one spelling of an owed set: by article id."""
    return " ".join(f"{article}@{owed[article]}" for article in sorted(owed))


def older(owed: Mapping[int, int], articles: Iterable[int]) -> dict[int, int]:
    """`articles` as owed after one more issue without them."""
    return {article: owed.get(article, 0) + 1 for article in articles}
