"""Everything that may happen in a life, drawn by hypothesis, a step at a time; after each the judge looks."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from digest.delivery.providers.answer import Outcome
from tests.proofs.lives import BEGINNINGS, FREQUENCIES, NEWSLETTERS, TOPICS, ZONES, Lives
from tests.proofs.lives_judge import Judge

STEPS = 50
"""How long a life is, in steps."""

ROW = 25
"""How many lives a row has."""

_MANY_READERS, _MANY_ARTICLES = 5, 40
_TAGS = st.lists(st.sampled_from((*TOPICS, "gardening")), min_size=1, max_size=3, unique=True).map(tuple)
_TOPICS = st.lists(st.sampled_from(TOPICS), min_size=0, max_size=2, unique=True)
_FREQUENCY = st.sampled_from(FREQUENCIES)
_SLUG = st.sampled_from((*NEWSLETTERS, "weekly"))
_HOURS = st.sampled_from((1, 6, 24, 24, 24, 48, 7 * 24, 7 * 24, 31 * 24, -1))
_NEWS = st.lists(_TAGS, max_size=4)
_DAYS = st.sampled_from((0, 0, 0, -20, 3, None))
_PLACE = st.integers(0, 10_000)
_OUTCOME = st.sampled_from((Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REJECTED, Outcome.UNKNOWN))

taken: Counter[str] = Counter()
"""How many steps this process has taken, by their rule."""


came_to: Counter[str] = Counter()
"""What the deliveries and the articles of all lives of this process have come to."""


class Machine(RuleBasedStateMachine):
    """One life."""

    def __init__(self) -> None:
        super().__init__()
        self.lives: Lives | None = None

    @initialize(
        began=st.sampled_from(BEGINNINGS), unknown_arrives=st.booleans(), frequencies=st.lists(_FREQUENCY, min_size=2, max_size=2)
    )
    def begin(self, began: Any, unknown_arrives: bool, frequencies: list[str]) -> None:
        self.lives = Lives(began, unknown_arrives=unknown_arrives)
        self.judge = Judge(self.lives)
        for number, frequency in enumerate(frequencies):
            for slug in NEWSLETTERS[: 2 - number]:
                self.life.subscribe(f"u{number}@x.example", (), frequency, slug=slug)

    @property
    def life(self) -> Lives:
        assert self.lives is not None
        return self.lives

    def teardown(self) -> None:
        if self.lives is not None:
            came_to.update(self.judge.sums())
            self.lives.close()

    def reader(self, place: int) -> str:
        return self.life.readers[place % len(self.life.readers)]

    @invariant()
    def everything_holds(self) -> None:
        if self.lives is not None:
            self.judge.look()

    # Articles

    @rule(news=_NEWS, days=_DAYS)
    def publish(self, news: list[tuple[str, ...]], days: int | None) -> None:
        taken["publish"] += 1
        self._publish(news, days)

    def _publish(self, news: list[tuple[str, ...]], days: int | None) -> None:
        """Nothing more once there is enough, so that steps stay cheap; every third is featured."""
        at = None if days is None else self.life.now + timedelta(days=days)
        for tags in news[: _MANY_ARTICLES - len(self.life.entries)]:
            self.life.publish(tags, at, featured=len(self.life.entries) % 3 == 0)

    @precondition(lambda self: self.life.entries)
    @rule(place=_PLACE, tags=_TAGS, what=st.sampled_from(("retag", "edit", "hide", "withdraw", "fetch")))
    def touch(self, place: int, tags: tuple[str, ...], what: str) -> None:
        taken[what] += 1
        entry = self.life.entries[place % len(self.life.entries)]
        if what == "retag":
            entry.tags = tags
        elif what == "edit":
            entry.title = f"Edited {place}"
            entry.published_at = self.life.now + timedelta(days=place % 5 - 3)
        elif what == "hide":
            entry.shown = not entry.shown
        elif what == "withdraw" and place % 3 == 0:
            self.life.withdraw(entry.key)
        else:
            self.life.fetch()

    @precondition(lambda self: self.life.entries)
    @rule(place=_PLACE, everybody=st.booleans())
    def cover(self, place: int, everybody: bool) -> None:
        taken["cover"] += 1
        key = self.life.entries[place % len(self.life.entries)].key
        self.life.cover([key], None if everybody and place % 2 else self.reader(place))

    # Readers

    @precondition(lambda self: len(self.life.readers) < _MANY_READERS)
    @rule(slug=_SLUG, topics=_TOPICS, frequency=_FREQUENCY, zone=st.sampled_from(ZONES))
    def join(self, slug: str, topics: list[str], frequency: str, zone: str) -> None:
        taken["join"] += 1
        self.life.subscribe(f"u{len(self.life.readers)}@x.example", topics, frequency, zone, slug=slug)

    @rule(place=_PLACE, slug=_SLUG, frequency=_FREQUENCY, topics=st.none() | _TOPICS, zone=st.none() | st.sampled_from(ZONES))
    def alter(self, place: int, slug: str, frequency: str, topics: list[str] | None, zone: str | None) -> None:
        """Another frequency, other topics, another zone; or they come back; or they want the other newsletter, too."""
        taken["alter"] += 1
        self.life.subscribe(self.reader(place), topics or (), frequency, zone, slug=slug)

    @rule(
        place=_PLACE,
        slug=_SLUG,
        what=st.sampled_from(("leave", "pause", "pause", "resume", "resume", "suppress")),
        days=st.none() | st.integers(1, 40),
    )
    def rest(self, place: int, slug: str, what: str, days: int | None) -> None:
        taken[what] += 1
        email = self.reader(place)
        if what == "leave":
            self.life.leave(email, slug)
        elif what == "pause":
            self.life.pause(email, slug, None if days is None else self.life.now + timedelta(days=days))
        elif what == "resume":
            self.life.resume(email, slug)
        elif place % 4 == 0:
            self.life.suppress(email)

    @rule(place=_PLACE, outcome=_OUTCOME)
    def mood(self, place: int, outcome: Outcome) -> None:
        """From now on a reader's server answers otherwise."""
        taken["mood"] += 1
        self.life.mailbox.moods[self.reader(place)] = outcome

    # Issues, and time

    @rule(zone=st.sampled_from(ZONES))
    def move_zone(self, zone: str) -> None:
        taken["move zone"] += 1
        self.life.move_zone(zone)

    @rule(slug=_SLUG, frequency=_FREQUENCY, approved=st.booleans())
    def draft(self, slug: str, frequency: str, approved: bool) -> None:
        taken["draft"] += 1
        self.life.draft(slug, frequency, approved=approved)

    @rule(how=st.sampled_from(("cancel", "pause", "resume", "resume", "rejected", "planned")))
    def disturb(self, how: str) -> None:
        taken["disturb"] += 1
        self.life.disturb(how)

    @rule(hours=_HOURS, times=st.sampled_from((1, 1, 1, 2)), news=_NEWS, days=_DAYS)
    def run(self, hours: int, times: int, news: list[tuple[str, ...]], days: int | None) -> None:
        """Time passes, there is news, and somebody runs Digest; twice, perhaps."""
        self._run(hours, times, news, days)

    @rule(news=_NEWS, days=_DAYS)
    def next_day(self, news: list[tuple[str, ...]], days: int | None) -> None:
        """Drawn apart, so that lives have many runs."""
        self._run(24, 1, news, days)

    @rule(news=_NEWS)
    def next_week(self, news: list[tuple[str, ...]]) -> None:
        self._run(7 * 24, 1, news, 0)

    def _run(self, hours: int, times: int, news: list[tuple[str, ...]], days: int | None) -> None:
        taken["run"] += 1
        self.life.now += timedelta(hours=hours)
        self._publish(news, days)
        for _ in range(times):
            ran = self.life.run()
            assert ran.halted is None, ran.halted
        self.judge.look_at_slots()

    @rule(hours=_HOURS)
    def nobody_runs(self, hours: int) -> None:
        """Time passes, and nobody is there."""
        taken["nobody runs"] += 1
        self.life.now += timedelta(hours=hours)


def live(first: int, lives: int, *, shrink: bool = True) -> tuple[int, Counter[str]]:
    """So many lives from one seed; returns how many steps were taken, and what everything came to.

    A failure names its seed; `shrink` makes it as short as can be.
    """
    taken.clear()
    came_to.clear()
    chosen = settings(
        max_examples=lives,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.normal,
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seed(first)(Machine), settings=chosen)
    except Exception as error:
        raise AssertionError(f"DIGEST_LIVES_SEED={first}: {type(error).__name__}: {error}") from error
    return taken.total(), Counter(came_to)


def live_row(first: int) -> tuple[int, Counter[str]]:
    """A row of lives, for a process of its own."""
    return live(first, ROW)
