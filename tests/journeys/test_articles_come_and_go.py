"""Articles that are late, early, edited, deleted: each reaches its readers once."""

from __future__ import annotations

from datetime import timedelta

from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article


def test_case_03_after_three_weeks_of_silence_one_issue_covers_the_gap(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + 2 * WEEK))
    project.run(MONDAY + 3 * WEEK + timedelta(days=2))
    assert [(issue.name, issue.slot) for issue in project.issues()] == [
        ("weekly/1", "2026-11-23T09:00"),
        ("weekly/2", "2026-12-14T09:00"),
    ]
    assert project.read("ann@x.example") == [["a"], ["c", "b"]]


def test_case_04_a_back_dated_article_that_is_first_seen_today_is_included_once(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("old", at=BEGAN - 2 * WEEK))
    project.run(MONDAY + WEEK)
    project.run(MONDAY + 2 * WEEK)
    assert project.read("ann@x.example") == [["a"], ["old"]]


def test_case_05_a_post_dated_article_waits_for_its_time_and_never_comes_twice(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"), article("later", at=MONDAY + timedelta(days=3)))
    project.run(MONDAY)
    assert project.reasons("weekly/1") == {"": "not_yet_published", "Title a": "new"}
    project.run(MONDAY + WEEK)
    project.offer(article("a"), article("later", at=MONDAY + 2 * WEEK))
    project.run(MONDAY + 3 * WEEK)
    assert project.read("ann@x.example") == [["a"], ["later"]]


def test_case_10_nothing_new_is_skipped_with_the_reason_and_nobody_gets_an_empty_mail(project: Project) -> None:
    project.configure("min_articles = 1", "min_articles = 2")
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.code(MONDAY) == 0
    first = project.issue("weekly/1")
    assert first.state == "skipped"
    assert first.reason == "only 1 article qualified and min_articles is 2; what there is rolls over"
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["b", "a"]]


def test_case_11_an_edited_article_is_still_the_same_article(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"), article("b"), article("c"), article("d"))
    project.run(MONDAY)
    project.offer(
        article("a", url="https://backend.example/moved"),
        article("b", title="Another title"),
        article("c", summary="Another summary."),
        article("d", id="new-id"),
        article("e", at=MONDAY),
    )
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example")[1] == ["e"]


def test_case_12_an_old_article_that_reappears_is_not_sent(project: Project) -> None:
    project.join("ann@x.example")
    ten = [article(f"n{number}", at=BEGAN - timedelta(days=number)) for number in range(10)]
    project.offer(*ten)
    project.run(MONDAY)
    project.offer(*ten[1:])
    project.run(MONDAY + WEEK)
    project.offer(*ten)
    project.run(MONDAY + 2 * WEEK)
    assert len(project.mails("ann@x.example")) == 1
    assert [issue.state for issue in project.issues()] == ["sent", "skipped", "skipped"]


def test_a_source_that_cannot_be_read_at_the_slot_does_not_cost_the_slot_its_issue(project: Project) -> None:
    project.join("ann@x.example")
    (project.folder / "articles.json").unlink()
    ran = project.run(MONDAY)
    assert project.issues() == []
    assert "a source could not be read; the next run tries again" in ran.waiting[0]
    project.offer(article("a"))
    project.run(MONDAY + timedelta(minutes=10))
    assert project.read("ann@x.example") == [["a"]]


def test_a_withdrawn_article_is_in_no_later_issue(project: Project) -> None:
    from digest.app.fetching import fetch
    from digest.catalogue.articles import withdraw

    project.join("ann@x.example")
    project.offer(article("a"), article("b"))
    with project.app(BEGAN) as app:
        fetch(app)
        with app.store.writing() as connection:
            withdraw(connection, "https://backend.example/a", BEGAN)
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["b"]]
    assert project.reasons("weekly/1")["Title b"] == "new"
