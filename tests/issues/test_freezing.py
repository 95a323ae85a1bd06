"""The freeze: what is kept of an issue, and what is made of it a second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import event, select

from digest.catalogue.articles import find_article
from digest.errors import Refused
from digest.issues.editing import Edits
from digest.issues.freezing import refreeze
from digest.issues.issue import Issue, blocks_of, frozen_of
from digest.issues.lifecycle import IssueState
from digest.issues.wording import Wording, worded
from digest.rendering.content import RewritingContent
from digest.store import tables
from tests.issues.newsroom import DAILY, MONDAY, Newsroom


def again(newsroom: Newsroom, issue: Issue) -> Issue:
    with newsroom.store.writing() as connection:
        folders = (newsroom.templates,)
        return refreeze(connection, newsroom.settings, newsroom.newsletter, issue, folders=folders, now=MONDAY, actor="ann")


def decisions(newsroom: Newsroom, issue: Issue) -> dict[str, str]:
    kept = tables.decision.c
    keys = {number: key for key, number in newsroom.articles().items()}
    with newsroom.store.reading() as connection:
        rows = connection.execute(select(kept.article_id, kept.reason).where(kept.issue_id == issue.id).order_by(kept.position))
        return {keys[row.article_id]: row.reason for row in rows}


def test_every_candidate_has_a_decision_and_the_chosen_ones_come_first(newsroom: Newsroom) -> None:
    newsroom.change(max_articles=2)
    newsroom.join("ann")
    newsroom.arrive("off", tags=("cooking",))
    newsroom.arrive("later", at=MONDAY.replace(year=2030))
    newsroom.arrive("a", "b")
    newsroom.arrive("star", featured=True)
    issue = newsroom.freeze()
    assert decisions(newsroom, issue) == {
        "star": "featured",
        "b": "new",
        "off": "no_topic",
        "later": "not_yet_published",
        "a": "over_the_limit",
    }
    assert (issue.state, issue.number, issue.cutoff, issue.revision) == (IssueState.DRAFT, 1, 4, 1)
    with newsroom.store.reading() as connection:
        assert [article.title for article in frozen_of(connection, issue).content.articles] == [
            "Title star",
            "Title b",
            "Title a",
        ]
        assert set(blocks_of(connection, issue, "en").cards) == {newsroom.articles()[key] for key in ("star", "b", "a")}


def test_below_the_minimum_it_is_skipped_and_what_there_is_rolls_over(newsroom: Newsroom) -> None:
    newsroom.change(min_articles=2)
    newsroom.join("ann")
    newsroom.arrive("a")
    issue = newsroom.freeze()
    assert (issue.state, issue.finished_at) == (IssueState.SKIPPED, MONDAY)
    assert (issue.reason or "").startswith("only 1 article qualified and min_articles is 2")
    newsroom.arrive("b")
    assert newsroom.has(newsroom.issue(), "ann") == ["a", "b"]


def test_somebody_suppressed_who_never_moves_on_makes_no_issue_of_what_all_have_had(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.join("held")
    newsroom.suppress("held")
    newsroom.arrive("a")
    newsroom.issue()
    assert newsroom.freeze().state is IssueState.SKIPPED
    newsroom.arrive("b")
    issue = newsroom.issue()
    assert newsroom.states(issue) == {"ann": "accepted", "held": "suppressed"}
    with newsroom.store.reading() as connection:
        frozen = frozen_of(connection, issue)
    assert (frozen.floor, frozen.bounded, [article.title for article in frozen.content.articles]) == (1, False, ["Title b"])


def test_a_broken_template_holds_the_issue_and_mending_it_makes_the_next_revision(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    template = newsroom.templates / "plain.txt"
    right = template.read_text(encoding="utf-8")
    template.write_text("{% block", encoding="utf-8")
    issue = newsroom.freeze()
    assert (issue.state, issue.rendered, issue.subject) == (IssueState.HELD, False, "")
    assert "plain.txt" in (issue.reason or "")
    template.write_text(right, encoding="utf-8")
    mended = again(newsroom, issue)
    assert (mended.state, mended.rendered, mended.revision, mended.number) == (IssueState.DRAFT, True, 2, issue.number)
    assert decisions(newsroom, mended) == {"a": "new"}


def test_freezing_anew_voids_the_approval_and_takes_in_what_came_since(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    issue = newsroom.freeze()
    issue = newsroom.step(issue, IssueState.APPROVED, approved_hash=issue.content_hash, approved_by="ann", approved_at=MONDAY)
    newsroom.arrive("b")
    anew = again(newsroom, issue)
    assert (anew.state, anew.revision) == (IssueState.DRAFT, 2)
    assert (anew.approved_hash, anew.approved_by, anew.approved_at) == (None, None, None)
    assert (anew.content_hash != issue.content_hash, anew.cutoff, set(decisions(newsroom, anew))) == (True, 2, {"a", "b"})


def test_freezing_anew_without_other_edits_keeps_those_there_are(newsroom: Newsroom) -> None:
    newsroom.arrive("a", "b")
    issue = newsroom.freeze()
    numbers = newsroom.articles()
    edits = Edits((numbers["a"],), (numbers["b"],))
    with newsroom.store.writing() as connection:
        folders, whose = (newsroom.templates,), newsroom.newsletter
        edited = refreeze(connection, newsroom.settings, whose, issue, folders=folders, now=MONDAY, actor="ann", edits=edits)
    newsroom.arrive("c")
    anew = again(newsroom, edited)
    assert (anew.revision, decisions(newsroom, anew)) == (3, {"a": "pinned", "c": "new", "b": "excluded"})


def test_an_editors_words_are_in_the_issue_alone_and_are_kept_when_it_is_frozen_anew(newsroom: Newsroom) -> None:
    newsroom.arrive("a", "b")
    issue = newsroom.freeze()
    numbers = newsroom.articles()
    edits = Edits(subject="Mine", preheader="Look", rewritten=(RewritingContent(numbers["a"], "Other", "words"),))
    with newsroom.store.writing() as connection:
        folders, whose = (newsroom.templates,), newsroom.newsletter
        edited = refreeze(connection, newsroom.settings, whose, issue, folders=folders, now=MONDAY, actor="ann", edits=edits)
    anew = again(newsroom, edited)
    assert (anew.subject, anew.content_hash) == ("Mine", edited.content_hash)
    with newsroom.store.reading() as connection:
        content = frozen_of(connection, anew).content
        kept = find_article(connection, f"number:{numbers['a']}")
    said = {article.id: (article.title, article.summary) for article in content.articles}
    assert said[numbers["a"]] == ("Other", "words")
    assert content.own_preheader == "Look"
    assert kept.title != "Other"
    worded_so = worded(content, Wording("de", "Betreff", {}))
    assert (worded_so.subject, worded_so.own_subject, worded_so.own_preheader) == ("Betreff", "", "")


def test_an_edit_asks_no_reader_anew_and_selects_as_the_freeze_did(newsroom: Newsroom) -> None:
    """With a million of them that takes seconds; and who came in since is the plan's to deal with."""
    newsroom.arrive("a", "b")
    newsroom.join("ann")
    issue = newsroom.freeze()
    with newsroom.store.reading() as connection:
        before = frozen_of(connection, issue)
    newsroom.join("bob")
    asked: list[str] = []
    edits = Edits(excluded=(newsroom.articles()["b"],))
    with newsroom.store.writing() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        folders, whose = (newsroom.templates,), newsroom.newsletter
        known = {"folders": folders, "now": MONDAY, "actor": "ann", "edits": edits, "cutoff": issue.cutoff}
        edited = refreeze(connection, newsroom.settings, whose, issue, **known)  # type: ignore[arg-type]  # as they are named
    with newsroom.store.reading() as connection:
        after = frozen_of(connection, edited)
    assert (after.lag, after.floor, after.bounded, after.languages) == (
        before.lag,
        before.floor,
        before.bounded,
        before.languages,
    )
    assert before.lag is not None
    assert asked
    assert [one for one in asked if "FROM subscription" in one or "FROM subscriber" in one] == []
    assert decisions(newsroom, edited) == {"a": "new", "b": "excluded"}


