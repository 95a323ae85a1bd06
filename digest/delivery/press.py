"""The press: what an issue's renditions are assembled from, without a store, so that another process can do it too."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from digest.errors import Refused
from digest.issues.arranging import without
from digest.issues.frozen import Frozen
from digest.languages.matching import lookup
from digest.rendering.assemble import assemble
from digest.rendering.blocks import Blocks
from digest.rendering.content import Arrangement
from digest.rendering.degrading import Degraded
from digest.rendering.rendition import Rendition

_KEPT = 64  # more than there are lanes, as a rule, and each of up to some 100 KB


class NothingLeft(Refused):
    """Every article of it was withdrawn."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A rendition before it is assembled: what stands where in which language, and what of it is `withdrawn`. `press` makes it."""

    number: int
    arrangement: Arrangement
    language: str
    withdrawn: frozenset[int]
    press: Press = field(compare=False, repr=False)

    def make(self) -> Rendition:
        """It, whole."""
        return self.press.make(self)


class Press:
    """One issue's frozen blocks; the most recently used renditions stay. `degraded` are those that were too large.

    `may_be_empty` says that a mail without an article makes sense: a correction.
    """

    def __init__(self, issue: str, frozen: Frozen, blocks: dict[str, Blocks], *, may_be_empty: bool = False) -> None:
        self.issue, self.frozen, self.blocks, self._may_be_empty = issue, frozen, blocks, may_be_empty
        self.degraded: dict[int, Degraded] = {}
        self._kept: OrderedDict[tuple[int, frozenset[int]], Rendition] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"degraded": {}, "_kept": OrderedDict()}

    def make(self, planned: Planned) -> Rendition:
        """One that was planned."""
        key = (planned.number, planned.withdrawn)
        if key not in self._kept:
            made = self.assemble(planned.arrangement, planned.number, planned.language, planned.withdrawn)
            self._kept[key] = made
            if made.degraded is not None:
                self.degraded[planned.number] = made.degraded
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def assemble(
        self,
        arrangement: Arrangement,
        number: int,
        language: str | None,
        withdrawn: frozenset[int],
        *,
        whole: bool = False,
    ) -> Rendition:
        """As `Shelf.assemble`, less what was `withdrawn`."""
        left = without(arrangement, withdrawn, self.frozen) if withdrawn else arrangement
        if not left.articles and not self._may_be_empty:
            raise NothingLeft(
                f"nothing of issue {self.issue} remains, all its articles were withdrawn;"
                f" `digest issues skip {self.issue}` or cancel it"
            )
        language = self._in(language or self.frozen.content.language)
        return assemble(
            self.blocks[language],
            left,
            issue=self.issue,
            number=number,
            content=self.frozen.content_in(language),
            withdrawn=withdrawn,
            whole=whole,
        )

    def _in(self, language: str) -> str:
        found = lookup(language, tuple(self.blocks))
        if found is None:
            raise Refused(
                f"issue {self.issue} was rendered in {', '.join(self.blocks)}, those that somebody gets it in, and not in {language}"
            )
        return found
