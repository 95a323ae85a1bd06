"""Topics, tags, frequencies, newsletters and sources are renamed or given up: never behind the back of who follows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from digest.audience.suppression import suppress
from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

PYTHON = 'python = { title = "Python", tags = ["python"] }'
DAY = timedelta(days=1)


def subscriptions(project: Project) -> dict[tuple[str, str], Any]:
    """Every subscription by address and newsletter."""
    row = tables.subscription.c
    query = select(tables.subscriber.c.address, tables.subscription).join(
        tables.subscription, row.subscriber_id == tables.subscriber.c.id
    )
    with project.app() as app, app.store.reading() as connection:
        return {(found.address, found.newsletter): found for found in connection.execute(query)}


def successions(project: Project) -> list[tuple[Any, ...]]:
    """What was recorded of them."""
    row = tables.succession.c
    query = select(row.kind, row.name, row.moved_to, row.moved, row.ended).order_by(row.id)
    with project.app() as app, app.store.reading() as connection:
        return [tuple(found) for found in connection.execute(query)]


def refused(project: Project, at: str = "2026-11-30T09:00:00Z") -> str:
    """A run that must do nothing but say why, in one line."""
    before = len(project.sink.arrived), len(project.issues())
    said = project.command("run", "--now", at)
    assert said.returncode == 2
    assert (len(project.sink.arrived), len(project.issues())) == before
    assert len(said.stderr.splitlines()) == 1
    return said.stderr


def test_case_33_a_topic_that_is_removed_while_people_follow_it_is_refused_until_it_is_said_what_becomes_of_them(
    project: Project,
) -> None:
    project.join("ann@x.example", "python")
    project.join("bob@x.example", "python databases")
    project.join("cy@x.example", "security")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY), article("s", at=MONDAY, tags=("security",)))
    project.configure(PYTHON, "")
    line = refused(project)
    assert "newsletters.weekly.topics: topic 'python' is gone and 2 subscribers follow it" in line
    assert 'moved_to = "ANOTHER" or retired = true' in line
    assert project.command("issues", "draft", "weekly", "--no-fetch").returncode == 2

    project.configure("devops = {", 'python = { title = "Python", tags = ["python"], moved_to = "devops" }\ndevops = {')
    project.run(MONDAY + WEEK)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + WEEK, tags=("devops",)))
    project.run(MONDAY + 2 * WEEK)
    assert project.read("ann@x.example") == [["a"], ["b"], ["c"]]
    assert project.read("bob@x.example") == [["a"], ["b"], ["c"]]
    assert project.read("cy@x.example") == [["s"]]
    found = subscriptions(project)
    assert found["ann@x.example", "weekly"].topics == "devops"
    assert found["bob@x.example", "weekly"].topics == "databases devops"
    assert successions(project) == [("topic", "python", "devops", 2, 0)]


def test_a_topic_that_is_retired_is_taken_from_who_follows_it_and_ends_the_subscription_of_who_follows_nothing_else(
    project: Project,
) -> None:
    project.join("ann@x.example", "python")
    project.join("bob@x.example", "python databases")
    project.join("cy@x.example")
    project.offer(article("a"))
    project.configure(PYTHON, PYTHON.replace(" }", ", retired = true }"))
    project.run(MONDAY)
    found = subscriptions(project)
    assert found["ann@x.example", "weekly"].state == "unsubscribed"
    assert found["bob@x.example", "weekly"].topics == "databases"
    assert found["cy@x.example", "weekly"].topics == "*"
    assert project.sink.arrived == []
    assert successions(project) == [("topic", "python", None, 1, 1)]
    assert project.command("subscribers", "add", "dan@x.example", "--topics", "python").returncode == 2


def test_an_issue_that_was_drafted_with_a_topic_is_frozen_anew_when_the_topic_moves(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example", "python")
    project.offer(article("a"))
    project.run(MONDAY)
    project.configure("devops = {", "renamed = {")
    project.configure(PYTHON, PYTHON.replace(" }", ', moved_to = "renamed" }'))
    project.run(MONDAY + timedelta(minutes=5))
    assert (project.issue("weekly/1").state, project.issue("weekly/1").revision) == ("held", 2)
    assert project.command("issues", "approve", "weekly/1").returncode == 0
    project.run(MONDAY + timedelta(minutes=10))
    assert project.read("ann@x.example") == [["a"]]


def test_what_somebody_is_owed_of_a_topic_is_still_owed_when_the_topic_moves(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 1")
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b", at=BEGAN - DAY))
    project.run(MONDAY)
    project.configure(PYTHON, PYTHON.replace(" }", ', moved_to = "devops" }'))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"], ["b"]]


def test_a_tag_that_a_followed_topic_gathers_no_more_is_refused_until_it_is_retired(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY, tags=("py",)))
    project.configure('tags = ["python"] }', 'tags = ["py"] }')
    line = refused(project)
    assert "newsletters.weekly.topics.python.tags: tag 'python' is gone and 1 subscriber follows the topic" in line
    assert 'retired_tags = ["python"]' in line
    project.configure('tags = ["py"] }', 'tags = ["py"], retired_tags = ["Python"] }')
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"], ["c"]]


def test_a_frequency_that_is_offered_no_more_is_refused_until_it_has_a_successor(project: Project) -> None:
    both = 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }'
    project.configure('schedule = "0 9 * * 1"', both)
    project.join("dan@x.example", frequency="daily")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY))
    project.configure(both, 'schedule = "0 9 * * 1"')
    line = refused(project)
    assert "frequency 'daily' is not offered any more and 1 subscriber follows it" in line
    assert 'former_frequencies = { daily = "weekly" }' in line
    project.configure('schedule = "0 9 * * 1"', 'schedule = "0 9 * * 1"\nformer_frequencies = { daily = "weekly" }')
    project.run(MONDAY + WEEK)
    assert project.read("dan@x.example") == [["a"], ["b"]]
    assert subscriptions(project)["dan@x.example", "weekly"].frequency == "weekly"


def with_two_newsletters(project: Project, old: str) -> None:
    """The sample's newsletter, and before it one called `old`, with two of its topics."""
    project.configure(
        '[[newsletters]]\nslug = "weekly"',
        f'[[newsletters]]\nslug = "old"\ntitle = "Old"\nschedule = "0 9 * * 1"\napproval = "automatic"\n{old}\n'
        "[newsletters.topics]\n"
        'databases = { title = "Databases", tags = ["databases"] }\npython = { title = "Python", tags = ["python"] }\n\n'
        '[[newsletters]]\nslug = "weekly"',
    )


