"""Editing: what an editor fixes, or leaves out, in one issue. Pure; a new freeze puts it into force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.issues.selection import Rules


@dataclass(frozen=True, slots=True)
class Edits:
    """The articles that are pinned, in the editor's order, and those that are left out; none is both."""

    pinned: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()

    def pin(self, articles: Sequence[int]) -> Edits:
        """Fix these behind those that are pinned already; what was pinned before keeps its place."""
        return Edits(_once(self.pinned + tuple(articles)), _less(self.excluded, articles))

    def exclude(self, articles: Sequence[int]) -> Edits:
        """Leave these out."""
        return Edits(_less(self.pinned, articles), _once(self.excluded + tuple(articles)))

    def put_back(self, articles: Sequence[int]) -> Edits:
        """Leave these to the rules again."""
        return Edits(_less(self.pinned, articles), _less(self.excluded, articles))


def edits_of(rules: Rules) -> Edits:
    """What an editor has done to an issue with these rules so far."""
    return Edits(rules.pinned, rules.excluded)


def _once(articles: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(articles))


def _less(articles: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one for one in articles if one not in others)
