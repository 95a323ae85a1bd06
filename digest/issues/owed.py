"""What a subscription is owed, as canonical text: `12@3 15@3` is articles 12 and 15, first owed by issue 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def parse_owed(text: str) -> dict[int, int]:
    """Article ids with the number of the issue that first owed them."""
    pairs = (pair.split("@") for pair in text.split())
    return {int(article): int(number) for article, number in pairs}


def format_owed(owed: Mapping[int, int]) -> str:
    """The one spelling of an owed set: by article id."""
    return " ".join(f"{article}@{owed[article]}" for article in sorted(owed))


def owed_after(owed: Mapping[int, int], articles: Iterable[int], issue_number: int) -> dict[int, int]:
    """`articles` as owed from issue `issue_number` on; an older debt keeps its age."""
    return {article: owed.get(article, issue_number) for article in articles}