def test_a_newsletter_that_moves_takes_its_subscriptions_coverage_and_suppressions_along(project: Project) -> None:
    with_two_newsletters(project, "max_articles = 1")
    project.join("ann@x.example", "python")
    project.join("both@x.example", "python")
    project.join("gone@x.example", "python")
    project.join("ghost@x.example", "python")
    with project.app() as app, app.store.writing() as connection:
        suppress(connection, "gone@x.example", "old", reason="complained", source="test", now=BEGAN)
        suppress(connection, "ghost@x.example", "old", reason="complained", source="test", now=BEGAN)
    assert project.command("subscribers", "erase", "ghost@x.example").returncode == 0
    said = project.command(
        "subscribers", "add", "both@x.example", "--newsletter", "weekly", "--topics", "security", "--confirmed"
    )
    assert said.returncode == 0, said.stderr
    project.offer(article("a"), article("b", at=BEGAN - DAY))
    project.run(MONDAY)
    with_two_newsletters_gone = 'slug = "old"\n'
    project.configure(with_two_newsletters_gone, 'slug = "old"\nmoved_to = "weekly"\n')
    project.offer(article("a"), article("b", at=BEGAN - DAY), article("c", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"], ["b", "c"]]
    assert project.read("both@x.example") == [["a"], ["b", "c"]]
    assert project.mails("gone@x.example") == []
    back = project.command("subscribers", "add", "ghost@x.example", "--newsletter", "weekly", "--confirmed")
    assert "is suppressed and will not be mailed" in back.stderr
    found = subscriptions(project)
    assert found["both@x.example", "weekly"].topics == "python security"
    assert found["both@x.example", "old"].state == "unsubscribed"
    assert ("ann@x.example", "old") not in found
    assert project.command("issues", "draft", "old").returncode == 2


def test_a_newsletter_that_is_gone_is_refused_and_one_that_is_retired_sends_nothing_more(project: Project) -> None:
    with_two_newsletters(project, "")
    project.join("ann@x.example", "python")
    project.offer(article("a"))
    project.run(MONDAY)
    project.configure('slug = "old"\n', 'slug = "other"\n')
    assert "newsletters: newsletter 'old' is gone and 1 subscriber follows it" in refused(project)
    project.configure('slug = "other"\n', 'slug = "old"\nretired = true\n')
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"]]
    assert subscriptions(project)["ann@x.example", "old"].state == "unsubscribed"


def test_a_source_that_gets_another_name_is_not_read_as_a_new_one(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.configure('name = "articles"', 'name = "blog"')
    assert "sources: source 'articles' is gone and 1 article came from it" in refused(project)
    table = '[[sources]]\nname = "articles"\nkind = "json"\npath = "articles.json"\nmoved_to = "blog"\n\n[[newsletters]]'
    project.configure("[[newsletters]]", table)
    project.offer(article("a", url="https://backend.example/moved"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"], ["b"]]
    assert successions(project) == [("source", "articles", "blog", 1, 0)]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (PYTHON, PYTHON.replace(" }", ', moved_to = "pyhton" }'), "topics.python.moved_to: 'pyhton' is not offered"),
        (PYTHON, PYTHON.replace(" }", ', moved_to = "devops", retired = true }'), "both moved_to and retired"),
        (
            'slug = "weekly"',
            'slug = "weekly"\nmoved_to = "daily"',
            "newsletters.0.moved_to: 'daily' is not one of the newsletters",
        ),
        ('slug = "weekly"', 'slug = "weekly"\nformer_frequencies = { weekly = "daily" }', "the schedule still offers it"),
        (
            'slug = "weekly"',
            'slug = "weekly"\nformer_frequencies = { daily = "monthly" }',
            "'monthly' is not offered; name one of weekly",
        ),
    ],
)
def test_a_successor_that_is_none_is_refused_in_one_line(project: Project, before: str, after: str, said: str) -> None:
    project.configure(before, after)
    complained = project.command("config", "check")
    assert complained.returncode == 2
    assert said in complained.stderr
    assert len(complained.stderr.splitlines()) == 1


def test_a_dry_run_moves_nobody(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"))
    project.configure(PYTHON, PYTHON.replace(" }", ', moved_to = "devops" }'))
    said = project.command("run", "--dry-run", "--now", MONDAY.isoformat())
    assert said.returncode == 0, said.stderr
    assert "topic 'python' of weekly is moved to 'devops': 1 subscription changed, 0 ended" in said.stdout
    assert subscriptions(project)["ann@x.example", "weekly"].topics == "python"
