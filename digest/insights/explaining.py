"""Explaining: why somebody got an article, or why not, in one sentence and as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digest.catalogue.article import Article
from digest.delivery.transitions import DeliveryState
from digest.insights.reading import Standing
from digest.issues.issue import Issue
from digest.issues.selection import CHOSEN, OVER, Decision, Reason, select
from digest.issues.withdrawn import words

_BECAUSE = {
    Reason.PINNED: "an editor pinned it",
    Reason.CARRIED_OVER: "it was owed from an earlier issue",
    Reason.FEATURED: "it is new and featured",
    Reason.NEW: "it is new",
    Reason.OVER_THE_LIMIT: "there was no room left; it is owed, and comes first in the next issue",
    Reason.OVER_THE_AUTHOR_LIMIT: "the mail has enough by its author; it is owed, and comes first in the next issue",
    Reason.EXPIRED: "it was owed for more issues than carry_over allows",
    Reason.TOO_OLD: "it is older than lookback allowed when its source was first read",
    Reason.OTHER_LANGUAGE: "it is in a language that the newsletter does not take",
    Reason.NOT_YET_PUBLISHED: "it had not arrived, or its time had not come, at the freeze",
    Reason.EXCLUDED: "an editor left it out",
    Reason.WITHDRAWN: "it was withdrawn",
    Reason.ALREADY_COVERED: "an earlier issue covered it",
    Reason.ALREADY_SENT: "they have been sent it already",
    Reason.HAD_ALREADY: "they had it already, from elsewhere",
    Reason.SAME_STORY: "it tells the same story as an article that they get or have had",
    Reason.NO_TOPIC: "it carries no tag of a topic they follow",
}

_AWAY = "it came while they got nothing, and that is more issues ago than carry_over allows"

_DELIVERED = {
    DeliveryState.PLANNED: "is planned",
    DeliveryState.CLAIMED: "is about to be sent",
    DeliveryState.SENDING: "is being sent",
    DeliveryState.ACCEPTED: "was accepted by the provider",
    DeliveryState.REJECTED: "was rejected by the provider",
    DeliveryState.DEFERRED: "was deferred and will be tried again",
    DeliveryState.UNKNOWN: "is unknown: nobody can tell whether the provider took it",
    DeliveryState.SUPPRESSED: "was held back: the address must not be mailed",
    DeliveryState.CANCELLED: "was cancelled",
    DeliveryState.EXPIRED: "expired unsent",
    DeliveryState.SKIPPED: "was skipped: nothing in it was for them",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One article and one subscriber."""

    article: int
    title: str
    chosen: bool
    reason: str
    topic: str | None
    instead: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one subscriber got an issue as they did."""

    issue: str
    subscriber: str
    state: str
    sentence: str
    articles: tuple[Explained, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        articles = [{name: getattr(one, name) for name in Explained.__slots__} for one in self.articles]
        return {
            "issue": self.issue,
            "subscriber": self.subscriber,
            "state": self.state,
            "sentence": self.sentence,
            "articles": articles,
        }


def explain(issue: Issue, standing: Standing) -> Explanation:
    """Every candidate of an issue, decided again for one subscriber as the plan decided."""
    frozen = standing.frozen
    selection = select(frozen.candidates, frozen.rules, standing.reader, cutoff=issue.cutoff)
    titles = {article.id: article.title for article in frozen.content.articles}
    email = standing.subscriber.email
    left_out = standing.left_out
    decisions = [_unless_withdrawn(decision, left_out) for decision in selection.decisions]
    told = _Told({one.article: one for one in decisions}, titles, selection.instead)
    explained = tuple(
        _article(one, titles.get(one.article, ""), email, _why(one, left_out.get(one.article), standing, told), told)
        for one in decisions
    )
    state = standing.state.value if standing.state is not None else "not planned"
    return Explanation(issue.name, email, state, _sentence(issue, standing, sum(one.chosen for one in decisions)), explained)


def explain_absent(issue: Issue, standing: Standing, article: Article) -> Explained:
    """Why an article of the catalogue was no candidate at all."""
    why = None
    if article.arrival is None or article.arrival > issue.cutoff:
        decision = Decision(article.id, Reason.NOT_YET_PUBLISHED)
    elif standing.had_already.at(article.id) is not None:
        decision = Decision(article.id, Reason.HAD_ALREADY)
        why = _why(decision, None, standing)
    elif standing.reader.coverage < article.arrival <= standing.frozen.floor:
        decision, why = Decision(article.id, Reason.EXPIRED), _AWAY
    else:
        decision = Decision(article.id, Reason.ALREADY_COVERED)
    return _article(decision, article.title, standing.subscriber.email, why)


def _unless_withdrawn(decision: Decision, left_out: Mapping[int, int]) -> Decision:
    """A decision of the freeze, unless the article was withdrawn before it could have its effect."""
    moot = decision.article in left_out and decision.reason in (*CHOSEN, *OVER)
    return Decision(decision.article, Reason.WITHDRAWN, decision.topic) if moot else decision


@dataclass(frozen=True, slots=True)
class _Told:
    """Which article tells them a story in place of another one."""

    decisions: Mapping[int, Decision]
    titles: Mapping[int, str]
    instead: Mapping[int, int]

    def why(self, article: int) -> str | None:
        """Why they do not get it, when it is for that; None otherwise."""
        told = self.decisions.get(self.instead.get(article, 0))
        if told is None:
            return None
        had = {Reason.ALREADY_SENT: ", which they have been sent", Reason.HAD_ALREADY: ", which they had already"}
        how = ", which is in it" if told.chosen else had.get(told.reason, "")
        return f"it tells the same story as {_name(told.article, self.titles.get(told.article, ''))}{how}"


_NOTHING_TOLD = _Told({}, {}, {})


def _why(decision: Decision, sub_revision: int | None, standing: Standing, told: _Told = _NOTHING_TOLD) -> str | None:
    """What is to be said of this one and not of its reason in general."""
    if decision.reason is Reason.WITHDRAWN and sub_revision is not None:
        return f"it was {words(sub_revision)}"
    at = standing.had_already.at(decision.article)
    if decision.reason is Reason.HAD_ALREADY and at is not None:
        return f"they had it already, marked on {at:%Y-%m-%d}"
    return told.why(decision.article) if decision.reason is Reason.SAME_STORY else None


def _article(decision: Decision, title: str, email: str, why: str | None = None, told: _Told = _NOTHING_TOLD) -> Explained:
    got = "is in" if decision.chosen else "is not in"
    name = _name(decision.article, title)
    sentence = f"{name[0].upper()}{name[1:]} {got} the mail of {email}: {why or _BECAUSE[decision.reason]}."
    instead = told.instead.get(decision.article)
    return Explained(decision.article, title, decision.chosen, decision.reason.value, decision.topic, instead, sentence)


def _name(article: int, title: str) -> str:
    return f"“{title}”" if title else f"article {article}"


def _sentence(issue: Issue, standing: Standing, chosen: int) -> str:
    what = f"{chosen} article{'' if chosen == 1 else 's'}"
    if standing.state is None:
        would = f"would get {what}" if chosen and not standing.unsendable else "would get nothing"
        why = standing.unsendable or ("" if chosen else "nothing new under their topics")
        return f"{standing.subscriber.email} {would} with {issue.name}{': ' + why if why else ''}."
    said = f" ({standing.answer})" if standing.answer else ""
    return f"{issue.name} for {standing.subscriber.email} {_DELIVERED[standing.state]}{said}; {what} chosen."