def test_what_is_being_sent_is_not_frozen_anew(newsroom: Newsroom) -> None:
    newsroom.join("ann")
    newsroom.arrive("a")
    with pytest.raises(Refused, match="it is being sent"):
        again(newsroom, newsroom.planned())


def test_the_content_hash_tells_of_content_sender_and_template_and_of_nothing_else(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    issue = newsroom.freeze()
    seen = {issue.content_hash}
    assert again(newsroom, issue).content_hash in seen
    issue = replace(issue, revision=2)
    sender = newsroom.settings.sender.model_copy(update={"name": "Somebody else"})
    template = newsroom.templates / "plain.txt"
    changes: tuple[Callable[[], object], ...] = (
        lambda: newsroom.arrive("b"),
        lambda: template.write_text(template.read_text(encoding="utf-8") + "Bye.\n", encoding="utf-8"),
        lambda: newsroom.change(subject="Another"),
        lambda: setattr(newsroom, "settings", newsroom.settings.model_copy(update={"sender": sender})),
    )
    for number, change in enumerate(changes, start=2):
        change()
        issue = again(newsroom, issue)
        seen.add(issue.content_hash)
        assert len(seen) == number


def test_numbers_run_across_frequencies_and_a_slot_has_one_issue(newsroom: Newsroom) -> None:
    newsroom.arrive("a")
    assert [newsroom.freeze().number, newsroom.freeze(DAILY).number, newsroom.freeze().number] == [1, 2, 3]
