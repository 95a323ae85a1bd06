"""Progress: how far the sending of one issue has come, told while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from digest.delivery.providers.answer import Outcome
from digest.rendering.degrading import Degraded


@dataclass(frozen=True, slots=True)
class Progress:
    """`outcomes` counts the attempts of this send so far; `total` is how many deliveries waited when it began.

    `doubt` is the most that a crash could leave unknown: recipients of a request, times requests at once.
    """

    issue: str
    total: int
    doubt: int
    outcomes: Mapping[Outcome, int]

    @property
    def done(self) -> int:
        """How many have come to an end; who was deferred still waits."""
        return sum(count for outcome, count in self.outcomes.items() if outcome is not Outcome.DEFERRED)


_SECONDS = 0.1  # between two words

OnProgress = Callable[[Progress], None]
"""Is told once before the first message leaves, and then as often as something came of it."""


class Teller:
    """Tells of one issue's sending as a whole: through canary and rest, and provider by provider.

    `degraded` are the renditions that were too large, by number.
    """

    def __init__(self, issue: str, total: int, doubt: int, on_progress: OnProgress) -> None:
        self._issue, self._total, self.doubt, self._on_progress = issue, total, doubt, on_progress
        self.degraded: dict[int, Degraded] = {}
        self._carried: Counter[Outcome] = Counter()
        self._said_at = 0.0
        self._say({})

    @property
    def tried(self) -> int:
        """How many attempts were made in the dispatches that have ended."""
        return self._carried.total()

    def hear(self, outcomes: Mapping[Outcome, int]) -> None:
        """What the present dispatch has come to so far; said now and then, whatever often it is heard."""
        if time.monotonic() - self._said_at >= _SECONDS:
            self._say(outcomes)

    def keep(self, outcomes: Mapping[Outcome, int]) -> None:
        """What a dispatch came to at its end."""
        self._carried.update(outcomes)
        self._say({})

    def _say(self, outcomes: Mapping[Outcome, int]) -> None:
        self._said_at = time.monotonic()
        self._on_progress(Progress(self._issue, self._total, self.doubt, self._carried + Counter(outcomes)))
